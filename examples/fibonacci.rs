//! `cargo run --example fibonacci [-- N]`: what one attribute does for the textbook recursion, sync and async.
//! It must never time a cached call as the uncached one: the naive functions are plain twins.

use cached_runtime::{Stats, cached};
use std::hint::black_box;
use std::num::IntErrorKind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: cargo run --example fibonacci [-- N]

Computes the N-th Fibonacci number (N from 0 to 93, 40 if not given) with and without #[cached]:
prints the result, both times, the speedup and what the cache counted.
The function without a cache takes exponential time: it is run up to 45, its async form up to 35.";

/// The last one that fits a `u64`.
const LARGEST: u32 = 93;
/// Some 3.7 billion calls: seconds.
const NAIVE_LARGEST: u32 = 45;
/// Each of its calls allocates a future, so it gets less far in that time.
const NAIVE_ASYNC_LARGEST: u32 = 35;

#[cached]
fn fib(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
}

fn naive(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { naive(n - 1) + naive(n - 2) }
}

#[cached]
async fn fib_async(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { Box::pin(fib_async(n - 1)).await + Box::pin(fib_async(n - 2)).await }
}

async fn naive_async(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { Box::pin(naive_async(n - 1)).await + Box::pin(naive_async(n - 2)).await }
}

fn main() -> ExitCode {
    let n = match wanted(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned())) {
        Ok(Wanted::Number(n)) => n,
        Ok(Wanted::Help) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("fibonacci: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };

    println!("{}", Row::HEAD);
    sync_rows(n);
    async_rows(n);
    ExitCode::SUCCESS
}

enum Wanted {
    Number(u32),
    Help,
}

fn wanted(mut args: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let Some(arg) = args.next() else { return Ok(Wanted::Number(40)) };
    if arg == "--help" || arg == "-h" {
        return Ok(Wanted::Help);
    }
    if args.next().is_some() {
        return Err("one number, please".into());
    }
    let too_large = || format!("{arg} is too large: {LARGEST} is the last whose result fits 64 bits");
    match arg.parse() {
        Ok(n) if n <= LARGEST => Ok(Wanted::Number(n)),
        Ok(_) => Err(too_large()),
        Err(problem) if *problem.kind() == IntErrorKind::PosOverflow => Err(too_large()),
        Err(_) if arg.parse::<f64>().is_ok_and(|n| n < 0.0) => Err(format!("{arg} is negative: N starts at 0")),
        Err(_) => Err(format!("`{arg}` is not a whole number")),
    }
}

/// The number asked for; and where the naive twin can't reach it, the largest that it can, so that there is a speedup to see.
fn sizes(n: u32, naive_largest: u32) -> impl Iterator<Item = u32> {
    [n, naive_largest].into_iter().take(if n > naive_largest { 2 } else { 1 })
}

fn sync_rows(n: u32) {
    for n in sizes(n, NAIVE_LARGEST) {
        fib::clear();
        fib::reset_stats();
        let (result, cached) = timed(|| fib(black_box(n)));
        let stats = fib::stats();
        let uncached = (n <= NAIVE_LARGEST).then(|| timed(|| naive(black_box(n))));
        Row { kind: "sync", n, result, uncached, cached, stats }.print();
    }
}

fn async_rows(n: u32) {
    for n in sizes(n, NAIVE_ASYNC_LARGEST) {
        pollster::block_on(fib_async::clear());
        fib_async::reset_stats();
        let (result, cached) = timed(|| pollster::block_on(fib_async(black_box(n))));
        let stats = fib_async::stats();
        let uncached = (n <= NAIVE_ASYNC_LARGEST).then(|| timed(|| pollster::block_on(naive_async(black_box(n)))));
        Row { kind: "async", n, result, uncached, cached, stats }.print();
    }
}

fn timed(f: impl FnOnce() -> u64) -> (u64, Duration) {
    let started = Instant::now();
    let result = black_box(f());
    (result, started.elapsed())
}

struct Row {
    kind: &'static str,
    n: u32,
    result: u64,
    /// The naive twin's result and time; none where it would take too long.
    uncached: Option<(u64, Duration)>,
    cached: Duration,
    stats: Stats,
}

impl Row {
    const HEAD: &str =
        "        n                result    uncached      cached    speedup   hits  misses  hit rate  entries";

    fn print(self) {
        let Self { kind, n, result, uncached, cached, stats } = self;
        let (naive_time, speedup) = match uncached {
            Some((naive_result, time)) => {
                assert_eq!(naive_result, result, "the cache changed the result");
                (format!("{time:.1?}"), format!("{:.1}x", time.as_secs_f64() / cached.as_secs_f64().max(1e-9)))
            }
            None => ("not run".to_owned(), "-".to_owned()),
        };
        println!(
            "{kind:<6}{n:>3}  {result:>20}  {naive_time:>10}  {:>10}  {speedup:>9}  {:>5}  {:>6}  {:>7.1}%  {:>7}",
            format!("{cached:.1?}"),
            stats.hits,
            stats.misses,
            stats.hit_rate() * 100.0,
            stats.entries,
        );
    }
}
