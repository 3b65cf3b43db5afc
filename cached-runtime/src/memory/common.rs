//! What all shards (or all threads' parts) of one cache share besides its entries: its name, when it was cleared, its
//! counters. Must never know keys or values.

use super::entry::Entry;
use super::shard::draw;
use super::stripes::Stripes;
use crate::events::{EvictionCause, InvalidationCause, What};
use crate::glob::Glob;
use crate::hooks::{self, Key, Source};
use crate::stats::{Counts, Stats};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::tags;
use std::borrow::Cow;
use std::sync::Arc;

/// See the file's head.
pub struct Common {
    name: Cow<'static, str>,
    /// As those who watch know it.
    source: Arc<Source>,
    capacity: Option<usize>,
    max_weight: Option<u64>,
    /// Whether its keys have texts.
    pub(crate) has_text: bool,
    /// The ticket of the last `clear`: entries and loads up to it are gone. The top bit tells whether the cache ever had
    /// something with tags, so that a hit in one that had not reads nothing more.
    cleared: AtomicU64,
    coalesced: AtomicU64,
    bypassed: AtomicU64,
    /// Old values that were served outside of a shard's lock.
    stale: AtomicU64,
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
        let source = Source::silent(name.clone(), "memory");
        Self {
            name,
            source,
            capacity,
            max_weight,
            has_text: false,
            cleared: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            bypassed: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            stripes: None,
            counts: Mutex::default(),
            base: Mutex::default(),
        }
    }

    /// The same, with somebody who is told what happens.
    pub(crate) fn told_to(self, source: Arc<Source>) -> Self {
        Self { source, ..self }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// Registers the counters of a shard.
    pub(crate) fn add(&self, counts: &Arc<Counts>) {
        let cause = if self.max_weight.is_some() { EvictionCause::Weight } else { EvictionCause::Capacity };
        counts.tell_to(&self.source, cause);
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
    /// Release/acquire with [`Self::floor`] is not what makes promise 3 hold (the callers' own happens-before does:
    /// a call that starts after `clear` returned sees at least this value), but it orders the marker before the
    /// removals that follow.
    pub(crate) fn mark_cleared(&self) {
        let ticket = draw();
        let raise = |marked: u64| Some((marked & TAGGED) | ticket.max(marked & !TAGGED));
        // It never gives up.
        let _ = self.cleared.fetch_update(Ordering::AcqRel, Ordering::Acquire, raise);
        if hooks::listening() {
            self.source.tell(Key::default(), What::Invalidated { cause: InvalidationCause::Clear });
        }
    }

    /// From here on, hits compare with the tags' epoch. Called before the load (or `set`) of the first entry with tags
    /// draws its ticket, so whoever finds that entry sees the mark: they come by the shard's lock, or by the map's own
    /// release and acquire, and read this afterwards.
    pub(crate) fn mark_tagged(&self) {
        if self.cleared.load(Ordering::Relaxed) & TAGGED == 0 {
            self.cleared.fetch_or(TAGGED, Ordering::AcqRel);
        }
    }

    /// What an entry's ticket is compared with.
    #[inline]
    pub(crate) fn floor(&self) -> Floor {
        let marked = self.cleared.load(Ordering::Acquire);
        if marked & TAGGED == 0 { Floor { cleared: marked, epoch: 0 } } else { Floor::tagged(marked) }
    }

    pub(crate) fn count_coalesced(&self) {
        self.coalesced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bypassed(&self) {
        self.bypassed.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn count_stale(&self) {
        self.stale.fetch_add(1, Ordering::Relaxed);
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
        stats.stale += self.stale.load(Ordering::Relaxed);
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

/// The top bit of `Common::cleared`. Tickets never come that far.
const TAGGED: u64 = 1 << 63;

/// Entries and loads count while their tickets are above these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// The ticket of the last `clear`.
    pub(crate) cleared: u64,
    /// The ticket of the last invalidation of any tag; 0 where nothing has tags. What is not above it is compared tag by
    /// tag.
    pub(crate) epoch: u64,
}

impl Floor {
    fn tagged(marked: u64) -> Self {
        Self { cleared: marked & !TAGGED, epoch: tags::epoch() }
    }

    /// Whether an entry was invalidated, by a `clear` or by a tag of its.
    pub(crate) fn outdates<V>(self, entry: &Entry<V>) -> bool {
        let ticket = entry.ticket.get();
        !self.is_below(ticket) && (ticket <= self.cleared || !entry.has_current_tags(self.epoch))
    }

    /// Whether a ticket is above both, so that there is nothing more to ask.
    #[inline]
    pub(crate) fn is_below(self, ticket: u64) -> bool {
        ticket > self.cleared.max(self.epoch)
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

    /// Other threads' entries can't be looked at: all of them go.
    fn forget_matching(&self, _: &Glob) {
        if self.has_text {
            self.mark_cleared();
        }
    }
}
