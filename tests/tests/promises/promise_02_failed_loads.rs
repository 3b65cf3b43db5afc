//! Promise 2, its last sentence: the waiters of a failed load never retry one after another. A clonable error is shared, others let the waiters go in waves.

use cached_runtime::cached;
use cached_tests::{Counter, crowd, eventually, let_them_block, run_virtual};
use futures::future::join_all;
use std::{io, thread, time::Duration};

const WAITERS: usize = 20;
const LOAD: Duration = Duration::from_millis(100);

/// How many loads one after another a call took, in virtual time.
async fn rounds<T>(calls: impl Future<Output = T>) -> (T, u128) {
    let begun = tokio::time::Instant::now();
    let value = calls.await;
    (value, begun.elapsed().as_millis().div_ceil(LOAD.as_millis()))
}

macro_rules! failing {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn a_clonable_error_is_shared_by_tasks() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn fails(n: u64) -> Result<u64, String> {
                    RUNS.up();
                    tokio::time::sleep(LOAD).await;
                    Err(format!("no {n}"))
                }
                let (results, rounds) = run_virtual(|| rounds(join_all((0..=WAITERS).map(|_| fails(7)))));
                assert!(results.iter().all(|result| result == &Err("no 7".to_owned())));
                assert_eq!((RUNS.get(), rounds), (1, 1));
                let stats = fails::stats();
                assert_eq!((stats.hits, stats.misses, stats.load_errors, stats.entries), (0, 21, 1, 0), "{stats}");
            }

            #[test]
            fn an_error_that_cannot_be_cloned_lets_them_go_in_waves() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn fails(n: u64) -> io::Result<u64> {
                    RUNS.up();
                    tokio::time::sleep(LOAD).await;
                    Err(io::Error::other(format!("no {n}")))
                }
                let (results, rounds) = run_virtual(|| rounds(join_all((0..=WAITERS).map(|_| fails(7)))));
                assert!(results.iter().all(|result| result.as_ref().unwrap_err().to_string() == "no 7"));
                // 1, 1, 2, 4, 8, 16: six waves carry 21 callers; one after another would be 21.
                assert!((2..=7).contains(&rounds), "{rounds} rounds");
                assert!(RUNS.get() <= 21, "{}", RUNS.get());
            }

            #[test]
            fn a_wave_that_succeeds_serves_the_rest() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn fails_first(n: u64) -> io::Result<u64> {
                    let run = RUNS.up();
                    tokio::time::sleep(LOAD).await;
                    if run == 1 { Err(io::Error::other("first")) } else { Ok(n) }
                }
                let (results, rounds) = run_virtual(|| rounds(join_all((0..=WAITERS).map(|_| fails_first(7)))));
                assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
                assert!(results.iter().flatten().all(|value| *value == 7));
                assert_eq!(rounds, 2);
                assert!(RUNS.get() <= 3, "{} executions", RUNS.get());
            }

            #[test]
            fn a_clonable_error_is_shared_by_threads() {
                static RUNS: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                #[cached($($option)*)]
                fn fails(n: u64) -> Result<u64, String> {
                    RUNS.up();
                    eventually("21 callers", || CALLING.get() == WAITERS + 1);
                    let_them_block();
                    Err(format!("no {n}"))
                }
                let results = crowd(WAITERS + 1, |_| {
                    CALLING.up();
                    fails(7)
                });
                assert!(results.iter().all(|result| result == &Err("no 7".to_owned())));
                assert_eq!(RUNS.get(), 1);
            }

            #[test]
            fn threads_do_not_retry_one_after_another() {
                static INSIDE: Counter = Counter::new();
                static CALLING: Counter = Counter::new();
                #[cached($($option)*)]
                fn fails(n: u64) -> io::Result<u64> {
                    eventually("21 callers", || CALLING.get() == WAITERS + 1);
                    INSIDE.up();
                    thread::sleep(Duration::from_millis(60));
                    Err(io::Error::other(format!("no {n}")))
                }
                let begun = std::time::Instant::now();
                let results = crowd(WAITERS + 1, |_| {
                    CALLING.up();
                    fails(7)
                });
                assert!(results.iter().all(Result::is_err));
                // Six or seven waves of 60 ms; one after another would be 21.
                assert!(begun.elapsed() < Duration::from_millis(60 * 14), "{:?} for {} loads", begun.elapsed(), INSIDE.get());
            }
        }
    };
}

failing!(lru, eviction = lru);
failing!(sieve, eviction = sieve);
failing!(unbounded, capacity = unbounded);

#[test]
fn errors_that_are_not_even_send() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn fails(n: u64) -> Result<u64, Box<dyn std::error::Error>> {
        RUNS.up();
        tokio::time::sleep(LOAD).await;
        Err(format!("no {n}"))?
    }
    let rounds = run_virtual(|| async {
        let (results, rounds) = rounds(join_all((0..=WAITERS).map(|_| fails(7)))).await;
        assert!(results.iter().all(|result| result.as_ref().unwrap_err().to_string() == "no 7"));
        rounds
    });
    assert!(rounds <= 7, "{rounds} rounds");
}

#[test]
fn an_error_kept_on_purpose_is_one_load() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_err = true)]
    async fn fails(n: u64) -> Result<u64, String> {
        RUNS.up();
        tokio::time::sleep(LOAD).await;
        Err(format!("no {n}"))
    }
    let results = run_virtual(|| async {
        let mut results = join_all((0..=WAITERS).map(|_| fails(7))).await;
        results.push(fails(7).await);
        results
    });
    assert!(results.iter().all(|result| result == &Err("no 7".to_owned())));
    assert_eq!(RUNS.get(), 1);
}

/// An error is the caller's own: it passes through as it is, and the next call tries again.
#[test]
fn a_failed_result_is_tried_again() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn fails_first(n: u64) -> Result<u64, io::Error> {
        if RUNS.up() == 1 { Err(io::Error::new(io::ErrorKind::TimedOut, "first")) } else { Ok(n) }
    }
    assert_eq!(fails_first(7).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!((fails_first(7).unwrap(), fails_first(7).unwrap(), RUNS.get()), (7, 7, 2));
}

/// The builder takes any error too; since it can't know whether one is clonable, it lets waiters go in waves.
#[test]
fn any_error_of_the_builder() {
    use cached_runtime::{Cache, Eviction};
    for builder in [Cache::builder(), Cache::builder().eviction(Eviction::Sieve), Cache::builder().unbounded()] {
        let cache: Cache<u64, u64> = builder.build();
        let handle = cache.clone();
        let (kinds, rounds) = run_virtual(move || async move {
            let load = || async {
                tokio::time::sleep(LOAD).await;
                Err(io::Error::new(io::ErrorKind::NotFound, "no"))
            };
            let (results, rounds) =
                rounds(join_all((0..=WAITERS).map(|_| handle.try_get_or_load_async(7, load())))).await;
            (results.into_iter().map(|result| result.unwrap_err().kind()).collect::<Vec<_>>(), rounds)
        });
        assert_eq!(kinds, [io::ErrorKind::NotFound; WAITERS + 1]);
        assert!(rounds <= 7, "{rounds} rounds");
        let boxed: Result<u64, Box<dyn std::error::Error>> = cache.try_get_or_load(7, || Err("boxed")?);
        assert_eq!((boxed.unwrap_err().to_string(), cache.len()), ("boxed".to_owned(), 0));
    }
}
