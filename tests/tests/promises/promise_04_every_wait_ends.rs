//! Promise 4: every wait ends. No lock is held while the body runs, recursion works, and no two threads wait for each other for ever.

use cached_runtime::{Cache, cached};
use cached_tests::{AT_ONCE, Counter, Gate, PATIENCE, crowd, start, within};
use std::{
    cell::Cell,
    sync::{
        Barrier, LazyLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Recursion without a deadline of its own must fail the test, not hang it.
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    within(PATIENCE, "the call", work)
}

macro_rules! ending {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn recursion() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn fib(n: u64) -> u64 {
                    RUNS.up();
                    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
                }
                assert_eq!(ends(|| fib(90)), 2_880_067_194_370_816_120);
                // A local cache lives and dies with its thread.
                assert_eq!(RUNS.get(), 91);
            }

            #[test]
            fn recursion_on_the_same_key() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn again(n: u64) -> usize {
                    let run = RUNS.up();
                    if run < 5 { again(n) } else { run }
                }
                let (value, took) = ends(|| {
                    let begun = Instant::now();
                    (again(7), begun.elapsed())
                });
                assert_eq!((value, RUNS.get()), (5, 5));
                assert!(took < AT_ONCE, "it waited for itself: {took:?}");
            }

            #[test]
            fn recursion_through_another_function() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn ping(n: u64) -> usize {
                    if RUNS.up() < 6 { pong(n) } else { 1 }
                }
                #[cached($($option)*)]
                fn pong(n: u64) -> usize {
                    1 + ping(n)
                }
                let took = ends(|| {
                    let begun = Instant::now();
                    ping(7);
                    begun.elapsed()
                });
                assert!(took < AT_ONCE, "it waited for itself: {took:?}");
            }

            #[test]
            fn the_body_uses_its_own_cache() {
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    if n == 0 {
                        for other in 1..50 {
                            load::set(other, &other);
                            assert_eq!(load(other), other);
                        }
                        load::invalidate(3);
                        assert_eq!((load::get(3), load::get(4)), (None, Some(4)));
                        assert!(load::stats().entries > 0);
                        load::refresh(5);
                        load::reset_stats();
                        assert!(!load::contains(1000));
                        load::invalidate(0);
                        load::clear();
                        assert!(!load::contains(4));
                        cached_runtime::caches().iter().for_each(|cache| drop(cache.stats().to_string()));
                    }
                    n
                }
                assert_eq!(ends(|| (load(0), load(1))), (0, 1));
            }

            /// An option expression is evaluated at the first use, outside of any lock.
            #[test]
            fn an_option_expression_calls_the_function() {
                static ASKED: AtomicBool = AtomicBool::new(false);
                fn ttl() -> Duration {
                    if !ASKED.swap(true, SeqCst) {
                        assert_eq!(load(1), 1);
                    }
                    Duration::from_secs(60)
                }
                #[cached($($option)*, ttl = ttl())]
                fn load(n: u64) -> u64 {
                    n
                }
                assert_eq!(ends(|| (load(1), load(2))), (1, 2));
            }
        }
    };
}

macro_rules! while_the_thread_ends {
    ($store:ident, $($option:tt)*) => {
        /// Called by the destructor of a thread local, before and after the crate's own are gone.
        #[test]
        fn $store() {
            static SAW: Counter = Counter::new();
            #[cached($($option)*)]
            fn load(n: u32) -> u32 {
                n + 1
            }
            struct AtEnd(u32);
            impl Drop for AtEnd {
                fn drop(&mut self) {
                    if (load(7), load(self.0)) == (8, self.0 + 1) {
                        SAW.up();
                    }
                    load::invalidate(7);
                }
            }
            thread_local!(static EARLY: AtEnd = const { AtEnd(1) });
            thread_local!(static LATE: AtEnd = const { AtEnd(2) });
            start(|| {
                EARLY.with(|_| ());
                load(7);
                LATE.with(|_| ());
            })
            .end();
            cached_tests::eventually("both destructors", || SAW.get() == 2);
        }
    };
}

mod while_the_thread_ends {
    use super::*;
    while_the_thread_ends!(lru, eviction = lru);
    while_the_thread_ends!(sieve, eviction = sieve);
    while_the_thread_ends!(unbounded, capacity = unbounded, ttl = "1h");
}

ending!(lru, eviction = lru);
ending!(sieve, eviction = sieve);
ending!(unbounded, capacity = unbounded);
ending!(local, backend = local);

