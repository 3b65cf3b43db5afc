//! `stale_while_revalidate`: past the ttl the old value is served for a while, and one call renews it.

use crate::{millis, secs, stores};
use cached_runtime::{Builder, Cache, Local, clock};
use cached_tests::{Counter, Gate, PATIENCE, crowd, run, start, within};
use futures::executor::block_on;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A minute fresh, ten seconds stale.
fn minute<V>(builder: Builder<u32, V>) -> Builder<u32, V> {
    builder.ttl(secs(60)).stale_while_revalidate(secs(10))
}

/// What a call is given whose load gives `new` or fails, and whether it ran.
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
    for at_the_end in [false, true] {
        let clock = clock::pause();
        for (store, builder) in stores() {
            let cache = minute(builder).build();
            assert_eq!(call(&cache, Some(1)), (Ok(1), true));
            clock.advance(millis(59_999));
            assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}: fresh");
            clock.advance(millis(if at_the_end { 10_000 } else { 1 }));
            assert!(cache.contains(&1), "{store}");
            assert_eq!(cache.get(&1), Some(1), "{store}: stale");
            assert_eq!(call(&cache, None), (Ok(1), true), "{store}: a renewal that fails gives the old value");
            let stats = cache.stats();
            assert_eq!((stats.stale, stats.refreshes, stats.load_errors), (2, 1, 1), "{store}: {stats}");
            if at_the_end {
                clock.advance(millis(1));
                assert_eq!((cache.get(&1), cache.contains(&1), cache.iter_keys().count()), (None, false, 0), "{store}");
                assert_eq!(call(&cache, None), (Err(()), true), "{store}: it is over");
            } else {
                clock.advance(secs(1));
                assert_eq!(call(&cache, Some(3)), (Ok(3), true), "{store}: the call that renews has the new value");
                clock.advance(millis(59_999));
                assert_eq!(call(&cache, Some(4)), (Ok(3), false), "{store}: which has a time of its own");
            }
        }
    }
}

#[test]
fn of_one_thread_and_of_async_calls() {
    let clock = clock::pause();
    let local: Cache<u32, u32, Local> = minute(Cache::builder()).build_local();
    let shared = minute(Cache::builder()).build();
    let both = |new: u32| [local.get_or_load(1, || new), block_on(shared.get_or_load_async(1, async { new }))];
    assert_eq!(both(1), [1, 1]);
    clock.advance(millis(59_999));
    assert_eq!(both(2), [1, 1]);
    clock.advance(millis(1));
    assert_eq!((local.get(&1), shared.get(&1)), (Some(1), Some(1)));
    assert_eq!(both(3), [3, 3]);
    clock.advance(millis(69_999));
    assert_eq!((local.get(&1), shared.get(&1)), (Some(3), Some(3)));
    assert_eq!(local.try_get_or_load(1, || Err(())), Ok(3));
    clock.advance(millis(1));
    assert_eq!((local.get(&1), shared.get(&1)), (None, None));
    assert_eq!((local.stats().refreshes, shared.stats().refreshes), (2, 1));
}

#[test]
fn a_value_that_is_not_kept_ends_the_old_one() {
    use cached_runtime::cached;
    // The window comes through a cache of the builder: the options of the attribute have tests of their own.
    static CACHE: std::sync::LazyLock<Cache<u32, u32>> = std::sync::LazyLock::new(|| minute(Cache::builder()).build());
    #[cached(cache = CACHE, key = n)]
    fn some(n: u32, new: Option<u32>) -> Option<u32> {
        assert_eq!(n, 1);
        new
    }
    let clock = clock::pause();
    assert_eq!(some(1, Some(1)), Some(1));
    clock.advance(secs(61));
    assert_eq!(some(1, None), None, "the source says that there is nothing any more");
    assert_eq!(CACHE.get(&1), None);
}

#[test]
fn one_call_renews_while_all_others_are_served() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let (cache, runs) = (minute(builder).build(), Arc::new(Counter::new()));
        cache.set(1, 1);
        clock.advance(secs(61));
        let (begun, go) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let refresh = {
            let (cache, runs, begun, go) = (cache.clone(), runs.clone(), begun.clone(), go.clone());
            start(move || {
                cache.get_or_load(1, || {
                    runs.up();
                    begun.open();
                    go.wait();
                    2
                })
            })
        };
        begun.wait();
        let (others, run) = (cache.clone(), runs.clone());
        let load = move |_| {
            others.get_or_load(1, || {
                run.up();
                3
            })
        };
        assert_eq!(crowd(8, load), [1; 8], "{store}");
        go.open();
        assert_eq!(refresh.end(), 2, "{store}");
        assert_eq!((runs.get(), cache.get(&1), cache.stats().refreshes), (1, Some(2), 1), "{store}");
    }
}

