//! Counters of a cache and the snapshot that users see. Must never lock, and must never be read to decide anything.

use crate::events::{EvictionCause, LoadEnd, What};
use crate::hooks::{self, Key, Source};
use crate::load_times::{LoadTimes, Times};
use crate::memory::gate::How;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Loads that come faster than one in so many nanoseconds are not timed one by one.
const FAST: u64 = 2_000;

/// Counts of one shard (or one thread's part of a `local` cache).
///
/// Every counter has one writer at a time (the holder of the shard's lock, or the thread), so an increment is a plain
/// load and store; readers on other threads see a recent value. Relaxed: no decision hangs on a counter.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) loads: Counter,
    pub(crate) load_errors: Counter,
    /// Loads that have begun, which says whose time is taken: see [`Counts::begin_load`].
    begun: Counter,
    /// Loads whose time was taken, the sum of their shares of it (see [`Counts::count_load`]), and the last of those.
    timed_loads: Counter,
    shares: Counter,
    last_share: AtomicU64,
    /// The last of them was much longer than the one before: the next load's time is taken, so that others are not held for
    /// as long (see [`Times::note`]).
    was_long: AtomicBool,
    times: Times,
    pub(crate) evictions: Told,
    pub(crate) expirations: Told,
    pub(crate) fenced: Told,
    source: OnceLock<Arc<Source>>,
    pub(crate) invalidations: Counter,
    pub(crate) rejected: Counter,
    pub(crate) stale: Told,
    pub(crate) refreshes: Told,
    /// Gauges: what the shard holds now.
    pub(crate) entries: AtomicUsize,
    pub(crate) weight: AtomicU64,
}

/// A counter with one writer at a time.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter of something that is also told to those who listen. Under the shard's lock it waits for its release.
#[derive(Default)]
pub(crate) struct Told {
    count: Counter,
    as_what: OnceLock<(Arc<Source>, What)>,
}

