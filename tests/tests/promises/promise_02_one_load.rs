//! Promise 2: one load a key while its leader makes progress, in every store, sync and async; other keys never wait for it.

use cached_runtime::{Cache, cached};
use cached_tests::{Counter, Gate, crowd, let_them_block, run, run_parallel, run_virtual, start};
use futures::future::join_all;
use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

macro_rules! one_load {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn sixty_four_threads_on_one_cold_key() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn slow(n: u64) -> u64 {
                    thread::sleep(Duration::from_millis(50));
                    n * 100 + RUNS.up() as u64
                }
                assert_eq!(crowd(64, |_| slow(7)), [701; 64]);
                let stats = slow::stats();
                assert_eq!(RUNS.get(), 1);
                assert_eq!((stats.hits + stats.misses, stats.loads), (64, 1), "{stats}");
                assert_eq!(stats.coalesced, stats.misses - 1, "{stats}");
            }

            #[test]
            fn a_thousand_tasks_on_one_cold_key() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn slow(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    n * 100 + run
                }
                let values = run(|| join_all((0..1000).map(|_| tokio::spawn(slow(7)))));
                assert!(values.into_iter().all(|value| value.unwrap() == 701));
                let stats = slow::stats();
                assert_eq!(RUNS.get(), 1);
                // All were polled before the first sleep ended, so that none of them was a hit.
                assert_eq!((stats.hits, stats.misses, stats.loads, stats.coalesced), (0, 1000, 1, 999), "{stats}");
            }

            #[test]
            fn a_thousand_tasks_on_four_threads() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn slow(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    for _ in 0..10 {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    n * 100 + run
                }
                let values = run_parallel(|| join_all((0..1000).map(|_| tokio::spawn(slow(7)))));
                assert!(values.into_iter().all(|value| value.unwrap() == 701));
                assert_eq!(RUNS.get(), 1);
            }

            #[test]
            fn an_absent_result_goes_to_all_threads() {
                static RUNS: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                #[cached($($option)*)]
                fn find(n: u64) -> Option<u64> {
                    RUNS.up();
                    cached_tests::eventually("64 callers", || CALLING.get() == 64);
                    let_them_block();
                    (n > 1000).then_some(n)
                }
                let found = crowd(64, |_| {
                    CALLING.up();
                    find(7)
                });
                assert_eq!(found, [None; 64]);
                assert_eq!(RUNS.get(), 1);
                assert_eq!(find::get(7), None);
                assert_eq!((find(7), RUNS.get()), (None, 2), "an absent result is not kept");
            }

            #[test]
            fn an_absent_result_goes_to_all_tasks() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn find(n: u64) -> Result<Option<u64>, ()> {
                    RUNS.up();
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok((n > 1000).then_some(n))
                }
                assert_eq!(run_virtual(|| join_all((0..64).map(|_| find(7)))), [Ok(None); 64]);
                assert_eq!(RUNS.get(), 1);
            }

            #[test]
            fn a_value_that_is_not_kept_goes_to_all_tasks() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*, cache_if = |value| *value > 1000)]
                async fn small(n: u64) -> u64 {
                    RUNS.up();
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    n
                }
                assert_eq!(run_virtual(|| join_all((0..64).map(|_| small(7)))), [7; 64]);
                assert_eq!(RUNS.get(), 1);
                assert!(!run(|| small::contains(7)));
            }

            #[test]
            fn distinct_keys_load_at_the_same_time() {
                static ALL_IN: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(16));
                #[cached($($option)*)]
                fn meet(n: usize) -> usize {
                    // Passes only when the bodies of all sixteen keys are running.
                    ALL_IN.wait();
                    n
                }
                assert_eq!(crowd(16, meet), (0..16).collect::<Vec<_>>());
            }

            #[test]
            fn hits_never_wait_for_loads_of_other_keys() {
                static RELEASE: Gate = Gate::new();
                static LOADING: Gate = Gate::new();
                #[cached($($option)*)]
                fn maybe_slow(n: u64) -> u64 {
                    if n == 0 {
                        LOADING.open();
                        RELEASE.wait();
                    }
                    n
                }
                for n in 1..100 {
                    maybe_slow(n);
                }
                let slow = start(|| maybe_slow(0));
                LOADING.wait();
                let others = start(|| (1..200).map(maybe_slow).sum::<u64>());
                assert_eq!(others.end(), 199 * 200 / 2);
                RELEASE.open();
                assert_eq!(slow.end(), 0);
            }

            #[test]
            fn off_with_coalesce_false() {
                static RUNS: Counter = Counter::new();
                static ALL_IN: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(8));
                #[cached($($option)*, coalesce = false)]
                fn each(n: u64) -> u64 {
                    RUNS.up();
                    ALL_IN.wait();
                    n
                }
                assert_eq!(crowd(8, |_| each(7)), [7; 8]);
                assert_eq!(RUNS.get(), 8);
                assert_eq!((each(7), RUNS.get()), (7, 8));
            }
        }
    };
}

one_load!(lru, eviction = lru);
one_load!(sieve, eviction = sieve);
one_load!(unbounded, capacity = unbounded);

