//! The workloads: which keys are asked for, how a batch is timed, who takes part.
//! A hit workload must never be timed unless every call of it hits; it is checked before each batch.

use crate::attributes::{by_key, cold, concurrent, max_size, memoized, memoized_shared, unbound};
use crate::counts::counted;
use crate::ours::{self, local, lru, sieve, unbounded};
use crate::report::name;
use crate::stores::{local_lru, moka_cache, mutex_lru, papaya_map, quick};
use cached_benches::harness::Contestant;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

thread_local! {
    /// Bodies run on this thread: how a batch knows that it hit.
    static LOADS: Cell<u64> = const { Cell::new(0) };
}

/// The body of every cached function on numbers.
pub(crate) fn load(n: u64) -> u64 {
    LOADS.set(LOADS.get() + 1);
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The body of every cached function on a name and a number.
pub(crate) fn label(name: &str, n: u32) -> Arc<str> {
    LOADS.set(LOADS.get() + 1);
    format!("{name} {n}").into()
}

/// A small generator, so that all contestants see the same keys in every run.
struct Random(u64);

impl Random {
    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    #[expect(clippy::cast_precision_loss, reason = "53 random bits fit a float exactly")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// So many keys, drawn uniformly from 1000.
fn uniform_keys() -> Arc<[u64]> {
    let mut random = Random(1);
    (0..4096).map(|_| random.below(1000)).collect()
}

/// Keys of a zipf(0.99) distribution over 10,000, and their ranks scattered over the numbers.
fn zipf_keys() -> Arc<[u64]> {
    let weights: Vec<f64> = (1..=10_000).map(|rank| 1.0 / f64::from(rank).powf(0.99)).collect();
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let below: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum / total
        })
        .collect();
    let mut random = Random(2);
    (0..65_536)
        .map(|_| {
            let at = random.unit();
            let rank = below.partition_point(|&share| share < at).min(9999);
            (rank as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a batch are far below 2^52")]
fn per_operation(taken: Duration, operations: u64) -> f64 {
    taken.as_nanos() as f64 / operations as f64
}

/// Runs `pass` once before timing and insists that a second run of it loads nothing.
fn warm(name: &str, mut pass: impl FnMut()) {
    pass();
    let before = LOADS.get();
    pass();
    assert_eq!(LOADS.get(), before, "{name}: not every call hits, so this would not measure hits");
}

fn one_thread(name: &'static str, operations: u64, f: impl Fn(u64) -> u64 + 'static) -> Contestant {
    let keys = uniform_keys();
    warm(name, || {
        for &key in keys.iter() {
            f(key);
        }
    });
    let batch = Box::new(move |operations: u64| {
        let rounds = operations.div_ceil(keys.len() as u64);
        let started = Instant::now();
        counted(|| {
            for _ in 0..rounds {
                for &key in keys.iter() {
                    black_box(f(black_box(key)));
                }
            }
        });
        per_operation(started.elapsed(), rounds * keys.len() as u64)
    });
    Contestant { name, batch, operations }
}

/// A hit on a number, 1000 keys of room for 1024.
pub(crate) fn hit() -> Vec<Contestant> {
    vec![
        one_thread(name::LRU, 200_000, lru::hit),
        one_thread(name::SIEVE, 200_000, sieve::hit),
        one_thread(name::UNBOUNDED, 200_000, unbounded::hit),
        one_thread(name::LOCAL, 200_000, local::hit),
        one_thread(name::MUTEX_LRU, 200_000, mutex_lru::hit),
        one_thread(name::LOCAL_LRU, 200_000, local_lru::hit),
        one_thread(name::PAPAYA, 200_000, papaya_map::hit),
        one_thread(name::QUICK, 200_000, quick::hit),
        one_thread(name::UNBOUND, 200_000, unbound::hit),
        one_thread(name::MAX_SIZE, 200_000, max_size::hit),
        one_thread(name::BY_KEY, 200_000, by_key::hit),
        one_thread(name::CONCURRENT, 200_000, concurrent::hit),
        one_thread(name::MEMOIZE, 200_000, memoized::hit),
        one_thread(name::MEMOIZE_SHARED, 200_000, memoized_shared::hit),
        one_thread(name::MOKA, 50_000, moka_cache::hit),
    ]
}

/// The same with a time to live of an hour.
pub(crate) fn ttl() -> Vec<Contestant> {
    vec![
        one_thread(name::LRU, 200_000, lru::ttl),
        one_thread(name::SIEVE, 200_000, sieve::ttl),
        one_thread(name::UNBOUNDED, 200_000, unbounded::ttl),
        one_thread(name::LOCAL, 200_000, local::ttl),
        one_thread(name::UNBOUND, 100_000, unbound::ttl),
        one_thread(name::MAX_SIZE, 100_000, max_size::ttl),
        one_thread(name::BY_KEY, 100_000, by_key::ttl),
        one_thread(name::CONCURRENT, 100_000, concurrent::ttl),
        one_thread(name::MEMOIZE, 100_000, memoized::ttl),
        one_thread(name::MEMOIZE_SHARED, 100_000, memoized_shared::ttl),
        one_thread(name::MOKA, 50_000, moka_cache::ttl),
    ]
}

fn text(name: &'static str, operations: u64, f: impl Fn(&str, u32) -> Arc<str> + 'static) -> Contestant {
    let names: Vec<String> = (0..1000).map(|n| format!("product-name-{n:011}")).collect();
    let keys: Vec<(String, u32)> = uniform_keys()
        .iter()
        .map(|&key| (names[usize::try_from(key).unwrap_or(0)].clone(), u32::try_from(key % 7).unwrap_or(0)))
        .collect();
    warm(name, || {
        for (name, n) in &keys {
            f(name, *n);
        }
    });
    let batch = Box::new(move |operations: u64| {
        let rounds = operations.div_ceil(keys.len() as u64);
        let started = Instant::now();
        counted(|| {
            for _ in 0..rounds {
                for (name, n) in &keys {
                    black_box(f(black_box(name), black_box(*n)));
                }
            }
        });
        per_operation(started.elapsed(), rounds * keys.len() as u64)
    });
    Contestant { name, batch, operations }
}

/// A hit on 24 bytes of text and a number, to a shared string.
pub(crate) fn pair() -> Vec<Contestant> {
    vec![
        text(name::LRU, 100_000, lru::pair),
        text(name::SIEVE, 100_000, sieve::pair),
        text(name::UNBOUNDED, 100_000, unbounded::pair),
        text(name::LOCAL, 100_000, local::pair),
        text(name::MUTEX_LRU, 100_000, mutex_lru::pair),
        text(name::PAPAYA, 100_000, papaya_map::pair),
        text(name::QUICK, 100_000, quick::pair),
        text(name::UNBOUND, 100_000, unbound::pair),
        text(name::MAX_SIZE, 100_000, max_size::pair),
        text(name::BY_KEY, 50_000, by_key::pair),
        text(name::CONCURRENT, 100_000, concurrent::pair),
        text(name::MEMOIZE, 100_000, |name, n| memoized::pair(name.to_owned(), n)),
        text(name::MEMOIZE_SHARED, 100_000, |name, n| memoized_shared::pair(name.to_owned(), n)),
        text(name::MOKA, 50_000, moka_cache::pair),
    ]
}

/// One `block_on` for the whole batch: the executor is no part of what is measured.
fn awaited(name: &'static str, operations: u64, f: impl AsyncFn(u64) -> u64 + 'static) -> Contestant {
    let keys = uniform_keys();
    let pass = async || {
        for &key in keys.iter() {
            black_box(f(black_box(key)).await);
        }
    };
    warm(name, || pollster::block_on(pass()));
    let batch = Box::new(move |operations: u64| {
        let rounds = operations.div_ceil(keys.len() as u64);
        let started = Instant::now();
        counted(|| {
            pollster::block_on(async {
                for _ in 0..rounds {
                    for &key in keys.iter() {
                        black_box(f(black_box(key)).await);
                    }
                }
            });
        });
        per_operation(started.elapsed(), rounds * keys.len() as u64)
    });
    Contestant { name, batch, operations }
}

/// A hit of an async function on a number.
pub(crate) fn asynchronous() -> Vec<Contestant> {
    vec![
        awaited(name::LRU, 200_000, lru::asynchronous),
        awaited(name::SIEVE, 200_000, sieve::asynchronous),
        awaited(name::UNBOUNDED, 200_000, unbounded::asynchronous),
        awaited(name::LOCAL, 200_000, local::asynchronous),
        awaited(name::MUTEX_LRU, 200_000, mutex_lru::asynchronous),
        awaited(name::PAPAYA, 200_000, papaya_map::asynchronous),
        awaited(name::QUICK, 200_000, quick::asynchronous),
        awaited(name::UNBOUND, 100_000, unbound::asynchronous),
        awaited(name::MAX_SIZE, 100_000, max_size::asynchronous),
        awaited(name::BY_KEY, 50_000, by_key::asynchronous),
        awaited(name::CONCURRENT, 200_000, concurrent::asynchronous),
        awaited(name::MOKA, 50_000, moka_cache::asynchronous),
    ]
}

/// Several threads over the same keys: wall time of all their calls, divided by their number.
/// Each thread warms up by itself (a per-thread cache starts empty) and starts elsewhere in the keys.
fn threads<F>(name: &'static str, count: usize, operations: u64, keys: &Arc<[u64]>, f: F) -> Contestant
where
    F: Fn(u64) -> u64 + Copy + Send + 'static,
{
    let keys = Arc::clone(keys);
    let batch = Box::new(move |operations: u64| {
        let passes = operations.div_ceil((keys.len() * count) as u64);
        let barrier = Barrier::new(count);
        let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
            let (keys, barrier) = (&keys, &barrier);
            let walk = move |worker: usize| {
                warm(name, || {
                    for &key in keys.iter() {
                        f(key);
                    }
                });
                let (tail, head) = keys.split_at(worker * keys.len() / count);
                barrier.wait();
                let started = Instant::now();
                for _ in 0..passes {
                    for part in [head, tail] {
                        for &key in part {
                            black_box(f(black_box(key)));
                        }
                    }
                }
                (started, Instant::now())
            };
            let workers: Vec<_> = (0..count).map(|worker| scope.spawn(move || walk(worker))).collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker that measures")).collect()
        });
        let first = spans.iter().map(|span| span.0).min().expect("at least one worker");
        let last = spans.iter().map(|span| span.1).max().expect("at least one worker");
        per_operation(last - first, passes * (keys.len() * count) as u64)
    });
    Contestant { name, batch, operations }
}

fn many_threads(count: usize, keys: &Arc<[u64]>) -> Vec<Contestant> {
    vec![
        threads(name::LRU, count, 400_000, keys, lru::zipf),
        threads(name::SIEVE, count, 400_000, keys, sieve::zipf),
        threads(name::UNBOUNDED, count, 400_000, keys, unbounded::zipf),
        threads(name::LOCAL, count, 400_000, keys, local::zipf),
        threads(name::MUTEX_LRU, count, 400_000, keys, mutex_lru::zipf),
        threads(name::LOCAL_LRU, count, 400_000, keys, local_lru::zipf),
        threads(name::PAPAYA, count, 400_000, keys, papaya_map::zipf),
        threads(name::QUICK, count, 400_000, keys, quick::zipf),
        threads(name::UNBOUND, count, 400_000, keys, unbound::zipf),
        threads(name::MAX_SIZE, count, 400_000, keys, max_size::zipf),
        threads(name::BY_KEY, count, 200_000, keys, by_key::zipf),
        threads(name::CONCURRENT, count, 400_000, keys, concurrent::zipf),
        threads(name::MEMOIZE, count, 400_000, keys, memoized::zipf),
        threads(name::MEMOIZE_SHARED, count, 200_000, keys, memoized_shared::zipf),
        threads(name::MOKA, count, 100_000, keys, moka_cache::zipf),
    ]
}

/// Everybody asks for one key.
pub(crate) fn hot(count: usize) -> Vec<Contestant> {
    many_threads(count, &Arc::from(vec![7; 4096]))
}

/// A few keys are asked for often, many seldom; all of them fit.
pub(crate) fn zipf(count: usize) -> Vec<Contestant> {
    many_threads(count, &zipf_keys())
}

/// Every call asks for a key that was never seen: miss, load, insert, evict.
fn cold_calls(name: &'static str, operations: u64, f: impl Fn(u64) -> u64 + 'static) -> Contestant {
    let mut next = 0;
    for key in 0..2000 {
        f(key);
        next = key + 1;
    }
    let batch = Box::new(move |operations: u64| {
        let before = LOADS.get();
        let started = Instant::now();
        counted(|| {
            for _ in 0..operations {
                black_box(f(black_box(next)));
                next += 1;
            }
        });
        let taken = per_operation(started.elapsed(), operations);
        assert_eq!(LOADS.get() - before, operations, "{name}: a new key must miss");
        taken
    });
    Contestant { name, batch, operations }
}

/// Misses of a full cache of 1000.
pub(crate) fn miss() -> Vec<Contestant> {
    vec![
        cold_calls(name::LRU, 50_000, ours::miss::lru),
        cold_calls(name::SIEVE, 50_000, ours::miss::sieve),
        cold_calls(name::LOCAL, 50_000, ours::miss::local),
        cold_calls(name::MUTEX_LRU, 50_000, mutex_lru::miss),
        cold_calls(name::QUICK, 50_000, quick::miss),
        cold_calls(name::MAX_SIZE, 50_000, cold::max_size),
        cold_calls(name::BY_KEY, 50_000, cold::by_key),
        cold_calls(name::CONCURRENT, 50_000, cold::concurrent),
        cold_calls(name::MEMOIZE, 50_000, cold::memoized),
        cold_calls(name::MEMOIZE_SHARED, 50_000, cold::memoized_shared),
        cold_calls(name::MOKA, 5_000, moka_cache::miss),
    ]
}

/// fib(90) on an emptied cache. Emptying is not timed; nanoseconds of the whole recursion (91 loads, 88 hits).
fn recursion(name: &'static str, operations: u64, f: fn(u64) -> u64, forget: impl Fn() + 'static) -> Contestant {
    let batch = Box::new(move |operations: u64| {
        let mut taken = Duration::ZERO;
        for _ in 0..operations {
            forget();
            let started = Instant::now();
            let value = counted(|| black_box(f(black_box(90))));
            taken += started.elapsed();
            assert_eq!(value, 2_880_067_194_370_816_120, "{name}: a wrong sum");
        }
        per_operation(taken, operations)
    });
    Contestant { name, batch, operations }
}

/// Recursion from cold: a load inside a load inside a load.
pub(crate) fn fib() -> Vec<Contestant> {
    vec![
        recursion(name::LRU, 500, lru::fib, lru::fib::clear),
        recursion(name::SIEVE, 500, sieve::fib, sieve::fib::clear),
        recursion(name::UNBOUNDED, 500, unbounded::fib, unbounded::fib::clear),
        recursion(name::LOCAL, 500, local::fib, local::fib::clear),
        recursion(name::MUTEX_LRU, 500, mutex_lru::fib, mutex_lru::forget_fib),
        recursion(name::QUICK, 500, quick::fib, quick::forget_fib),
        recursion(name::UNBOUND, 500, cold::fib_unbound, || {
            cached::Cached::cache_clear(&mut *cold::FIB_UNBOUND.write());
        }),
        recursion(name::MAX_SIZE, 500, cold::fib_max_size, || {
            cached::Cached::cache_clear(&mut *cold::FIB_MAX_SIZE.write());
        }),
        recursion(name::CONCURRENT, 500, cold::fib_concurrent, || {
            cold::FIB_CONCURRENT.clear();
        }),
        recursion(name::MEMOIZE, 500, cold::fib_memoized, cold::memoized_flush_fib_memoized),
        recursion(name::MEMOIZE_SHARED, 500, cold::fib_memoized_shared, cold::memoized_flush_fib_memoized_shared),
        recursion(name::MOKA, 50, moka_cache::fib, moka_cache::forget_fib),
    ]
}
