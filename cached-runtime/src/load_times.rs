//! How long loads took, as a histogram. Must never lock or allocate while counting, and must never be read to decide
//! anything.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use std::fmt;
use std::time::Duration;

/// Two buckets for each doubling, from 256 ns to about 18 minutes; the last takes whatever is longer.
const BUCKETS: usize = 64;

/// Nothing is told apart below this many nanoseconds.
const FIRST: u64 = 256;

/// The bucket of a time.
fn bucket(nanos: u64) -> usize {
    let units = nanos / FIRST;
    if units == 0 {
        return 0;
    }
    // The position of the highest bit, and the bit below it: at most 55 and 1.
    let doubling = units.ilog2();
    let half = if doubling == 0 { (nanos / (FIRST / 2)) & 1 } else { (units >> (doubling - 1)) & 1 };
    (1 + 2 * doubling as usize + usize::from(half == 1)).min(BUCKETS - 1)
}

/// The first time, in nanoseconds, that is beyond a bucket; `None` for the last, which has no end.
fn end(bucket: usize) -> Option<u64> {
    if bucket + 1 >= BUCKETS {
        return None;
    }
    let doubled = FIRST << (bucket / 2);
    Some(if bucket.is_multiple_of(2) { doubled } else { doubled + doubled / 2 })
}

/// The counters of a histogram, with one writer at a time or many.
pub(crate) struct Times {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
    /// The last time that was taken, in nanoseconds: a load whose time is not taken is held for as long. (Such loads come
    /// where loads come fast.)
    last: AtomicU64,
    /// The bucket of that time.
    last_bucket: AtomicUsize,
}

impl Default for Times {
    fn default() -> Self {
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        let (nanos, last, last_bucket) = (AtomicU64::new(0), AtomicU64::new(0), AtomicUsize::new(bucket(0)));
        Self { buckets, nanos, last, last_bucket }
    }
}

impl Times {
    /// Counts a load, where there is one writer at a time: plain loads and stores. `None` if its time was not taken.
    pub(crate) fn note(&self, took: Option<Duration>) {
        if let Some(took) = took {
            let nanos = nanos(took);
            self.last.store(nanos, Ordering::Relaxed);
            self.last_bucket.store(bucket(nanos), Ordering::Relaxed);
        }
        let add = |to: &AtomicU64, n: u64| to.store(to.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(self.last_bucket.load(Ordering::Relaxed)) {
            add(bucket, 1);
        }
        add(&self.nanos, self.last());
    }

    /// The last time that was taken, in nanoseconds.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// The sum of all times.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Counts a load, where there are several writers.
    #[cfg(feature = "redis")]
    pub(crate) fn note_shared(&self, took: Duration) {
        let nanos = nanos(took);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Adds these counts to a snapshot.
    pub(crate) fn add_to(&self, sum: &mut LoadTimes) {
        for (sum, bucket) in sum.buckets.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        sum.nanos = sum.nanos.wrapping_add(self.nanos.load(Ordering::Relaxed));
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// How long the loads of a cache took: a histogram, in [`Stats::load_times`](crate::Stats::load_times).
///
/// Its buckets grow by a third or a half each, from 256 ns on. Where loads come faster than one in two microseconds (they are
/// short, a recursion's, or many at once), one in thirty-two is timed, and those up to the next are held to be as long: if
/// loads suddenly take longer, the first thirty-one of those count as short.
///
/// ```
/// use cached_runtime::Cache;
/// use std::time::Duration;
///
/// let cache = Cache::builder().build();
/// cache.get_or_load(1, || std::thread::sleep(Duration::from_millis(2)));
/// let times = cache.stats().load_times;
/// assert_eq!(times.count(), 1);
/// assert!(times.quantile(0.99) >= Some(Duration::from_millis(1)));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LoadTimes {
    buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Default for LoadTimes {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], nanos: 0 }
    }
}

impl LoadTimes {
    /// How many loads were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The time that they took in all.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// The time within which a share `q` (from 0 to 1) of the loads ended: `quantile(0.5)` is the median,
    /// `quantile(0.99)` what only one in a hundred exceeds. Interpolated inside of a bucket. `None` before the first load.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate within a bucket; all numbers are positive, and casts from floats saturate"
    )]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (if q.is_nan() { 1.0 } else { q.clamp(0.0, 1.0) }) * count as f64;
        let mut below = 0.0;
        for (at, &here) in self.buckets.iter().enumerate().filter(|(_, here)| **here > 0) {
            let here = here as f64;
            if below + here >= rank {
                let start = at.checked_sub(1).and_then(end).unwrap_or(0) as f64;
                let width = end(at).map_or(0.0, |end| end as f64 - start);
                return Some(Duration::from_nanos((start + width * ((rank - below) / here)) as u64));
            }
            below += here;
        }
        None
    }

    /// The buckets: where each ends (the last one doesn't), and how many loads fell into it.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + use<'_> {
        self.buckets.iter().enumerate().map(|(at, &count)| (end(at).map(Duration::from_nanos), count))
    }

    /// These and another cache's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += other;
        }
        self.nanos = self.nanos.wrapping_add(other.nanos);
    }

    /// What came since `base`.
    pub(crate) fn subtract(&mut self, base: &Self) {
        for (now, base) in self.buckets.iter_mut().zip(&base.buckets) {
            *now = now.saturating_sub(*base);
        }
        self.nanos = self.nanos.saturating_sub(base.nanos);
    }
}

impl fmt::Debug for LoadTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTimes")
            .field("count", &self.count())
            .field("sum", &self.sum())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn buckets_meet_and_hold_what_they_say() {
        for at in 0..BUCKETS - 1 {
            let end = end(at).unwrap();
            assert_eq!(bucket(end - 1), at, "just before the end of {at}");
            assert_eq!(bucket(end), at + 1, "the end of {at}");
        }
        assert_eq!((bucket(0), bucket(u64::MAX), end(BUCKETS - 1)), (0, BUCKETS - 1, None));
    }

    #[test]
    fn quantiles_are_within_a_bucket() {
        let times = Times::default();
        for micros in 1..=1000 {
            times.note(Some(Duration::from_micros(micros)));
        }
        let mut sum = LoadTimes::default();
        times.add_to(&mut sum);
        assert_eq!((sum.count(), sum.sum()), (1000, Duration::from_micros(500_500)));
        for (q, micros) in [(0.5, 500), (0.9, 900), (0.99, 990)] {
            let found = sum.quantile(q).unwrap();
            let (least, most) = (Duration::from_micros(micros / 2), Duration::from_micros(micros * 3 / 2));
            assert!(least <= found && found <= most, "{q}: {found:?}");
        }
        assert!(sum.quantile(0.0).unwrap() <= Duration::from_micros(1));
        assert_eq!(LoadTimes::default().quantile(0.5), None);
    }

    #[test]
    fn loads_that_are_not_timed_are_as_long_as_the_one_before() {
        let times = Times::default();
        times.note(Some(Duration::from_nanos(100)));
        (0..7).for_each(|_| times.note(None));
        times.note(Some(Duration::from_millis(1)));
        let mut sum = LoadTimes::default();
        times.add_to(&mut sum);
        assert_eq!((sum.count(), sum.sum()), (9, Duration::from_nanos(1_000_800)));
        assert_eq!(times.sum(), sum.sum());
    }
}
