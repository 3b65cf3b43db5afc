//! Promise 5: a leader that is dropped hands over at once, and a waiter that is dropped leaves no trace.

use cached_runtime::cached;
use cached_tests::{AT_ONCE, Counter, Gate, eventually, run, run_parallel};
use futures::poll;
use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

macro_rules! cancelled {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn a_dropped_leader() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        std::future::pending::<()>().await;
                    }
                    n * 100 + run
                }
                run(|| async {
                    let (mut leader, mut waiter) = (Box::pin(load(7)), Box::pin(load(7)));
                    assert!(poll!(leader.as_mut()).is_pending() && poll!(waiter.as_mut()).is_pending());
                    let begun = Instant::now();
                    drop(leader);
                    assert_eq!(waiter.await, 702);
                    assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
                    assert_eq!((load(7).await, RUNS.get()), (702, 2));
                });
            }

            #[test]
            fn a_dropped_leader_without_waiters() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        std::future::pending::<()>().await;
                    }
                    n * 100 + run
                }
                run(|| async {
                    let mut leader = Box::pin(load(7));
                    assert!(poll!(leader.as_mut()).is_pending());
                    drop(leader);
                    let begun = Instant::now();
                    assert_eq!((load(7).await, RUNS.get()), (702, 2));
                    assert!(begun.elapsed() < AT_ONCE, "it waited for a flight that is gone: {:?}", begun.elapsed());
                });
            }

            /// The one that is promoted is dropped before it is polled again: the next must get the turn.
            #[test]
            fn the_promoted_waiter_is_dropped_too() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        std::future::pending::<()>().await;
                    }
                    n * 100 + run
                }
                run(|| async {
                    let mut calls: Vec<_> = (0..10).map(|_| Box::pin(load(7))).collect();
                    for call in &mut calls {
                        assert!(poll!(call.as_mut()).is_pending());
                    }
                    let begun = Instant::now();
                    // One after another, the leader first; each hands over to the next, which is dropped in its turn.
                    let last = calls.split_off(9);
                    for call in calls {
                        drop(call);
                    }
                    assert_eq!(futures::future::join_all(last).await, [702]);
                    assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
                    assert_eq!(RUNS.get(), 2);
                });
            }

            #[test]
            fn dropped_waiters_leave_no_trace() {
                static RUNS: Counter = Counter::new();
                static RELEASE: Gate = Gate::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    RELEASE.passed().await;
                    n * 100 + run
                }
                run(|| async {
                    let mut leader = Box::pin(load(7));
                    assert!(poll!(leader.as_mut()).is_pending());
                    let mut staying = Box::pin(load(7));
                    for _ in 0..100 {
                        let mut waiter = Box::pin(load(7));
                        assert!(poll!(waiter.as_mut()).is_pending());
                    }
                    assert!(poll!(staying.as_mut()).is_pending());
                    RELEASE.open();
                    assert_eq!((leader.await, staying.await, load(7).await, RUNS.get()), (701, 701, 701, 1));
                });
            }

            #[test]
            fn a_call_that_was_never_polled() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    RUNS.up();
                    n
                }
                run(|| async {
                    drop(load(7));
                    let later = load(7);
                    assert_eq!((load(7).await, later.await, RUNS.get()), (7, 7, 1));
                });
            }

            #[test]
            fn an_aborted_task() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        std::future::pending::<()>().await;
                    }
                    n * 100 + run
                }
                run_parallel(|| async {
                    let leader = tokio::spawn(load(7));
                    while RUNS.get() == 0 {
                        tokio::task::yield_now().await;
                    }
                    let waiters: Vec<_> = (0..50).map(|_| tokio::spawn(load(7))).collect();
                    tokio::task::yield_now().await;
                    leader.abort();
                    assert!(leader.await.unwrap_err().is_cancelled());
                    for waiter in waiters {
                        assert_eq!(waiter.await.unwrap(), 702);
                    }
                    assert_eq!(RUNS.get(), 2);
                });
            }

            /// What a dropped load held is freed: the flight keeps nothing of it.
            #[test]
            fn a_dropped_load_is_freed() {
                static HELD: Counter = Counter::new();
                struct Held;
                impl Drop for Held {
                    fn drop(&mut self) {
                        HELD.up();
                    }
                }
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let _held = Held;
                    std::future::pending::<()>().await;
                    n
                }
                run(|| async {
                    let mut leader = Box::pin(load(7));
                    assert!(poll!(leader.as_mut()).is_pending());
                    drop(leader);
                    assert_eq!(HELD.get(), 1);
                });
            }
        }
    };
}

cancelled!(lru, eviction = lru);
cancelled!(sieve, eviction = sieve);
cancelled!(unbounded, capacity = unbounded);

