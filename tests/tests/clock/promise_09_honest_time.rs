//! Promise 9: nothing is served past its ttl, to nobody: not to joined waiters of old loads, not through any companion, not after an invalidation.

use crate::{secs, stores};
use cached_runtime::{cached, clock};
use cached_tests::{Counter, Gate};
use futures::{executor::block_on, poll};
use std::{pin::pin, time::Duration};

#[test]
fn no_way_leads_to_an_expired_value() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(secs(10)).build();
        (0..20).for_each(|key| cache.set(key, 1));
        clock.advance(secs(10));
        assert_eq!(cache.get(&0), None, "{store}");
        assert!(!cache.contains(&1), "{store}");
        assert_eq!(cache.get_or_load(2, || 2), 2, "{store}");
        assert_eq!(cache.try_get_or_load(3, || Err("no")), Err("no"), "{store}: not even on an error");
        assert_eq!(block_on(cache.get_or_load_async(4, async { 2 })), 2, "{store}");
        assert_eq!(block_on(cache.try_get_or_load_async(5, async { Err("no") })), Err("no"), "{store}");
        let listed: Vec<_> = cache.iter_keys().into_iter().filter(|key| ![2, 4].contains(key)).collect();
        assert_eq!(listed, Vec::<u32>::new(), "{store}: expired keys are not listed");
    }
}

/// In small steps up to the end, so that no rounding serves it a moment longer.
#[test]
fn never_a_moment_late() {
    let clock = clock::pause();
    for step in [1, 3, 7, 50] {
        for (store, builder) in stores::<u32, u32>() {
            let cache = builder.ttl(Duration::from_millis(500)).build();
            cache.set(1, 1);
            let mut now = 0;
            let mut last_seen = 0;
            while now < 1000 {
                if cache.get(&1).is_some() {
                    last_seen = now;
                }
                clock.advance(Duration::from_millis(step));
                now += step;
            }
            assert!(last_seen < 500, "{store}: seen after {last_seen} ms of 500");
            assert!(last_seen >= 400, "{store}: gone after {last_seen} ms of 500");
        }
    }
}

/// A value set to expire while a load of the same key runs: the load that ends later is served, with a time of its own.
#[test]
fn a_load_across_an_expiry() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    static RELEASE: Gate = Gate::new();
    #[cached(ttl = "10s")]
    async fn load(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 2 {
            RELEASE.passed().await;
        }
        n * 100 + run
    }
    block_on(async {
        assert_eq!(load(7).await, 701);
        clock.advance(secs(10));
        let mut second = pin!(load(7));
        assert!(poll!(second.as_mut()).is_pending());
        clock.advance(secs(100));
        let mut joined = pin!(load(7));
        assert!(poll!(joined.as_mut()).is_pending());
        RELEASE.open();
        assert_eq!((second.await, joined.await), (702, 702));
        clock.advance(secs(9));
        assert_eq!((load(7).await, RUNS.get()), (702, 2));
        clock.advance(secs(1));
        assert_eq!(load(7).await, 703);
    });
}

/// Invalidated is gone at once, however much of its ttl is left; the new entry has a full one.
#[test]
fn an_invalidation_does_not_wait_for_the_ttl() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.ttl(secs(10)).build();
        cache.set(1, 1);
        clock.advance(secs(5));
        cache.invalidate(&1);
        assert_eq!(cache.get(&1), None, "{store}");
        assert_eq!(cache.get_or_load(1, || 2), 2);
        clock.advance(secs(9));
        assert_eq!(cache.get(&1), Some(2), "{store}");
        cache.clear();
        assert_eq!(cache.get(&1), None, "{store}");
    }
}

/// A refresh that fails leaves the old entry, but never prolongs it.
#[test]
fn a_failed_refresh_prolongs_nothing() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(ttl = "10s")]
    fn load(n: u64) -> Result<u64, String> {
        if RUNS.up() == 1 { Ok(n) } else { Err("down".into()) }
    }
    assert_eq!(load(7), Ok(7));
    clock.advance(secs(9));
    assert_eq!(load::refresh(7), Err("down".into()));
    assert_eq!(load(7), Ok(7));
    clock.advance(secs(1));
    assert_eq!(load(7), Err("down".into()));
}
