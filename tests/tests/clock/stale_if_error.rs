//! `stale_if_error`: past the ttl calls load; if that fails, they are given the old value, up to a hard end.

use crate::{millis, secs, stores};
use cached_runtime::{Cache, Local, cached, clock};
use cached_tests::{Counter, Gate, crowd, let_them_block, start};
use futures::executor::block_on;
use std::sync::{Arc, LazyLock};

fn call(cache: &Cache<u32, u32>, new: Option<u32>) -> (Result<u32, ()>, bool) {
    let mut ran = false;
    let got = cache.try_get_or_load(1, || {
        ran = true;
        new.ok_or(())
    });
    (got, ran)
}

#[test]
fn the_window_to_the_millisecond() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(60)).stale_if_error(secs(3600)).build();
        assert_eq!(call(&cache, Some(1)), (Ok(1), true));
        clock.advance(millis(59_999));
        assert_eq!(call(&cache, None), (Ok(1), false), "{store}: fresh");
        clock.advance(millis(1));
        assert_eq!((cache.get(&1), cache.contains(&1)), (None, false), "{store}: only for calls that fail");
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}");
        clock.advance(millis(999));
        assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}: the source is left alone for a second");
        clock.advance(millis(1));
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}");
        // Failures don't renew it: the end is counted from that of the ttl.
        for _ in 0..3598 {
            clock.advance(secs(1));
            assert_eq!(call(&cache, None), (Ok(1), true), "{store}");
        }
        clock.advance(millis(999));
        assert_eq!(call(&cache, None), (Ok(1), false), "{store}: the last millisecond");
        clock.advance(millis(1));
        assert_eq!(call(&cache, None), (Err(()), true), "{store}: it is over, throttle or not");
        assert_eq!(call(&cache, None), (Err(()), true), "{store}");
        assert_eq!(call(&cache, Some(3)), (Ok(3), true), "{store}");
    }
}

#[test]
fn the_throttle_is_at_most_a_tenth_of_the_window() {
    let clock = clock::pause();
    let cache = Cache::builder().ttl(secs(60)).stale_if_error(secs(2)).build();
    cache.set(1, 1);
    clock.advance(secs(60));
    assert_eq!(call(&cache, None), (Ok(1), true));
    clock.advance(millis(199));
    assert_eq!(call(&cache, Some(2)), (Ok(1), false));
    clock.advance(millis(1));
    assert_eq!(call(&cache, Some(2)), (Ok(2), true));
}

#[test]
fn after_the_other_window() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(60)).stale_while_revalidate(secs(10)).stale_if_error(secs(20)).build();
        cache.set(1, 1);
        clock.advance(millis(69_999));
        assert_eq!(cache.get(&1), Some(1), "{store}: served while it is renewed");
        clock.advance(millis(1));
        assert_eq!(cache.get(&1), None, "{store}");
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}");
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.stale, stats.refreshes), (1, 2, 2, 0), "{store}: {stats}");
        clock.advance(millis(9_999));
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}");
        clock.advance(millis(1));
        assert_eq!(call(&cache, None), (Err(()), true), "{store}");
    }
}

#[test]
fn all_who_wait_have_it() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let (cache, runs) = (builder.ttl(secs(60)).stale_if_error(secs(60)).build(), Arc::new(Counter::new()));
        cache.set(1, 1);
        clock.advance(secs(61));
        let (begun, go) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let leader = {
            let (cache, runs, begun, go) = (cache.clone(), runs.clone(), begun.clone(), go.clone());
            start(move || {
                cache.try_get_or_load(1, || {
                    runs.up();
                    begun.open();
                    go.wait();
                    // An error that can't be cloned, which waiters could not share.
                    Err(std::io::Error::other("down"))
                })
            })
        };
        begun.wait();
        let (others, run) = (cache.clone(), runs.clone());
        let crowd = start(move || {
            crowd(6, move |_| {
                let load = || {
                    run.up();
                    Err(std::io::Error::other("down"))
                };
                others.try_get_or_load(1, load).ok()
            })
        });
        let_them_block();
        go.open();
        assert_eq!(leader.end().ok(), Some(1), "{store}");
        assert_eq!(crowd.end(), [Some(1); 6], "{store}");
        assert_eq!(runs.get(), 1, "{store}: waiters and late comers don't try again");
    }
}

#[test]
fn local_and_async() {
    let clock = clock::pause();
    let local: Cache<u32, u32, Local> = Cache::builder().ttl(secs(60)).stale_if_error(secs(60)).build_local();
    local.set(1, 1);
    let shared = Cache::builder().ttl(secs(60)).stale_if_error(secs(60)).build();
    shared.set(1, 1);
    clock.advance(secs(60));
    assert_eq!(local.try_get_or_load(1, || Err(())), Ok(1));
    assert_eq!(block_on(shared.try_get_or_load_async(1, async { Err(()) })), Ok(1));
    clock.advance(secs(60));
    assert_eq!(local.try_get_or_load(1, || Err(())), Err(()));
    assert_eq!(block_on(shared.try_get_or_load_async(1, async { Err(()) })), Err(()));
}

#[test]
fn an_invalidation_ends_it() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(60)).stale_if_error(secs(60)).build();
        for forget in [|cache: &Cache<u32, u32>| cache.invalidate(&1), |cache: &Cache<u32, u32>| cache.clear()] {
            cache.set(1, 1);
            clock.advance(secs(61));
            forget(&cache);
            assert_eq!(call(&cache, None), (Err(()), true), "{store}");
            cache.set(1, 1);
            clock.advance(secs(61));
            let got = cache.try_get_or_load(1, || {
                forget(&cache);
                Err(())
            });
            assert_eq!(got, Err(()), "{store}: it was invalidated while the load ran");
        }
    }
}

#[test]
fn refresh_tells_its_caller_and_nobody_else() {
    static CACHE: LazyLock<Cache<u32, u32>> =
        LazyLock::new(|| Cache::builder().ttl(secs(60)).stale_if_error(secs(60)).build());
    #[cached(cache = CACHE, key = n)]
    fn source(n: u32, new: Option<u32>) -> Result<u32, String> {
        new.map(|new| new + n).ok_or_else(|| "down".to_owned())
    }
    let clock = clock::pause();
    assert_eq!(source(1, Some(1)), Ok(2));
    clock.advance(secs(61));
    assert_eq!(source::refresh(1, None), Err("down".to_owned()));
    assert_eq!(source(1, None), Ok(2));
}

#[test]
fn an_error_that_would_be_kept_does_not_push_the_value_out() {
    static CACHE: LazyLock<Cache<u32, Result<u32, String>>> =
        LazyLock::new(|| Cache::builder().ttl(secs(60)).stale_if_error(secs(60)).build());
    #[cached(cache = CACHE, key = n, cache_err = "10s")]
    fn source(n: u32, new: Option<u32>) -> Result<u32, String> {
        new.map(|new| new + n).ok_or_else(|| "down".to_owned())
    }
    let clock = clock::pause();
    assert_eq!(source(1, Some(1)), Ok(2));
    clock.advance(millis(119_999));
    assert_eq!(source(1, None), Ok(2));
    clock.advance(millis(1));
    assert_eq!(source(1, None), Err("down".to_owned()), "now it is kept");
    clock.advance(millis(9_999));
    assert_eq!(source(1, Some(5)), Err("down".to_owned()));
    clock.advance(millis(1));
    assert_eq!(source(1, Some(5)), Ok(6), "an error has no windows");
}