impl Told {
    pub(crate) fn add(&self, n: u64) {
        self.count.add(n);
        if n > 0 && hooks::listening() {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        if let Some((source, what)) = self.as_what.get() {
            source.tell(Key::default(), what.clone());
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.count.get()
    }
}

impl Counts {
    /// Says what these are the counts of.
    pub(crate) fn tell_to(&self, source: &Arc<Source>, cause: EvictionCause) {
        let set = |told: &Told, what| drop(told.as_what.set((Arc::clone(source), what)));
        set(&self.evictions, What::Evicted { cause });
        set(&self.expirations, What::Expired);
        set(&self.fenced, What::Fenced);
        set(&self.stale, What::StaleServed);
        set(&self.refreshes, What::RefreshBegun);
        let _ = self.source.set(Arc::clone(source));
    }

    /// A value was stored.
    pub(crate) fn inserted(&self, hash: u64) {
        if hooks::listening()
            && let Some(source) = self.source.get()
        {
            source.tell(Key::hash(hash), What::Inserted);
        }
    }

    #[cold]
    fn tell_load(&self, took: Option<Duration>, failed: bool) {
        let ended = match (failed, std::thread::panicking()) {
            (false, _) => LoadEnd::Ok,
            (true, false) => LoadEnd::Error,
            (true, true) => LoadEnd::Panicked,
        };
        if let Some(source) = self.source.get() {
            source.tell(Key::default(), What::Load { took, ended });
        }
    }

    /// A load begins: whether to take its time, and how many loads have begun by now, for [`count_load`](Self::count_load).
    ///
    /// Nearly always; but reading the clock twice costs as much as a short load, so while loads come faster than one in
    /// two microseconds, one in thirty-two is enough: of these loads, in the order in which they begin, and as soon as one
    /// was not fast, of all. What is beside or around many fast ones may be long all the same: then the next one's, too.
    pub(crate) fn begin_load(&self) -> (bool, u64) {
        (self.begin_sample() || hooks::listening(), self.begun.get())
    }

    fn begin_sample(&self) -> bool {
        self.begun.add(1);
        let timed = self.timed_loads.get();
        // One writer at a time, as of all counters.
        let was_long = self.was_long.load(Ordering::Relaxed);
        self.was_long.store(false, Ordering::Relaxed);
        was_long
            || timed < 64
            || self.last_share.load(Ordering::Relaxed) > FAST
            || self.shares.get() > FAST.saturating_mul(timed)
            || self.begun.get().is_multiple_of(32)
    }

    /// A load has ended.
    ///
    /// What tells how fast loads come is its share of the time: with those that have begun meanwhile, inside of it (a
    /// recursion) or beside it.
    pub(crate) fn count_load(&self, took: Option<Duration>, how: How, failed: bool) {
        self.loads.add(1);
        self.load_errors.add(u64::from(failed));
        let before = self.times.last();
        self.times.note(took);
        if hooks::listening() {
            self.tell_load(took, failed);
        }
        if let Some(took) = took {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let share = nanos / (how.since(self.begun.get()) + 1);
            self.timed_loads.add(1);
            self.shares.add(share);
            self.last_share.store(share, Ordering::Relaxed);
            // Than those before: not where all are, or each would have the next one timed.
            self.was_long.store(nanos > FAST.max(before.saturating_mul(2)), Ordering::Relaxed);
        }
    }

    /// Adds these counts to a snapshot.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.hits += self.hits.get();
        stats.misses += self.misses.get();
        stats.loads += self.loads.get();
        stats.load_errors += self.load_errors.get();
        stats.load_time += self.times.sum();
        self.times.add_to(&mut stats.load_times);
        stats.evictions += self.evictions.get();
        stats.expirations += self.expirations.get();
        stats.fenced += self.fenced.get();
        stats.invalidations += self.invalidations.get();
        stats.rejected += self.rejected.get();
        stats.stale += self.stale.get();
        stats.refreshes += self.refreshes.get();
        stats.entries += self.entries.load(Ordering::Relaxed);
        stats.weight += self.weight.load(Ordering::Relaxed);
    }
}

/// What a cache did so far, and what it holds: a snapshot.
///
/// Taken without stopping the cache, so under load the numbers may be a few calls apart from one another.
/// [`Display`](fmt::Display) prints one line, in the manner of Python's `CacheInfo`:
///
/// ```
/// use cached_runtime::Cache;
///
/// let cache = Cache::builder().capacity(128).build();
/// cache.get_or_load(7, || "seven");
/// cache.get_or_load(7, || "seven");
/// let stats = cache.stats();
/// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
/// assert!(stats.to_string().starts_with("hits=1 misses=1 hit_rate=50.0% entries=1/128"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were answered from the cache.
    pub hits: u64,
    /// Calls that were not: each either ran the function or waited for another call that ran it.
    pub misses: u64,
    /// Times the function ran to its end, with a value, an error or a panic. A load whose future was dropped is none.
    pub loads: u64,
    /// Loads that ended in an error or a panic.
    pub load_errors: u64,
    /// The time that loads took in all; a load that calls other cached functions includes theirs. Where loads come faster
    /// than one in two microseconds, being short, a recursion's or many at once, it is estimated from one in thirty-two,
    /// since taking the time would cost as much.
    pub load_time: Duration,
    /// How the times of the loads are spread: see [`load_time_quantile`](Self::load_time_quantile).
    pub load_times: LoadTimes,
    /// Misses that were answered by another call's load (single-flight).
    pub coalesced: u64,
    /// Entries that had to go to make room.
    pub evictions: u64,
    /// Entries that outlived their time to live or to idle.
    pub expirations: u64,
    /// Loads whose value was not stored, since an invalidation or something newer came first.
    pub fenced: u64,
    /// Entries that were removed by `invalidate` or `clear`.
    pub invalidations: u64,
    /// Values that were not stored: `None`, `cache_if` said no, heavier than the whole cache, no capacity, a time to live
    /// of zero.
    pub rejected: u64,
    /// Calls that went past the cache: `bypass_if`, or a call from inside a key's or value's own code.
    pub bypassed: u64,
    /// Times a value was served past its time to live: within `stale_while_revalidate`, or since a load failed or took
    /// too long. (Calls that waited for such a load and shared what it was given are in `coalesced`.)
    pub stale: u64,
    /// Loads that were begun to renew a value which could still be served. The calls that began them count as hits.
    pub refreshes: u64,
    /// Operations on a server that failed: each was a miss, a value not stored, or an invalidation to be repeated.
    pub store_errors: u64,
    /// Invalidations that failed and are tried again now.
    pub pending: u64,
    /// Entries held now, including expired ones that are not swept yet, and those that a tag has outdated, which go when they
    /// are asked for, evicted or expired. 0 for entries on a server.
    pub entries: usize,
    /// The bound on `entries`; `None` for an unbounded cache and for one that is bound by weight. Of a `local` cache it is
    /// the bound of each thread's part, while `entries` counts all threads'.
    pub capacity: Option<usize>,
    /// The weight of the entries held now; 0 where nothing is weighed.
    pub weight: u64,
    /// The bound on `weight`, if there is one.
    pub max_weight: Option<u64>,
}

