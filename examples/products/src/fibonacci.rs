//! Fibonacci numbers with and without a cache, timed. Must never time a cached call as the plain one: the plain function is
//! a twin that calls only itself.

use cached_runtime::cached;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Exponential: some thirty million calls, a tenth of a second.
pub(crate) const PLAIN_LARGEST: u32 = 35;
/// The last one that fits a `u64`.
pub(crate) const LARGEST: u32 = 93;

#[cached(name = "fib")]
fn fib(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
}

fn plain(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { plain(n - 1) + plain(n - 2) }
}

/// What the benchmark page shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) n: u32,
    pub(crate) result: u64,
    /// `None` where it would take too long.
    pub(crate) plain: Option<Duration>,
    /// From an empty cache.
    pub(crate) cold: Duration,
    /// The second call.
    pub(crate) warm: Duration,
}

/// Runs all three; blocks for as long as the plain one takes.
pub(crate) fn measure(n: u32) -> Measured {
    let timed = |function: fn(u32) -> u64| {
        let start = Instant::now();
        let result = function(black_box(n));
        (start.elapsed(), black_box(result))
    };
    let plain = (n <= PLAIN_LARGEST).then(|| timed(plain).0);
    fib::clear();
    let (cold, result) = timed(fib);
    // The fastest of a few: one call is shorter than what the clock can tell.
    let warm = (0..50).map(|_| timed(fib).0).min().unwrap_or_default();
    Measured { n, result, plain, cold, warm }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_compute_the_same() {
        assert_eq!(measure(20).result, plain(20));
        let large = measure(LARGEST);
        assert_eq!((large.result, large.plain), (12_200_160_415_121_876_738, None));
    }
}
