//! What the tests of Python's `functools.lru_cache` check, in the order of its counterpart list.

use cached_runtime::cached;
use cached_tests::{Counter, PATIENCE, crowd, within};
use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    sync::Barrier,
};

/// A cheap source of chance that is the same in every run.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn the_same_results_as_the_plain_function_over_random_calls() {
    fn plain(x: u64, y: u64) -> u64 {
        3 * x + y
    }
    #[cached(capacity = 20)]
    fn f(x: u64, y: u64) -> u64 {
        plain(x, y)
    }
    let mut seed = 42;
    for _ in 0..1000 {
        let (x, y) = (random(&mut seed) % 5, random(&mut seed) % 5);
        assert_eq!(f(x, y), plain(x, y));
    }
    let stats = f::stats();
    assert!(stats.hits > stats.misses, "{stats}");
    assert_eq!(stats.hits + stats.misses, 1000);
    assert_eq!((stats.entries, stats.capacity), (20, Some(20)));

    // clear zeroes size; the counters go with `reset_stats`.
    f::clear();
    f::reset_stats();
    let stats = f::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (0, 0, 0));
    f(0, 0);
    let stats = f::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (0, 1, 1));

    // The plain function stays reachable and leaves cache and counters alone.
    assert_eq!(f::uncached(1, 1), 4);
    assert_eq!(f::stats(), stats);
}

#[test]
fn bound_zero_never_stores() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 0)]
    fn f() -> u32 {
        RUNS.up();
        20
    }
    assert_eq!(f::stats().capacity, Some(0));
    for _ in 0..5 {
        assert_eq!(f(), 20);
    }
    let stats = f::stats();
    assert_eq!((RUNS.get(), stats.hits, stats.misses, stats.entries), (5, 0, 5, 0));
}

#[test]
fn bound_one() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 1)]
    fn f() -> u32 {
        RUNS.up();
        20
    }
    for _ in 0..5 {
        assert_eq!(f(), 20);
    }
    let stats = f::stats();
    assert_eq!((RUNS.get(), stats.hits, stats.misses, stats.entries, stats.capacity), (1, 4, 1, 1, Some(1)));
}

#[test]
fn bound_two_in_exact_order() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 2)]
    fn f(x: u32) -> u32 {
        RUNS.up();
        x * 10
    }
    //    *  *              *                          *
    for x in [7, 9, 7, 9, 7, 9, 8, 8, 8, 9, 9, 9, 8, 8, 8, 7] {
        assert_eq!(f(x), x * 10);
    }
    let stats = f::stats();
    assert_eq!((RUNS.get(), stats.hits, stats.misses, stats.entries), (4, 12, 4, 2));
}

#[test]
fn no_evictions_from_an_evicted_key_that_returns() {
    #[cached(capacity = 10)]
    fn f(x: u32) -> u32 {
        x
    }
    // As its test_lru_bug_36650: a key that comes back after eviction is new.
    for x in (0..20).chain(0..20) {
        assert_eq!(f(x), x);
    }
    let stats = f::stats();
    assert_eq!((stats.hits, stats.misses, stats.evictions, stats.entries), (0, 40, 30, 10));
}

#[test]
fn unbounded() {
    #[cached(capacity = unbounded)]
    fn fib(n: u32) -> u64 {
        if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
    }
    let numbers: Vec<_> = (0..16).map(fib).collect();
    assert_eq!(numbers, [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610]);
    let stats = fib::stats();
    assert_eq!((stats.hits, stats.misses, stats.capacity, stats.entries), (28, 16, None, 16));
    fib::clear();
    fib::reset_stats();
    let stats = fib::stats();
    assert_eq!((stats.hits, stats.misses, stats.capacity, stats.entries), (0, 0, None, 0));
}

#[test]
fn fib_has_28_hits_and_16_misses() {
    #[cached]
    fn fib(n: u32) -> u64 {
        if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
    }
    assert_eq!((0..16).map(fib).sum::<u64>(), 1596);
    let stats = fib::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (28, 16, 16));
}

/// As test_lru_reentrancy_with_len: the inner call stores the key while the outer one still runs.
#[test]
fn recursion_on_the_same_key_in_a_full_cache() {
    thread_local!(static ONCE: Cell<bool> = const { Cell::new(true) });
    #[cached(capacity = 10)]
    fn f(x: u32) -> String {
        if x == 20 && ONCE.take() {
            return f(x);
        }
        x.to_string()
    }
    let run = within(PATIENCE, "the calls", || {
        for x in 0..15 {
            f(x);
        }
        assert_eq!(f::stats().entries, 10);
        let value = f(20);
        (value, f::stats().entries)
    });
    assert_eq!(run, ("20".to_owned(), 10));
}