impl Stats {
    /// Hits and misses together.
    pub fn requests(&self) -> u64 {
        self.hits + self.misses
    }

    /// The share of requests that were hits, from 0 to 1; 0 before the first request.
    pub fn hit_rate(&self) -> f64 {
        // Counters beyond 2^53 would lose a digit nobody sees.
        #[expect(clippy::cast_precision_loss)]
        match self.requests() {
            0 => 0.0,
            n => self.hits as f64 / n as f64,
        }
    }

    /// How long a load took on average; `None` before the first.
    pub fn mean_load_time(&self) -> Option<Duration> {
        let nanos = self.load_time.as_nanos().checked_div(u128::from(self.loads))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// The time within which a share `q` (from 0 to 1) of the loads ended, `0.99` for the 99th percentile; `None` before
    /// the first. To within a bucket of a [histogram](LoadTimes) whose buckets grow by a third or a half each.
    ///
    /// ```
    /// use cached_runtime::Cache;
    ///
    /// let cache = Cache::builder().build();
    /// assert_eq!(cache.stats().load_time_quantile(0.99), None);
    /// cache.get_or_load(1, || "one");
    /// assert!(cache.stats().load_time_quantile(0.99).is_some());
    /// ```
    pub fn load_time_quantile(&self, q: f64) -> Option<Duration> {
        self.load_times.quantile(q)
    }

    /// These stats and another cache's, added up: for the instantiations of a generic function.
    #[doc(hidden)]
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        self.hits += other.hits;
        self.misses += other.misses;
        self.loads += other.loads;
        self.load_errors += other.load_errors;
        self.load_time += other.load_time;
        self.load_times.add(&other.load_times);
        self.coalesced += other.coalesced;
        self.evictions += other.evictions;
        self.expirations += other.expirations;
        self.fenced += other.fenced;
        self.invalidations += other.invalidations;
        self.rejected += other.rejected;
        self.bypassed += other.bypassed;
        self.stale += other.stale;
        self.refreshes += other.refreshes;
        self.store_errors += other.store_errors;
        self.pending += other.pending;
        self.entries += other.entries;
        self.capacity = self.capacity.zip(other.capacity).map(|(a, b)| a.saturating_add(b));
        self.weight += other.weight;
        self.max_weight = self.max_weight.zip(other.max_weight).map(|(a, b)| a.saturating_add(b));
        self
    }