#[test]
fn a_dropped_leader_in_a_local_cache() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    async fn load(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 1 {
            std::future::pending::<()>().await;
        }
        n * 100 + run
    }
    run(|| async {
        let mut calls: Vec<_> = (0..5).map(|_| Box::pin(load(7))).collect();
        for call in &mut calls {
            assert!(poll!(call.as_mut()).is_pending());
        }
        let last = calls.pop().expect("five");
        drop(calls);
        assert_eq!((last.await, load(7).await, RUNS.get()), (702, 702, 2));
    });
}

#[test]
fn timeouts_around_calls() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn slow(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        tokio::time::sleep(Duration::from_millis(if run <= 3 { 10_000 } else { 5 })).await;
        n * 100 + run
    }
    run(|| async {
        for _ in 0..3 {
            assert!(tokio::time::timeout(Duration::from_millis(20), slow(7)).await.is_err());
        }
        assert_eq!(slow(7).await, 704);
    });
}

/// The runtime goes down with the leader in it; a waiter in another runtime takes over.
#[test]
fn the_leader_s_runtime_is_dropped() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn load(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 1 {
            std::future::pending::<()>().await;
        }
        n * 100 + run
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.spawn(load(7));
    eventually("the leader", || RUNS.get() == 1);
    let waiter = cached_tests::start(|| run(|| load(7)));
    cached_tests::let_them_block();
    let begun = Instant::now();
    drop(runtime);
    assert_eq!(waiter.end(), 702);
    assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
}

/// Neither flights nor waiters keep a value alive once its callers have it and its entry is gone.
#[test]
fn nothing_keeps_a_value_alive() {
    #[cached]
    async fn load(n: u64) -> Arc<u64> {
        tokio::task::yield_now().await;
        Arc::new(n)
    }
    let weak: Weak<u64> = run(|| async {
        let values = futures::future::join_all((0..10).map(|_| load(7))).await;
        Arc::downgrade(&values[0])
    });
    assert!(weak.upgrade().is_some(), "it is cached");
    futures::executor::block_on(load::invalidate(7));
    eventually("the value is freed", || weak.upgrade().is_none());
}

/// Waiters that are alive but never polled again stand in nobody's way, whichever of them was first.
#[test]
fn waiters_that_are_not_polled_any_more() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn load(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 1 {
            std::future::pending::<()>().await;
        }
        n * 100 + run
    }
    run(|| async {
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(load(7))).collect();
        for call in &mut calls {
            assert!(poll!(call.as_mut()).is_pending());
        }
        let begun = Instant::now();
        drop(calls.remove(0));
        // The last one alone is polled; the other eight are kept as they are.
        assert_eq!(calls.pop().expect("nine").await, 702);
        assert_eq!((load(7).await, RUNS.get()), (702, 2));
        assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
        // Polled at last, they find what is there.
        assert_eq!(futures::future::join_all(calls).await, [702; 8]);
    });
}

/// The same after a failure that lets waiters go in waves: a wave may consist of calls that nobody polls.
#[test]
fn waiters_of_a_failed_load_that_are_not_polled_any_more() {
    static RUNS: Counter = Counter::new();
    static RELEASE: Gate = Gate::new();
    #[cached]
    async fn load(n: u64) -> std::io::Result<u64> {
        let run = RUNS.up() as u64;
        if run == 1 {
            RELEASE.passed().await;
            return Err(std::io::Error::other("the first one fails"));
        }
        Ok(n * 100 + run)
    }
    run(|| async {
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(load(7))).collect();
        for call in &mut calls {
            assert!(poll!(call.as_mut()).is_pending());
        }
        RELEASE.open();
        let begun = Instant::now();
        assert!(calls.remove(0).await.is_err());
        assert_eq!(calls.pop().expect("nine").await.unwrap(), 702);
        assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
    });
}

/// What a call made of its key goes with it: neither loads nor waits leave anything that grows.
#[test]
fn dropped_calls_keep_no_key() {
    for builder in [
        cached_runtime::Cache::builder(),
        cached_runtime::Cache::builder().eviction(cached_runtime::Eviction::Sieve),
        cached_runtime::Cache::builder().unbounded(),
    ] {
        let cache: cached_runtime::Cache<Arc<str>, u64> = builder.build();
        let key: Arc<str> = "some key".into();
        run({
            let key = Arc::clone(&key);
            move || async move {
                for _ in 0..50 {
                    let mut calls: Vec<_> = (0..5)
                        .map(|_| Box::pin(cache.get_or_load_async(Arc::clone(&key), std::future::pending())))
                        .collect();
                    for call in &mut calls {
                        assert!(poll!(call.as_mut()).is_pending());
                    }
                    assert!(Arc::strong_count(&key) > 2);
                }
                assert_eq!((Arc::strong_count(&key), cache.len()), (2, 0));
            }
        });
        assert_eq!(Arc::strong_count(&key), 1);
    }
}
