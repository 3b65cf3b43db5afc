//! The protocols of single-flight and fences under a model checker: `RUSTFLAGS="--cfg shuttle" cargo test -p
//! cached-runtime --test model --release`. Random schedules and PCT (Burckhardt et al., ASPLOS 2010); a schedule that
//! hangs is reported as a deadlock, one that breaks an assertion is printed for replay.
//!
//! Time stands still in a model: no wait is ever ended by its bound.

#![cfg(shuttle)]

use cached_runtime::{Cache, Eviction};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::{future, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Numbers = Cache<u32, usize>;

/// Runs a model on each kind of cache, under random schedules and under PCT.
fn check(model: impl Fn(Numbers) + Send + Sync + Clone + 'static) {
    let build: [fn() -> Numbers; 3] = [
        || Cache::builder().build(),
        || Cache::builder().eviction(Eviction::Sieve).build(),
        || Cache::builder().capacity(1).build(),
    ];
    for build in build {
        let (random, pct) = (model.clone(), model.clone());
        shuttle::check_random(move || random(build()), 3000);
        shuttle::check_pct(move || pct(build()), 3000, 3);
    }
}

/// A source that a load reads, and a count of the loads.
#[derive(Default)]
struct Source {
    now: AtomicUsize,
    loads: AtomicUsize,
}

impl Source {
    fn load(&self) -> usize {
        self.loads.fetch_add(1, SeqCst);
        let value = self.now.load(SeqCst);
        thread::yield_now();
        value
    }
}

#[test]
fn a_value_that_was_loaded_before_an_invalidation_never_comes_after_it() {
    for forget in [|cache: &Numbers| cache.invalidate(&1), Cache::clear] {
        check(move |cache| {
            let source = Arc::new(Source::default());
            let reader = {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            };
            let other = {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            };
            source.now.store(1, SeqCst);
            forget(&cache);
            assert_eq!(cache.get_or_load(1, || source.load()), 1, "the old value came back");
            reader.join().unwrap();
            other.join().unwrap();
            assert_eq!(cache.get_or_load(1, || source.load()), 1, "the old value was stored late");
        });
    }
}

#[test]
fn a_load_never_replaces_a_value_that_was_set_after_it_began() {
    check(|cache| {
        let reader = {
            let cache = cache.clone();
            thread::spawn(move || {
                cache.get_or_load(1, || {
                    thread::yield_now();
                    0
                })
            })
        };
        cache.set(1, 7);
        assert_eq!(cache.get_or_load(1, || 8), 7);
        reader.join().unwrap();
        assert_eq!(cache.get(&1), Some(7));
    });
}

#[test]
fn concurrent_callers_run_one_load() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            })
            .collect();
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), 0));
        assert_eq!(source.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_leader_that_panics_hands_over() {
    check(|cache| {
        let loads = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, loads) = (cache.clone(), loads.clone());
                thread::spawn(move || {
                    let load = || {
                        // The first load panics, the others don't.
                        thread::yield_now();
                        assert!(loads.fetch_add(1, SeqCst) > 0, "on purpose");
                        7
                    };
                    catch_unwind(AssertUnwindSafe(|| cache.get_or_load(1, load))).ok()
                })
            })
            .collect();
        let got: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert_eq!(got.iter().filter(|value| **value == Some(7)).count(), 2, "{got:?}");
    });
}

#[test]
fn failures_are_shared_and_never_hang() {
    check(|cache| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || {
                    cache.try_get_or_load(1, || {
                        thread::yield_now();
                        Err("no")
                    })
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), Err("no")));
        assert!(cache.is_empty());
    });
}

#[test]
fn a_wait_cycle_between_threads_is_broken() {
    fn a(cache: &Numbers, depth: u32) -> usize {
        cache.get_or_load(1, || if depth == 0 { 1 } else { 1 + b(cache, depth - 1) })
    }
    fn b(cache: &Numbers, depth: u32) -> usize {
        cache.get_or_load(2, || if depth == 0 { 1 } else { 1 + a(cache, depth - 1) })
    }
    check(|cache| {
        let other = cache.clone();
        let thread = thread::spawn(move || b(&other, 2));
        a(&cache, 2);
        thread.join().unwrap();
    });
}

#[test]
fn a_longer_wait_cycle_is_broken() {
    fn visit(cache: &Numbers, key: u32, depth: u32) -> usize {
        cache.get_or_load(key, || if depth == 0 { 1 } else { 1 + visit(cache, (key + 1) % 3, depth - 1) })
    }
    check(|cache| {
        let threads: Vec<_> = (0..3)
            .map(|key| {
                let cache = cache.clone();
                thread::spawn(move || visit(&cache, key, 3))
            })
            .collect();
        threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
    });
}

#[test]
fn an_async_leader_that_is_dropped_hands_over() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let dropped = {
            let (cache, source) = (cache.clone(), source.clone());
            future::spawn(async move {
                let load = cache.get_or_load_async(1, async {
                    future::yield_now().await;
                    future::yield_now().await;
                    source.load()
                });
                // Polls once or twice, then drops it.
                let mut load = Box::pin(load);
                for _ in 0..2 {
                    let polled = std::future::poll_fn(|cx| {
                        std::task::Poll::Ready(std::future::Future::poll(load.as_mut(), cx).is_ready())
                    });
                    if polled.await {
                        break;
                    }
                    future::yield_now().await;
                }
            })
        };
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                future::spawn(async move {
                    let load = async {
                        future::yield_now().await;
                        source.load()
                    };
                    assert_eq!(cache.get_or_load_async(1, load).await, 0);
                })
            })
            .collect();
        future::block_on(async {
            dropped.await.unwrap();
            for waiter in waiters {
                waiter.await.unwrap();
            }
        });
        assert_eq!(source.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_sync_call_does_not_wait_for_an_async_leader() {
    check(|cache| {
        let task = {
            let cache = cache.clone();
            future::spawn(async move {
                cache
                    .get_or_load_async(1, async {
                        future::yield_now().await;
                        1
                    })
                    .await
            })
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || cache.get_or_load(1, || 2))
            })
            .collect();
        threads.into_iter().for_each(|thread| assert!((1..=2).contains(&thread.join().unwrap())));
        assert!((1..=2).contains(&future::block_on(task).unwrap()));
    });
}
