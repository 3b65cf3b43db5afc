//! Promise 5: a leader that panics hands over at once, its panic is its own caller's, and nothing is poisoned.

use cached_runtime::cached;
use cached_tests::{AT_ONCE, Counter, Gate, crowd, eventually, let_them_block, message, run, run_parallel, start};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

macro_rules! panics {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn a_leader_panics_and_a_waiter_takes_over() {
                static RUNS: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        eventually("10 callers", || CALLING.get() == 10);
                        let_them_block();
                        panic!("the first one fails");
                    }
                    n * 100 + run
                }
                let begun = Instant::now();
                let outcomes = crowd(10, |_| {
                    CALLING.up();
                    catch_unwind(|| load(7)).map_err(|panic| message(&*panic).to_owned())
                });
                assert!(begun.elapsed() < Duration::from_secs(5), "not at once: {:?}", begun.elapsed());
                assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "{outcomes:?}");
                // A panic is a failure: the waiters go on in waves, so that two of them may load at once.
                assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(702 | 703)) || outcome == &Err("the first one fails".into())), "{outcomes:?}");
                assert!(load::contains(7) && RUNS.get() <= 3, "{} executions", RUNS.get());
            }

            #[test]
            fn all_leaders_panic() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    let run = RUNS.up();
                    assert!(run > 20, "run {run} of {n}");
                    n
                }
                let outcomes = crowd(20, |_| catch_unwind(|| load(7)).is_err());
                assert_eq!(outcomes, [true; 20]);
                assert_eq!((load(7), load(7), RUNS.get()), (7, 7, 21));
                assert_eq!(load::stats().entries, 1);
            }

            #[test]
            fn a_panic_leaves_the_rest_alone() {
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    assert!(n != 13, "unlucky");
                    n
                }
                for n in (0..13).chain(14..20) {
                    load(n);
                }
                for _ in 0..3 {
                    assert_eq!(message(&*catch_unwind(|| load(13)).unwrap_err()), "unlucky");
                }
                assert_eq!((0..13).chain(14..20).map(load).sum::<u64>(), 190 - 13);
                assert_eq!((load::stats().entries, load::stats().hits), (19, 19));
                load::invalidate(3);
                load::clear();
                assert_eq!((load::stats().entries, load(3)), (0, 3));
            }

            #[test]
            fn a_panic_in_a_nested_load() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn sum(n: u64) -> u64 {
                    if n == 0 {
                        assert!(RUNS.up() > 1, "the innermost");
                        return 0;
                    }
                    n + sum(n - 1)
                }
                assert_eq!(message(&*catch_unwind(|| sum(10)).unwrap_err()), "the innermost");
                assert_eq!(sum::stats().entries, 0);
                assert_eq!((sum(10), RUNS.get(), sum::stats().entries), (55, 2, 11));
            }

            #[test]
            fn an_async_leader_panics() {
                static RUNS: Counter = Counter::new();
                static RELEASE: Gate = Gate::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        RELEASE.passed().await;
                        panic!("the first one fails");
                    }
                    n * 100 + run
                }
                run(|| async {
                    let leader = tokio::spawn(load(7));
                    tokio::task::yield_now().await;
                    let waiters: Vec<_> = (0..10).map(|_| tokio::spawn(load(7))).collect();
                    tokio::task::yield_now().await;
                    let begun = Instant::now();
                    RELEASE.open();
                    for waiter in waiters {
                        let value = waiter.await.unwrap();
                        assert!([702, 703].contains(&value), "{value}");
                    }
                    assert!(begun.elapsed() < AT_ONCE, "not at once: {:?}", begun.elapsed());
                    assert!(leader.await.unwrap_err().is_panic());
                    assert!(load::contains(7).await && RUNS.get() <= 3, "{} executions", RUNS.get());
                });
            }

            /// The panic comes while the option's closure judges the finished load: its waiters must not hang either.
            #[test]
            fn cache_if_panics() {
                static RUNS: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                #[cached($($option)*, cache_if = |value| { assert!(*value != 701, "can't judge the first"); true })]
                fn load(n: u64) -> u64 {
                    let run = RUNS.up() as u64;
                    if run == 1 {
                        eventually("4 callers", || CALLING.get() == 4);
                        let_them_block();
                    }
                    n * 100 + run
                }
                let outcomes = crowd(4, |_| {
                    CALLING.up();
                    catch_unwind(|| load(7)).ok()
                });
                assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1, "{outcomes:?}");
                // A panic is a failure: the waiters go on in waves, so that two of them may load at once.
                assert!(outcomes.iter().flatten().all(|value| [702, 703].contains(value)), "{outcomes:?}");
            }

            #[test]
            fn a_waiter_panics_while_it_clones() {
                static RUNS: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                static CLONES: Counter = Counter::new();
                #[derive(Debug)]
                struct Once(u64);
                impl Clone for Once {
                    fn clone(&self) -> Self {
                        assert!(CLONES.up() != 2, "the second clone fails");
                        Self(self.0)
                    }
                }
                #[cached($($option)*)]
                fn load(n: u64) -> Once {
                    RUNS.up();
                    eventually("10 callers", || CALLING.get() == 10);
                    let_them_block();
                    Once(n)
                }
                let outcomes = crowd(10, |_| {
                    CALLING.up();
                    catch_unwind(AssertUnwindSafe(|| load(7).0)).ok()
                });
                assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1, "{outcomes:?}");
                assert!(outcomes.iter().flatten().all(|value| *value == 7));
                assert_eq!(load(7).0, 7);
            }
        }
    };
}

