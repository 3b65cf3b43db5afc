//! What all shards (or all threads' parts) of one cache share besides its entries: its name, when it was cleared, its
//! counters. Must never know keys or values.

use super::shard::draw;
use super::stripes::Stripes;
use crate::stats::{Counts, Stats};
use crate::sync::{AtomicU64, Mutex, Ordering};
use std::borrow::Cow;
use std::sync::Arc;

/// See the file's head.
pub struct Common {
    name: Cow<'static, str>,
    capacity: Option<usize>,
    max_weight: Option<u64>,
    /// The ticket of the last `clear`: entries and loads up to it are gone.
    cleared: AtomicU64,
    coalesced: AtomicU64,
    bypassed: AtomicU64,
    /// Hits that were counted outside of a shard's lock.
    pub(crate) stripes: Option<Box<Stripes>>,
    counts: Mutex<Counted>,
    /// What the counters said at the last reset.
    base: Mutex<Stats>,
}

/// The counters of the shards that are, and the sum of those that were (of threads that ended).
#[derive(Default)]
struct Counted {
    shards: Vec<Arc<Counts>>,
    retired: Stats,
}

impl Common {
    pub(crate) fn new(name: Cow<'static, str>, capacity: Option<usize>, max_weight: Option<u64>) -> Self {
        Self {
            name,
            capacity,
            max_weight,
            cleared: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            bypassed: AtomicU64::new(0),
            stripes: None,
            counts: Mutex::default(),
            base: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// Registers the counters of a shard.
    pub(crate) fn add(&self, counts: &Arc<Counts>) {
        self.counts.lock().shards.push(Arc::clone(counts));
    }

    /// Keeps what a shard counted that is about to go.
    pub(crate) fn retire(&self, counts: &Arc<Counts>) {
        let mut counted = self.counts.lock();
        counts.add_to(&mut counted.retired);
        (counted.retired.entries, counted.retired.weight) = (0, 0);
        counted.shards.retain(|known| !Arc::ptr_eq(known, counts));
    }

    /// From here on, nothing that was stored or begun before counts.
    ///
    /// Release/acquire with [`Self::cleared`] is not what makes promise 3 hold (the callers' own happens-before does:
    /// a call that starts after `clear` returned sees at least this value), but it orders the marker before the
    /// removals that follow.
    pub(crate) fn mark_cleared(&self) {
        self.cleared.fetch_max(draw(), Ordering::AcqRel);
    }

    #[inline]
    pub(crate) fn cleared(&self) -> u64 {
        self.cleared.load(Ordering::Acquire)
    }

    pub(crate) fn count_coalesced(&self) {
        self.coalesced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bypassed(&self) {
        self.bypassed.fetch_add(1, Ordering::Relaxed);
    }

    /// Entries held now.
    pub(crate) fn len(&self) -> usize {
        self.counts.lock().shards.iter().map(|counts| counts.entries.load(Ordering::Relaxed)).sum()
    }

    fn total(&self) -> Stats {
        let counted = self.counts.lock();
        let mut stats = Stats { capacity: self.capacity, max_weight: self.max_weight, ..counted.retired.clone() };
        for counts in &counted.shards {
            counts.add_to(&mut stats);
        }
        drop(counted);
        stats.hits += self.stripes.as_ref().map_or(0, |stripes| stripes.sum());
        stats.coalesced = self.coalesced.load(Ordering::Relaxed);
        stats.bypassed = self.bypassed.load(Ordering::Relaxed);
        stats
    }

    pub(crate) fn stats(&self) -> Stats {
        // One lock, then the other: `reset` takes them in the same order.
        let base = self.base.lock();
        self.total().since(&base)
    }

    /// Counts from zero again. The counters themselves go on, since they have writers of their own.
    pub(crate) fn reset_stats(&self) {
        let mut base = self.base.lock();
        *base = self.total();
    }
}

/// A `local` cache, as the process sees it.
impl crate::registry::Listed for Common {
    fn name(&self) -> &str {
        &self.name
    }

    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn backend(&self) -> &'static str {
        "local"
    }

    fn clear(&self) {
        self.mark_cleared();
    }
}