/// Each thread leads one key and then needs the other's: a wait cycle through two stacks. A nested wait ends after a second whatever the bound.
#[test]
fn mutual_recursion_across_threads() {
    static BOTH_LEAD: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
    #[cached]
    fn needs(n: u64) -> u64 {
        let depth = DEPTH.replace(DEPTH.get() + 1);
        match depth {
            0 => {
                BOTH_LEAD.wait();
                10 + needs(1 - n)
            }
            // The bound ended the wait, and this thread runs the other's body itself.
            _ => n,
        }
    }
    let begun = Instant::now();
    let values = crowd(2, |i| needs(i as u64));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    for value in values {
        assert!([10, 11, 20, 21].contains(&value), "{value}");
    }
}

#[test]
fn mutual_recursion_across_threads_and_functions() {
    static BOTH_LEAD: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
    #[cached(coalesce = "150ms")]
    fn left(n: u64) -> u64 {
        if DEPTH.replace(DEPTH.get() + 1) == 0 {
            BOTH_LEAD.wait();
            return right(n);
        }
        1
    }
    #[cached(coalesce = "150ms")]
    fn right(n: u64) -> u64 {
        if DEPTH.replace(DEPTH.get() + 1) == 0 {
            BOTH_LEAD.wait();
            return left(n);
        }
        2
    }
    let values = crowd(2, |i| if i == 0 { left(7) } else { right(7) });
    // Either its own view of the other (1 or 2), or what the other had found by then.
    assert!(values.iter().all(|value| [1, 2].contains(value)), "{values:?}");
    assert!(left::contains(7) && right::contains(7));
}

#[test]
fn a_ring_of_threads() {
    static ALL_LEAD: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(8));
    thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
    #[cached(coalesce = "150ms")]
    fn next(n: usize) -> usize {
        if DEPTH.replace(DEPTH.get() + 1) == 0 {
            ALL_LEAD.wait();
            next((n + 1) % 8);
        }
        n
    }
    assert_eq!(crowd(8, next), (0..8).collect::<Vec<_>>());
}

/// No lock of the cache is held while a body runs, not even in the smallest one, where all keys share everything.
#[test]
fn a_stuck_body_stops_nobody_else() {
    static STUCK: Gate = Gate::new();
    static RELEASE: Gate = Gate::new();
    #[cached(capacity = 1)]
    fn load(n: u64) -> u64 {
        if n == 0 {
            STUCK.open();
            RELEASE.wait();
        }
        n
    }
    let stuck = start(|| load(0));
    STUCK.wait();
    let others = start(|| {
        let sum: u64 = (1..100).map(load).sum();
        load::set(5, &50);
        load::invalidate(5);
        load::clear();
        load::set(0, &1);
        (sum, load(0), load::stats().entries)
    });
    assert_eq!(others.end(), (4950, 1, 1));
    RELEASE.open();
    assert_eq!(stuck.end(), 0);
}

#[test]
fn deep_recursion() {
    #[cached(capacity = unbounded)]
    fn sum(n: u64) -> u64 {
        if n == 0 { 0 } else { n + sum(n - 1) }
    }
    let deep = std::thread::Builder::new().stack_size(256 << 20).spawn(|| sum(20_000)).unwrap();
    assert_eq!(deep.join().unwrap(), 20_000 * 20_001 / 2);
    assert_eq!(sum::stats().entries, 20_001);
}

/// A panic in an option expression is the caller's, and the next call evaluates it anew.
#[test]
fn a_panic_in_an_option_expression() {
    static TRIED: AtomicBool = AtomicBool::new(false);
    fn capacity() -> usize {
        assert!(TRIED.swap(true, SeqCst), "no capacity yet");
        10
    }
    #[cached(capacity = capacity())]
    fn load(n: u64) -> u64 {
        n
    }
    let panic = start(|| load(7)).outcome().unwrap_err();
    assert_eq!(cached_tests::message(&*panic), "no capacity yet");
    assert_eq!((start(|| load(7)).end(), load(7), load::stats().hits), (7, 7, 1));
}

#[test]
fn loads_nested_in_loads_of_the_builder() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(1).build();
    fn sum(cache: &Cache<u64, u64>, n: u64) -> u64 {
        cache.get_or_load(n, || if n == 0 { 0 } else { n + sum(cache, n - 1) })
    }
    assert_eq!(ends(move || (sum(&cache, 100), cache.len())), (5050, 1));
}