panics!(lru, eviction = lru);
panics!(sieve, eviction = sieve);
panics!(unbounded, capacity = unbounded);

#[test]
fn a_local_cache_after_a_panic() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    fn load(n: u64) -> u64 {
        assert!(RUNS.up() > 1, "the first one fails");
        n
    }
    assert!(catch_unwind(|| load(7)).is_err());
    assert_eq!((load(7), load(7), RUNS.get()), (7, 7, 2));
}

#[test]
fn panicking_tasks_on_many_threads() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn load(n: usize) -> usize {
        let run = RUNS.up();
        tokio::task::yield_now().await;
        assert!(!run.is_multiple_of(3), "every third fails");
        n
    }
    run_parallel(|| async {
        for round in 0..50_u32 {
            let tasks: Vec<_> = (0..20).map(|i| tokio::spawn(load(i % 3))).collect();
            for (i, task) in tasks.into_iter().enumerate() {
                match task.await {
                    Ok(value) => assert_eq!(value, i % 3),
                    Err(error) => assert!(error.is_panic(), "{error}"),
                }
            }
            if round.is_multiple_of(2) {
                load::clear().await;
            }
        }
    });
    assert!(load::stats().entries <= 3);
}

/// The body unwinds through several callers' frames: the caller's own `Drop` code may call the function.
#[test]
fn a_call_while_unwinding() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn load(n: u64) -> u64 {
        assert!(RUNS.up() > 1, "the first one fails");
        n
    }
    struct Calls;
    impl Drop for Calls {
        fn drop(&mut self) {
            assert_eq!(load(7), 7);
        }
    }
    let panicked = start(|| {
        let _calls = Calls;
        load(7)
    });
    assert_eq!(message(&*panicked.outcome().unwrap_err()), "the first one fails");
    assert_eq!((load(7), RUNS.get()), (7, 2));
}

/// What a load kept a copy for, and could not store, is dropped for nobody: a panic of its `Drop` is not the caller's.
#[test]
fn a_copy_that_is_not_stored_and_panics_when_it_drops() {
    #[derive(Debug)]
    struct Value(u64, bool);
    impl Clone for Value {
        fn clone(&self) -> Self {
            Self(self.0, true)
        }
    }
    impl Drop for Value {
        fn drop(&mut self) {
            assert!(!self.1, "a copy was dropped, for the test");
        }
    }
    #[cached]
    fn load(n: u64) -> Value {
        load::invalidate(n);
        Value(n, false)
    }
    assert_eq!(load(1).0, 1);
    assert_eq!((load::stats().fenced, load::stats().entries), (1, 0));
}