#[test]
fn the_hash_is_computed_once_per_use_and_not_on_eviction() {
    thread_local!(static HASHES: Cell<u32> = const { Cell::new(0) });
    #[derive(Clone, PartialEq, Eq)]
    struct Key(u32);
    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            HASHES.set(HASHES.get() + 1);
            self.0.hash(state);
        }
    }
    #[cached(capacity = 1)]
    fn f(key: Key) -> u32 {
        key.0
    }
    f(Key(1));
    assert_eq!(HASHES.take(), 1, "a miss");
    f(Key(1));
    assert_eq!(HASHES.take(), 1, "a hit");
    f(Key(2));
    assert_eq!(HASHES.take(), 1, "a miss that evicts");
    f(Key(1));
    assert_eq!(HASHES.take(), 1, "a miss that evicts");
}

#[test]
fn two_arguments_and_one_pair_differ() {
    #[cached]
    fn two(a: u32, b: u32) -> (u32, u32, &'static str) {
        (a, b, "two")
    }
    #[cached]
    fn pair(pair: (u32, u32)) -> (u32, u32, &'static str) {
        (pair.0, pair.1, "pair")
    }
    #[cached]
    fn any<T: std::fmt::Debug + Clone + std::hash::Hash + Eq + Send + Sync + 'static>(of: T) -> String {
        format!("{of:?}")
    }
    for _ in 0..2 {
        assert_eq!((two(1, 2), pair((1, 2))), ((1, 2, "two"), (1, 2, "pair")));
        assert_eq!((any((1, 2)), any(((1, 2),)), any([1, 2])), ("(1, 2)".into(), "((1, 2),)".into(), "[1, 2]".into()));
    }
}

#[test]
fn an_error_passes_through_unwrapped_and_is_not_kept() {
    #[derive(Debug, PartialEq)]
    struct Missing(usize);
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 3)]
    fn f(i: usize) -> Result<char, Missing> {
        RUNS.up();
        "abc".chars().nth(i).ok_or(Missing(i))
    }
    assert_eq!(f(0), Ok('a'));
    assert_eq!(f(15), Err(Missing(15)));
    assert_eq!(f(15), Err(Missing(15)));
    assert_eq!((f(0), RUNS.get(), f::stats().entries), (Ok('a'), 3, 1));
}

#[cached]
/// The documentation stays where it is.
fn documented(n: u32) -> u32 {
    n
}

#[test]
fn the_signature_is_preserved() {
    // A function pointer of the same type as the plain one has.
    let as_pointer: fn(u32) -> u32 = documented;
    assert_eq!(as_pointer(7), 7);
    assert!(std::any::type_name_of_val(&documented).ends_with("functools::documented"));
    assert!(documented::cache().name().ends_with("functools::documented"), "{}", documented::cache().name());
}

#[test]
fn threads() {
    const N: u64 = 5;
    const M: u64 = 11;
    #[cached(capacity = 5)]
    fn f(x: u64, y: u64) -> u64 {
        3 * x + y
    }
    assert_eq!(f::stats().entries, 0);
    crowd(N as usize, |k| (0..M).for_each(|_| assert_eq!(f(k as u64, 0), 3 * k as u64)));
    let stats = f::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (N * M - N, N, N as usize));

    // Calls and clears at the same time.
    crowd(2 * N as usize, |k| {
        if k % 2 == 0 {
            (0..M).for_each(|_| assert_eq!(f(k as u64, 0), 3 * k as u64));
        } else {
            f::clear();
        }
    });
    assert!(f::stats().entries <= N as usize);
}

/// As test_lru_cache_threaded2: the threads meet before and after each key.
#[test]
fn one_miss_a_key_when_threads_meet_at_it() {
    const N: usize = 5;
    const M: u64 = 7;
    static START: Barrier = Barrier::new(N);
    static STOP: Barrier = Barrier::new(N);
    #[cached(capacity = 35)]
    fn f(x: u64) -> u64 {
        3 * x
    }
    crowd(N, |_| {
        for i in 0..M {
            START.wait();
            assert_eq!(f(i), 3 * i);
            STOP.wait();
        }
    });
    let stats = f::stats();
    assert_eq!((stats.loads, stats.hits + stats.misses, stats.entries), (M, N as u64 * M, M as usize));
}