#[test]
fn of_calls_that_come_together_one_renews() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let (cache, runs) = (minute(builder).build(), Arc::new(Counter::new()));
        cache.set(1, 1);
        clock.advance(secs(61));
        let (callers, run) = (cache.clone(), runs.clone());
        let got = crowd(8, move |_| {
            callers.get_or_load(1, || {
                run.up();
                2
            })
        });
        assert!(got.iter().all(|value| [1, 2].contains(value)), "{store}: {got:?}");
        assert_eq!((runs.get(), cache.get(&1)), (1, Some(2)), "{store}");
    }
}

#[test]
fn a_renewal_that_hangs_does_not_keep_the_value_alive() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let cache = minute(builder).build();
        cache.set(1, 1);
        clock.advance(secs(61));
        let (begun, go) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let hung = {
            let (cache, begun, go) = (cache.clone(), begun.clone(), go.clone());
            start(move || {
                cache.get_or_load(1, || {
                    begun.open();
                    go.wait();
                    2
                })
            })
        };
        begun.wait();
        clock.advance(millis(8_999));
        assert_eq!(call(&cache, Some(3)), (Ok(1), false), "{store}");
        clock.advance(millis(1));
        let other = cache.clone();
        assert_eq!(within(PATIENCE, "a load of its own", move || call(&other, Some(3))), (Ok(3), true), "{store}");
        go.open();
        assert_eq!(hung.end(), 2, "{store}");
        assert_eq!(cache.get(&1), Some(3), "{store}: an older load never replaces a newer value");
        assert_eq!(cache.stats().fenced, 1, "{store}");
    }
}

#[test]
fn a_renewal_that_panics_or_is_dropped_gives_the_key_free() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let cache = minute(builder).build();
        cache.set(1, 1);
        clock.advance(secs(61));
        let panics = AssertUnwindSafe(|| cache.get_or_load(1, || panic!("on purpose")));
        assert!(catch_unwind(panics).is_err(), "{store}: a panic goes to its caller");
        assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}: for a while nobody tries");
        clock.advance(secs(1));
        {
            let mut dropped = pin!(cache.get_or_load_async(1, pending()));
            assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending);
            assert_eq!(call(&cache, Some(2)), (Ok(1), false), "{store}: it is being renewed");
        }
        assert_eq!(call(&cache, Some(2)), (Ok(2), true), "{store}: the next one renews at once");
    }
}

#[test]
fn a_runtime_that_ends_takes_the_renewal_with_it() {
    let clock = clock::pause();
    let cache = minute(Cache::builder()).build();
    cache.set(1, 1);
    clock.advance(secs(61));
    let (inside, begun) = (cache.clone(), Arc::new(Gate::new()));
    let there = begun.clone();
    run(move || async move {
        tokio::spawn(async move {
            let load = async {
                there.open();
                pending().await
            };
            inside.get_or_load_async(1, load).await
        });
        begun.passed().await;
    });
    assert_eq!(call(&cache, Some(2)), (Ok(2), true));
}

#[test]
fn an_invalidation_ends_the_old_value_at_once() {
    for (store, builder) in stores() {
        let clock = clock::pause();
        let cache = minute(builder).build();
        for forget in [|cache: &Cache<u32, u32>| cache.invalidate(&1), |cache: &Cache<u32, u32>| cache.clear()] {
            cache.set(1, 1);
            clock.advance(secs(61));
            // In the middle of a renewal, which then fails.
            let got = cache.try_get_or_load(1, || {
                forget(&cache);
                assert_eq!(cache.get(&1), None, "{store}");
                Err(())
            });
            assert_eq!(got, Err(()), "{store}: not even on error");
            // A renewal that began before is not kept.
            cache.set(1, 1);
            clock.advance(secs(61));
            cache.get_or_load(1, || {
                forget(&cache);
                2
            });
            assert_eq!(cache.get(&1), None, "{store}");
        }
    }
}

#[test]
fn the_time_to_idle_still_counts() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = minute(builder).tti(secs(40)).build();
        cache.set(1, 1);
        clock.advance(secs(39));
        assert_eq!(cache.get(&1), Some(1), "{store}");
        clock.advance(secs(30));
        assert_eq!(call(&cache, None), (Ok(1), true), "{store}: stale, and read 30 seconds ago");
        cache.set(1, 1);
        clock.advance(secs(40));
        assert_eq!(call(&cache, None), (Err(()), true), "{store}: idle");
    }
}

#[test]
fn without_a_ttl_there_is_no_window() {
    let clock = clock::pause();
    let cache = Cache::builder().stale_while_revalidate(secs(1)).stale_if_error(secs(1)).refresh_ahead(0.5).build();
    cache.set(1, 1);
    clock.advance(secs(1_000_000));
    assert_eq!(call(&cache, Some(2)), (Ok(1), false));
}