    /// What happened since `base`; what is held now stays as it is.
    pub(crate) fn since(mut self, base: &Self) -> Self {
        self.hits = self.hits.saturating_sub(base.hits);
        self.misses = self.misses.saturating_sub(base.misses);
        self.loads = self.loads.saturating_sub(base.loads);
        self.load_errors = self.load_errors.saturating_sub(base.load_errors);
        self.load_time = self.load_time.saturating_sub(base.load_time);
        self.load_times.subtract(&base.load_times);
        self.coalesced = self.coalesced.saturating_sub(base.coalesced);
        self.evictions = self.evictions.saturating_sub(base.evictions);
        self.expirations = self.expirations.saturating_sub(base.expirations);
        self.fenced = self.fenced.saturating_sub(base.fenced);
        self.invalidations = self.invalidations.saturating_sub(base.invalidations);
        self.rejected = self.rejected.saturating_sub(base.rejected);
        self.bypassed = self.bypassed.saturating_sub(base.bypassed);
        self.stale = self.stale.saturating_sub(base.stale);
        self.refreshes = self.refreshes.saturating_sub(base.refreshes);
        self.store_errors = self.store_errors.saturating_sub(base.store_errors);
        self
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hits={} misses={} hit_rate={:.1}%", self.hits, self.misses, 100.0 * self.hit_rate())?;
        match (self.max_weight, self.capacity) {
            (Some(max), _) => write!(f, " entries={} weight={}/{max}", self.entries, self.weight)?,
            (None, Some(capacity)) => write!(f, " entries={}/{capacity}", self.entries)?,
            (None, None) => write!(f, " entries={}/unbounded", self.entries)?,
        }
        write!(
            f,
            " evictions={} expirations={} invalidations={} loads={} load_errors={} load_time={:.1?} coalesced={} \
             fenced={} rejected={} bypassed={} stale={} refreshes={}",
            self.evictions,
            self.expirations,
            self.invalidations,
            self.loads,
            self.load_errors,
            self.load_time,
            self.coalesced,
            self.fenced,
            self.rejected,
            self.bypassed,
            self.stale,
            self.refreshes,
        )?;
        // Where there is a server.
        for (name, count) in [("store_errors", self.store_errors), ("pending", self.pending)] {
            if count > 0 {
                write!(f, " {name}={count}")?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    /// As [`Counts::begin_load`], whether anybody listens or not: another test may.
    fn begin(counts: &Counts) -> (bool, How) {
        let timed = counts.begin_sample();
        (timed, How::new(timed, false, counts.begun.get(), 0))
    }

    /// So many loads of so long; how many of them are samples.
    fn loads(counts: &Counts, n: u32, nanos: u64) -> u32 {
        let load = |_: &u32| {
            let (timed, how) = begin(counts);
            counts.count_load(timed.then_some(Duration::from_nanos(nanos)), how, false);
            timed
        };
        u32::try_from((0..n).filter(load).count()).unwrap_or(u32::MAX)
    }

    #[test]
    fn of_short_loads_one_in_thirty_two_is_timed_and_of_long_ones_all_are() {
        let counts = Counts::default();
        assert_eq!(loads(&counts, 64 + 320, 100), 64 + 10);
        assert!(loads(&counts, 131, 20_000_000) >= 100);
        // The first thirty-one may be held for short ones.
        assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&counts.times.sum()));
        assert_eq!(loads(&counts, 10, 100), 10, "as long as the mean is long");
    }

    /// A load of so many loads, one inside of the other, each of which takes so long by itself; how many are samples.
    fn recursion(counts: &Counts, depth: u32, nanos: u64) -> u32 {
        let (timed, how) = begin(counts);
        let inner = if depth > 1 { recursion(counts, depth - 1, nanos) } else { 0 };
        counts.count_load(timed.then_some(Duration::from_nanos(nanos) * depth), how, false);
        inner + u32::from(timed)
    }

    #[test]
    fn of_a_recursion_with_short_steps_one_in_thirty_two_is_timed_and_of_one_with_long_steps_all_are() {
        let counts = Counts::default();
        recursion(&counts, 64, 100);
        // One more where the turn of the outermost was none of those.
        assert!((10..=11).contains(&recursion(&counts, 320, 100)));
        let counts = Counts::default();
        recursion(&counts, 64, 100_000);
        assert_eq!(recursion(&counts, 320, 100_000), 320);
    }

    #[test]
    fn loads_at_the_same_time_are_all_timed_unless_they_come_fast() {
        for (nanos, samples) in [(100_000, 320), (10_000, 10)] {
            let counts = Counts::default();
            // Always 32 at once: when one ends, the next begins.
            let mut under_way: std::collections::VecDeque<_> = (0..32).map(|_| begin(&counts)).collect();
            let mut turn = || {
                let Some((timed, how)) = under_way.pop_front() else { return 0 };
                counts.count_load(timed.then_some(Duration::from_nanos(nanos)), how, false);
                under_way.push_back(begin(&counts));
                usize::from(timed)
            };
            (0..96).for_each(|_| _ = turn());
            assert_eq!((0..320).map(|_| turn()).sum::<usize>(), samples, "of 320 loads of {nanos} ns");
        }
    }

    #[test]
    fn one_long_load_around_many_short_ones_counts_once() {
        let counts = Counts::default();
        // Whether it is one of the first, or one in 32.
        for before in [0, 64 + 32 * 7 - 65] {
            loads(&counts, before, 100);
            let (timed, how) = begin(&counts);
            assert!(timed);
            loads(&counts, 10_000, 100);
            counts.count_load(Some(Duration::from_millis(10)), how, false);
            let sum = counts.times.sum();
            assert!(loads(&counts, 16, 100) >= 1, "the next one is timed, and what comes after is held for as long");
            assert!(counts.times.sum() <= sum + Duration::from_micros(2), "{:?} after {sum:?}", counts.times.sum());
            // To a load whose turn it is.
            while !counts.begun.get().is_multiple_of(32) {
                loads(&counts, 1, 100);
            }
        }
    }
}
