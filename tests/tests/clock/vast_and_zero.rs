//! Absurd durations: a ttl of `u64::MAX` seconds does not overflow, a computed zero stores nothing and keeps the function working.

use crate::{secs, stores};
use cached_runtime::{Cache, cached, clock};
use cached_tests::Counter;
use std::time::Duration;

const VAST: [Duration; 4] =
    [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(u64::MAX), Duration::from_millis(u64::MAX)];

#[test]
fn vast_ttl_and_tti() {
    let clock = clock::pause();
    for vast in VAST {
        for (store, builder) in stores::<u32, u32>() {
            let cache = builder.ttl(vast).tti(vast).build();
            cache.set(1, 1);
            clock.advance(secs(1_000_000));
            assert_eq!(cache.get(&1), Some(1), "{store} {vast:?}");
            assert_eq!(cache.get_or_load(2, || 2), 2);
            clock.advance(secs(1_000_000));
            assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), Some(2)), "{store} {vast:?}");
        }
    }
}

#[test]
fn vast_ttl_with_jitter() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(Duration::MAX).jitter(0.5).build();
    let other: Cache<u32, u32> = Cache::builder().ttl(Duration::MAX).jitter(Duration::from_secs(5)).build();
    cache.set(1, 1);
    other.set(1, 1);
    clock.advance(secs(1_000_000));
    assert_eq!((cache.get(&1), other.get(&1)), (Some(1), Some(1)));
}

#[test]
fn vast_in_the_attribute() {
    let clock = clock::pause();
    #[cached(ttl = Duration::from_secs(u64::MAX), tti = Duration::MAX, coalesce = Duration::MAX)]
    fn load(n: u32) -> u32 {
        n
    }
    #[cached(cache_none = Duration::MAX)]
    fn find(n: u32) -> Option<u32> {
        (n > 0).then_some(n)
    }
    assert_eq!((load(1), find(0), find(1)), (1, None, Some(1)));
    clock.advance(secs(1_000_000));
    assert!(load::contains(1) && find::contains(0) && find::contains(1));
}

/// An advance beyond all ends is no panic either.
#[test]
fn a_vast_advance() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(secs(60)).build();
    cache.set(1, 1);
    clock.advance(secs(100 * 365 * 24 * 3600));
    assert_eq!((cache.get(&1), cache.get_or_load(1, || 2), cache.get(&1)), (None, 2, Some(2)));
}

#[test]
fn zero_stores_nothing_and_works() {
    let _clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(Duration::ZERO).build();
        cache.set(1, 1);
        assert_eq!(
            (cache.get(&1), cache.get_or_load(1, || 2), cache.get_or_load(1, || 3), cache.len()),
            (None, 2, 3, 0),
            "{store}"
        );
    }
    fn none() -> Duration {
        Duration::ZERO
    }
    static RUNS: Counter = Counter::new();
    #[cached(ttl = none())]
    fn by_ttl(n: u32) -> u32 {
        RUNS.up();
        n
    }
    #[cached(tti = none())]
    fn by_tti(n: u32) -> u32 {
        RUNS.up();
        n
    }
    #[cached(backend = local, ttl = none())]
    fn local(n: u32) -> u32 {
        RUNS.up();
        n
    }
    for _ in 0..3 {
        assert_eq!((by_ttl(1), by_tti(1), local(1)), (1, 1, 1));
    }
    assert_eq!((RUNS.get(), by_ttl::stats().entries, by_tti::stats().entries, local::stats().entries), (9, 0, 0, 0));
}

/// Shorter than the tick of a coarse clock: it may end early, never late.
#[test]
fn shorter_than_a_tick() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(Duration::from_nanos(1)).build();
        assert_eq!(cache.get_or_load(1, || 1), 1, "{store}");
        clock.advance(Duration::from_millis(1));
        assert_eq!((cache.get(&1), cache.get_or_load(1, || 2)), (None, 2), "{store}");
    }
}
