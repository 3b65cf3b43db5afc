//! `ttl`: how long a value is served, counted from the end of its load.

use crate::{secs, stores};
use cached_runtime::{Cache, Local, cached, clock};
use cached_tests::Counter;
use std::{rc::Rc, time::Duration};

macro_rules! expires {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn sync_and_async() {
                let clock = clock::pause();
                static RUNS: Counter = Counter::new();
                #[cached($($option)*, ttl = "60s")]
                fn load(n: u64) -> u64 {
                    n * 100 + RUNS.up() as u64
                }
                static LATER: Counter = Counter::new();
                #[cached($($option)*, ttl = Duration::from_secs(60))]
                async fn later(n: u64) -> Option<u64> {
                    Some(n * 100 + LATER.up() as u64)
                }
                let later = |n| futures::executor::block_on(later(n));
                assert_eq!((load(7), later(7)), (701, Some(701)));
                clock.advance(secs(59));
                assert_eq!((load(7), later(7)), (701, Some(701)), "reads don't prolong it");
                clock.advance(secs(1));
                assert!(!load::contains(7));
                assert_eq!((load(7), later(7)), (702, Some(702)));
                clock.advance(secs(59));
                assert_eq!((load(7), later(7)), (702, Some(702)), "the new value has a time of its own");
                clock.advance(secs(2));
                assert_eq!((load(7), later(7)), (703, Some(703)));
                let stats = load::stats();
                assert_eq!((stats.hits, stats.misses), (2, 3), "{stats}");
            }

            #[test]
            fn counts_from_the_end_of_the_load() {
                let clock = clock::pause();
                static RUNS: Counter = Counter::new();
                #[cached($($option)*, ttl = "10s")]
                fn slow(n: u64) -> u64 {
                    clock::pause().advance(secs(8));
                    n * 100 + RUNS.up() as u64
                }
                assert_eq!(slow(7), 701);
                clock.advance(secs(9));
                assert_eq!(slow(7), 701);
                clock.advance(secs(2));
                assert_eq!(slow(7), 702);
            }

            #[test]
            fn a_load_longer_than_the_ttl() {
                let _clock = clock::pause();
                static RUNS: Counter = Counter::new();
                #[cached($($option)*, ttl = "10s")]
                fn slow(n: u64) -> u64 {
                    clock::pause().advance(secs(100));
                    n * 100 + RUNS.up() as u64
                }
                assert_eq!((slow(7), slow(7)), (701, 701));
            }

            #[test]
            fn set_and_refresh_begin_anew() {
                let clock = clock::pause();
                #[cached($($option)*, ttl = "10s")]
                fn load(n: u64) -> u64 {
                    n
                }
                load(1);
                load(2);
                clock.advance(secs(6));
                load::set(1, &10);
                load::refresh(2);
                clock.advance(secs(6));
                assert_eq!((load::get(1), load::get(2)), (Some(10), Some(2)));
                clock.advance(secs(4));
                assert_eq!((load::get(1), load::get(2)), (None, None));
            }
        }
    };
}

expires!(lru, eviction = lru);
expires!(sieve, eviction = sieve);
expires!(unbounded, capacity = unbounded);
expires!(local, backend = local);

#[test]
fn units_and_expressions() {
    let clock = clock::pause();
    const HALF: Duration = Duration::from_millis(90_000 / 2);
    #[cached(ttl = "1m 30s")]
    fn two_units(n: u64) -> u64 {
        n
    }
    #[cached(ttl = "1500ms")]
    fn millis(n: u64) -> u64 {
        n
    }
    #[cached(ttl = HALF * 2)]
    fn expression(n: u64) -> u64 {
        n
    }
    #[cached(ttl = never)]
    fn always(n: u64) -> u64 {
        n
    }
    #[cached(ttl = "2h")]
    fn hours(n: u64) -> u64 {
        n
    }
    assert_eq!([two_units(1), millis(1), expression(1), always(1), hours(1)], [1; 5]);
    let there = || {
        (two_units::contains(1), millis::contains(1), expression::contains(1), always::contains(1), hours::contains(1))
    };
    clock.advance(secs(1));
    assert_eq!(there(), (true, true, true, true, true));
    clock.advance(secs(1));
    assert_eq!(there(), (true, false, true, true, true));
    clock.advance(secs(87));
    assert_eq!(there(), (true, false, true, true, true));
    clock.advance(secs(1));
    assert_eq!(there(), (false, false, false, true, true));
    clock.advance(secs(7200));
    assert_eq!(there(), (false, false, false, true, false));
    clock.advance(secs(10_000_000_000));
    assert_eq!(there(), (false, false, false, true, false));
}

#[test]
fn of_the_builder() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(secs(10)).build();
        cache.set(1, 1);
        assert_eq!(cache.get_or_load(2, || 2), 2);
        clock.advance(secs(9));
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), Some(2)), "{store}");
        clock.advance(secs(1));
        assert_eq!((cache.get(&1), cache.get(&2), cache.contains(&1)), (None, None, false), "{store}");
        assert_eq!(cache.get_or_load(1, || 3), 3, "{store}");
    }
    let local: Cache<u32, Rc<u32>, Local> = Cache::builder().ttl(secs(10)).build_local();
    local.set(1, Rc::new(1));
    clock.advance(secs(9));
    assert!(local.contains(&1));
    clock.advance(secs(1));
    assert!(local.get(&1).is_none());
}

/// An expired entry is no hit, and its replacement takes its place, not another's.
#[test]
fn an_expired_entry_is_replaced_in_place() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(secs(10)).build();
        for round in 0..10 {
            assert_eq!(cache.get_or_load(1, || round), round, "{store}");
            assert_eq!(cache.len(), 1, "{store}");
            clock.advance(secs(11));
        }
        assert_eq!(cache.stats().evictions, 0, "{store}");
    }
}
