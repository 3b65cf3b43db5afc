//! `refresh_ahead`: an entry is renewed before its ttl ends, past a share of it or by chance.

use crate::{millis, secs, stores};
use cached_runtime::{Cache, RefreshAhead, clock};
use cached_tests::{Counter, crowd};
use std::sync::Arc;

fn call(cache: &Cache<u32, u32>, new: Option<u32>) -> (Result<u32, ()>, bool) {
    let mut ran = false;
    let got = cache.try_get_or_load(1, || {
        ran = true;
        new.ok_or(())
    });
    (got, ran)
}

#[test]
fn from_a_share_of_the_ttl_on() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(60)).refresh_ahead(0.75).build();
        assert_eq!(call(&cache, Some(1)), (Ok(1), true));
        clock.advance(millis(44_999));
        assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}");
        clock.advance(millis(1));
        assert_eq!(cache.get(&1), Some(1), "{store}: a look-up that never loads");
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}: a failure costs nothing");
        clock.advance(millis(999));
        assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}: for a second nobody tries");
        clock.advance(millis(1));
        assert_eq!(call(&cache, Some(2)), (Ok(2), true), "{store}");
        clock.advance(millis(44_999));
        assert_eq!(call(&cache, Some(3)), (Ok(2), false), "{store}: a time of its own");
        clock.advance(millis(15_001));
        assert_eq!(call(&cache, None), (Err(()), true), "{store}: without a window it ends");
        let stats = cache.stats();
        assert_eq!((stats.refreshes, stats.stale), (2, 0), "{store}: {stats}");
    }
}

#[test]
fn by_one_call() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let (cache, runs) = (builder.ttl(secs(60)).refresh_ahead(0.5).build(), Arc::new(Counter::new()));
        cache.set(1, 1);
        clock.advance(secs(30));
        let (callers, run) = (cache.clone(), runs.clone());
        crowd(8, move |_| {
            callers.get_or_load(1, || {
                run.up();
                2
            })
        });
        assert_eq!((runs.get(), cache.get(&1)), (1, Some(2)), "{store}");
    }
}

/// Loads of a second: `e^-t` is the chance of a renewal `t` seconds before the end.
#[test]
fn by_chance() {
    let clock = clock::pause();
    let mut renewed = [0_u32; 3];
    for round in 0..600 {
        let cache = Cache::builder().ttl(secs(100)).refresh_ahead(RefreshAhead::xfetch()).build();
        cache.get_or_load(1, || {
            clock::pause().advance(secs(1));
            1
        });
        clock.advance(secs(59));
        assert_eq!(call(&cache, Some(2)), (Ok(1), false), "far from the end nobody asks");
        // Three seconds before the end (5%), one (37%), a thousandth of one (99.9%).
        let left = [3_000, 1_000, 1][round % 3];
        clock.advance(millis(41_000 - left));
        renewed[round % 3] += u32::from(call(&cache, Some(2)).1);
    }
    // Of 200 each: 10, 74 and 200 are expected; the bounds are six deviations and more away.
    assert!((0..=35).contains(&renewed[0]) && (30..=120).contains(&renewed[1]) && renewed[2] >= 190, "{renewed:?}");
    assert!(renewed[0] < renewed[1], "{renewed:?}");
}

/// What takes no time to load is renewed at the last moment: never ahead.
#[test]
fn by_chance_of_a_load_that_takes_no_time() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(100)).refresh_ahead(RefreshAhead::xfetch()).build();
        assert_eq!(call(&cache, Some(1)), (Ok(1), true));
        clock.advance(millis(99_999));
        for _ in 0..100 {
            assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}");
        }
        clock.advance(millis(1));
        assert_eq!(call(&cache, Some(2)), (Ok(2), true), "{store}");
        assert_eq!(cache.stats().refreshes, 0, "{store}");
    }
}