#[test]
fn zero_capacity_still_coalesces() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 0)]
    async fn slow(n: u64) -> u64 {
        RUNS.up();
        tokio::time::sleep(Duration::from_millis(50)).await;
        n
    }
    assert_eq!(run_virtual(|| join_all((0..64).map(|_| slow(7)))), [7; 64]);
    assert_eq!(RUNS.get(), 1);
}

#[test]
fn the_tasks_of_one_thread_share_a_local_load() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    async fn slow(n: u64) -> std::rc::Rc<u64> {
        let run = RUNS.up() as u64;
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::rc::Rc::new(n * 100 + run)
    }
    run_virtual(|| async {
        let values = join_all((0..100).map(|_| slow(7))).await;
        assert!(values.iter().all(|value| **value == 701 && std::rc::Rc::ptr_eq(value, &values[0])));
    });
    assert_eq!(RUNS.get(), 1);
}

#[test]
fn the_builder_too() {
    let runs = Arc::new(Counter::new());
    let cache: Cache<u64, u64> = Cache::builder().capacity(10).build();
    let (counted, handle) = (Arc::clone(&runs), cache.clone());
    let values = crowd(32, move |_| {
        handle.get_or_load(7, || {
            thread::sleep(Duration::from_millis(50));
            counted.up() as u64
        })
    });
    assert_eq!((values, runs.get()), (vec![1; 32], 1));
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn the_builder_too_async() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(10).build();
    let runs = Arc::new(Counter::new());
    let counted = Arc::clone(&runs);
    let values = run_virtual(move || async move {
        let load = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            counted.up() as u64
        };
        join_all((0..32).map(|_| cache.get_or_load_async(7, load()))).await
    });
    assert_eq!((values, runs.get()), (vec![1; 32], 1));
}

/// The waiters get the leader's value itself, also when it is evicted before they wake.
#[test]
fn waiters_need_no_entry() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 1)]
    async fn slow(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        tokio::time::sleep(Duration::from_millis(50)).await;
        n * 100 + run
    }
    // Eight keys end in one tick and push one another out of the only place.
    let values = run_virtual(|| join_all((0..64).map(|i| slow(i % 8))));
    assert_eq!(RUNS.get(), 8);
    for (i, value) in values.iter().enumerate() {
        assert_eq!(value / 100, i as u64 % 8);
    }
}

/// On a current-thread runtime nobody would poll the leader while the thread blocks.
#[test]
fn a_sync_caller_never_waits_for_an_async_leader() {
    let cache: Cache<u64, &'static str> = Cache::builder().build();
    let handle = cache.clone();
    run(move || async move {
        let leader = cache.get_or_load_async(7, async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            "async"
        });
        tokio::pin!(leader);
        assert!(futures::poll!(leader.as_mut()).is_pending());
        let begun = std::time::Instant::now();
        assert_eq!(cache.get_or_load(7, || "sync"), "sync");
        assert!(begun.elapsed() < cached_tests::AT_ONCE, "it waited {:?}", begun.elapsed());
        // Both got what they loaded; the one that began later stays.
        assert_eq!(leader.await, "async");
        assert_eq!(cache.get(&7), Some("sync"));
    });
    assert_eq!(handle.stats().loads, 2);
}

#[test]
fn an_async_caller_waits_for_a_sync_leader() {
    static LOADING: Gate = Gate::new();
    static CALLING: Gate = Gate::new();
    let cache: Cache<u64, &'static str> = Cache::builder().build();
    let handle = cache.clone();
    let leader = start(move || {
        handle.get_or_load(7, || {
            LOADING.open();
            CALLING.wait();
            let_them_block();
            "sync"
        })
    });
    LOADING.wait();
    let value = run(move || async move {
        CALLING.open();
        cache.get_or_load_async(7, async { "async" }).await
    });
    assert_eq!((value, leader.end()), ("sync", "sync"));
}

/// A wait past its bound is a counted exception: the caller runs its own body.
#[test]
fn a_wait_past_the_bound_runs_the_body() {
    static RUNS: Counter = Counter::new();
    static LOADING: Gate = Gate::new();
    static RELEASE: Gate = Gate::new();
    #[cached(coalesce = "100ms")]
    fn hung(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 1 {
            LOADING.open();
            RELEASE.wait();
        }
        n * 100 + run
    }
    let leader = start(|| hung(7));
    LOADING.wait();
    let begun = std::time::Instant::now();
    assert_eq!(hung(7), 702);
    assert!(begun.elapsed() >= Duration::from_millis(90), "it did not wait: {:?}", begun.elapsed());
    RELEASE.open();
    assert_eq!(leader.end(), 701);
    assert_eq!((hung(7), RUNS.get()), (702, 2), "the later load stays");
}

#[test]
fn a_wait_past_the_bound_runs_the_body_async() {
    static RUNS: Counter = Counter::new();
    static RELEASE: Gate = Gate::new();
    #[cached(coalesce = "100ms")]
    async fn hung(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        if run == 1 {
            RELEASE.passed().await;
        }
        n * 100 + run
    }
    run(|| async {
        let leader = tokio::spawn(hung(7));
        tokio::task::yield_now().await;
        assert_eq!(hung(7).await, 702);
        RELEASE.open();
        assert_eq!(leader.await.unwrap(), 701);
        assert_eq!((hung(7).await, RUNS.get()), (702, 2));
    });
}