/// As test_lru_cache_threaded3: slow bodies of a small cache.
#[test]
fn eviction_under_contention_returns_right_values() {
    #[cached(capacity = 2)]
    fn f(x: u64) -> u64 {
        std::thread::sleep(std::time::Duration::from_millis(1));
        3 * x
    }
    crowd(5, |i| (0..20).for_each(|j| assert_eq!(f((i as u64 + j) % 7), 3 * ((i as u64 + j) % 7))));
    assert_eq!(f::stats().entries, 2);
}

#[test]
fn a_reentrant_call_from_key_equality() {
    thread_local!(static ARMED: Cell<bool> = const { Cell::new(false) });
    #[derive(Clone, Debug)]
    struct Key(u64);
    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u8(0);
        }
    }
    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            if ARMED.replace(false) {
                assert_eq!(f(Key(self.0 + 1)), self.0 + 1);
            }
            self.0 == other.0
        }
    }
    impl Eq for Key {}
    #[cached(capacity = 10)]
    fn f(key: Key) -> u64 {
        key.0
    }
    within(PATIENCE, "the calls", || {
        for n in 0..20 {
            ARMED.set(true);
            assert_eq!((f(Key(n)), f(Key(n))), (n, n));
        }
    });
}

#[test]
fn methods_by_equality_or_chosen() {
    static RUNS: Counter = Counter::new();
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct X(u32);
    impl X {
        #[cached(key = (self.clone(), n))]
        fn by_equality(&self, n: u32) -> u32 {
            RUNS.up();
            self.0 + n
        }
        #[cached(skip(self))]
        fn shared(&self, n: u32) -> u32 {
            RUNS.up();
            self.0 + n
        }
    }
    let (a, b, c) = (X(5), X(5), X(7));
    assert_eq!((a.by_equality(1), b.by_equality(1), c.by_equality(1), RUNS.get()), (6, 6, 8, 2));
    assert_eq!((a.shared(1), b.shared(1), c.shared(1), RUNS.get()), (6, 6, 6, 3));
}

#[test]
fn deep_recursion() {
    #[cached(capacity = unbounded)]
    fn down(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + down(n - 1) }
    }
    let worker = std::thread::Builder::new().stack_size(64 << 20).spawn(|| down(5000)).unwrap();
    assert_eq!(worker.join().unwrap(), 5000);
}

#[test]
fn call_stats_and_clear_at_the_same_time() {
    #[cached(capacity = 10)]
    fn bounded(n: u64) -> u64 {
        n
    }
    #[cached(capacity = unbounded)]
    fn free(n: u64) -> u64 {
        n
    }
    crowd(6, |thread| {
        for n in 0..2000 {
            match thread % 3 {
                0 => assert_eq!((bounded(n % 30), free(n % 30)), (n % 30, n % 30)),
                1 => {
                    let (bounded, free) = (bounded::stats(), free::stats());
                    assert!(bounded.entries <= 10 && free.entries <= 30, "{bounded}\n{free}");
                    assert!(!bounded.to_string().is_empty());
                }
                _ if n % 10 == 0 => {
                    bounded::clear();
                    free::clear();
                }
                _ => bounded::invalidate(n % 30),
            }
        }
    });
    let stats = bounded::stats();
    assert_eq!(stats.hits + stats.misses, 4000);
    assert!(stats.entries <= 10);
}

#[test]
fn clear_inside_the_function() {
    #[cached]
    fn f(n: u32) -> u32 {
        if n == 2 {
            f::clear();
        }
        n * 10
    }
    assert_eq!([1, 1, 2, 1, 2].map(f), [10, 10, 20, 10, 20]);
    assert!(f::stats().entries <= 1);
}

/// As test_lru_with_keyword_args: same name, other order of evaluation; here arguments that borrow.
#[test]
fn borrowed_and_owned_arguments_meet() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn f(name: &str) -> usize {
        RUNS.up();
        name.len()
    }
    let owned = String::from("abc");
    assert_eq!((f(&owned), f("abc"), f(&owned.clone()[..]), RUNS.get()), (3, 3, 3, 1));
}

/// As test_lru_cache_decoration: a module may define several, and their counters are their own.
#[test]
fn counters_are_each_function_s_own() {
    #[cached]
    fn one(n: u32) -> u32 {
        n
    }
    #[cached]
    fn two(n: u32) -> u32 {
        n
    }
    assert_eq!([one(1), one(1), two(1)], [1; 3]);
    assert_eq!((one::stats().hits, one::stats().misses, two::stats().hits, two::stats().misses), (1, 1, 0, 1));
}
