//! The shards of a cache that all threads share, and what is asked of one of them, or of all. Must never drop a user's
//! value under a lock, and must never know what kind of map they have.

use super::bin::Bin;
use super::common::Common;
use super::entry::{Find, Whichever};
use super::expiry::BLOCK;
use super::gate::Ask;
use super::loads::Left;
use super::lock::{Held, Lock};
use super::map::Map;
use super::outside::Written;
use super::settings::Settings;
use super::shard::{Begun, Bound, Ending, Keep, Rules, Shard, Worth};
use crate::key::CacheKey;
use crate::outcome::CacheValue;
use crate::store::Took;
use crate::tags::Tags;

/// How many entries a clear or a sweep frees for each hold of a lock: some tens of microseconds.
const CHUNK: usize = 512;

/// Beyond this a shard is split in two, though threads might not need it: when its table grows, whoever waits for the lock
/// waits for all of its entries to move, which for so many is some tenths of a millisecond.
const LARGEST: usize = 16_384;

/// LRU is exact up to this many entries, which share one lock.
const EXACT: usize = 1024;

/// From so many threads at once on, several locks let more hits through than one. With several, each hit finds its shard's
/// cache lines where another CPU left them, which takes five times as long as the hit itself; with one, a thread mostly
/// has it for a while: with two threads on a zipf distribution 8 shards took 67 ns a hit, one takes 18.
const MANY: usize = 8;

/// What all shards of a cache have in common.
pub(crate) struct Base<K, V> {
    pub(crate) settings: Settings<K, V>,
    pub(crate) common: Common,
}

impl<K, V> Base<K, V> {
    #[inline]
    pub(crate) fn rules(&self) -> Rules<'_, K, V> {
        self.settings.rules(self.common.floor())
    }
}

/// What is asked for off the way of a hit: by whatever the key is looked for, so that it is compiled once for each cache's
/// types.
pub(crate) type FindAny<'a, K> = Find<'a, Whichever<'a, K>>;

/// What is asked of a cache off the way of a hit. `None` and `false` mean: not now, this thread may not wait for the lock.
pub(crate) trait Sharded<K, V> {
    /// See [`Engine::anew`](crate::store::Engine::anew).
    fn anew(&self, base: &Base<K, V>, find: &FindAny<'_, K>, own: &dyn Fn() -> K, ask: &Ask<'_, V>)
    -> Option<Begun<V>>;

    /// Whether there is an entry that would be served.
    fn has(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<bool>;

    /// See [`Engine::end`](crate::store::Engine::end).
    fn end(
        &self,
        base: &Base<K, V>,
        at: (u64, u64),
        ending: &mut Ending<V>,
        took: Option<Took>,
        left: &mut Option<Left<V>>,
    ) -> Option<bool>;

    /// See [`Engine::stale`](crate::store::Engine::stale).
    fn stale(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<V>;

    /// See [`Engine::is_worth`](crate::store::Engine::is_worth).
    fn is_worth(&self, base: &Base<K, V>, at: (u64, u64), old: &Worth) -> Option<bool>;

    /// Stores a value; one that was not stored stays.
    fn set(&self, base: &Base<K, V>, at: (u64, K), keep: &mut Keep<V>, tags: Tags) -> Option<()>;

    /// Forgets a key.
    fn invalidate(&self, find: &FindAny<'_, K>) -> Option<()>;

    /// Forgets what `chosen` says yes to, shard by shard.
    ///
    /// A shard's loads are fenced and its entries looked at in one hold of its lock, so what is stored later was begun
    /// later. The removals are short and many, with the lock released between them.
    fn forget_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) -> bool;

    /// A writer of a key begins: its ticket.
    fn begin_write(&self, find: &FindAny<'_, K>, own: &dyn Fn() -> K) -> Option<u64>;

    /// A writer ends; what was not stored stays.
    fn end_write(&self, base: &Base<K, V>, at: (u64, u64), written: &mut Written<V>) -> Option<()>;

    /// The keys that would be served now.
    fn keys(&self, base: &Base<K, V>) -> Vec<K>;

    /// Frees what is there, a bounded number of entries for each hold of a lock.
    fn drain(&self);

    /// Frees what has expired.
    fn sweep(&self, base: &Base<K, V>);
}

/// Shards, a power of two of them. One alone, as most caches have, stands where the cache does: a hit follows one pointer
/// less.
pub(crate) enum Shards<K, V, M> {
    One(Lock<Shard<K, V, M>>),
    Many(Box<[Lock<Shard<K, V, M>>]>),
}

impl<K: CacheKey, V: CacheValue, M: Map<K, V>> Shards<K, V, M> {
    pub(crate) fn new(bound: Bound, common: &Common, map: impl Fn(Bound) -> M) -> Self {
        let count = shard_count(bound);
        let shard = |nth| {
            let bound = share(bound, nth, count);
            let shard = Shard::new(map(bound), bound);
            common.add(&shard.counts);
            Lock::new(shard)
        };
        if count == 1 { Self::One(shard(0)) } else { Self::Many((0..count).map(shard).collect()) }
    }

    fn all(&self) -> &[Lock<Shard<K, V, M>>] {
        match self {
            Self::One(shard) => std::slice::from_ref(shard),
            Self::Many(shards) => shards,
        }
    }

    #[inline]
    pub(crate) fn of(&self, hash: u64) -> &Lock<Shard<K, V, M>> {
        // The middle bits: the maps take the low ones for the bucket and the top ones for the tag.
        // Of a mask of a few bits nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        match self {
            Self::One(shard) => shard,
            Self::Many(shards) => &shards[(hash >> 32) as usize & (shards.len() - 1)],
        }
    }

    /// A key's shard, locked. What is removed goes into a bin that was made before, so that it is dropped after the lock.
    #[inline]
    pub(crate) fn take(&self, hash: u64) -> Option<Held<'_, Shard<K, V, M>>> {
        self.of(hash).take()
    }
}

/// One lock up to [`EXACT`] entries and for weights (an entry may weigh as much as the whole cache); beyond that enough
/// that threads seldom meet, and that none is large.
pub(crate) fn shard_count(bound: Bound) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most = (threads * 4).next_power_of_two().min(64);
    match bound {
        Bound::Entries(capacity) if capacity <= EXACT => 1,
        Bound::Entries(capacity) => {
            let for_threads = if threads < MANY { 1 } else { (capacity / EXACT + 1).next_power_of_two().min(most) };
            let for_growth = (capacity / LARGEST).min(1024).next_power_of_two();
            for_threads.max(for_growth)
        }
        Bound::Weight(_) => 1,
        Bound::None => most,
    }
}

/// The part of the bound that a shard keeps: together exactly the whole.
pub(crate) fn share(bound: Bound, nth: usize, count: usize) -> Bound {
    match bound {
        Bound::Entries(capacity) => Bound::Entries(capacity / count + usize::from(nth < capacity % count)),
        other => other,
    }
}

impl<K: CacheKey, V: CacheValue, M: Map<K, V>> Sharded<K, V> for Shards<K, V, M> {
    fn anew(
        &self,
        base: &Base<K, V>,
        find: &FindAny<'_, K>,
        own: &dyn Fn() -> K,
        ask: &Ask<'_, V>,
    ) -> Option<Begun<V>> {
        let mut shard = self.take(find.hash)?;
        Some(shard.begin((find, false), own, ask, &base.rules()))
    }

    fn has(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<bool> {
        let shard = self.take(find.hash)?;
        Some(shard.has(find, &base.rules()))
    }

    fn end(
        &self,
        base: &Base<K, V>,
        at: (u64, u64),
        ending: &mut Ending<V>,
        took: Option<Took>,
        left: &mut Option<Left<V>>,
    ) -> Option<bool> {
        let mut bin = Bin::default();
        let mut shard = self.take(at.0)?;
        let rules = base.rules();
        if let Some(took) = took {
            shard.counts.count_load(took.0, took.1, ending.is_failure());
        }
        Some(shard.end(at, ending, &rules, left, &mut bin))
    }

    fn stale(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<V> {
        let mut shard = self.take(find.hash)?;
        shard.stale(find, &base.rules())
    }

    fn is_worth(&self, base: &Base<K, V>, at: (u64, u64), old: &Worth) -> Option<bool> {
        let shard = self.take(at.0)?;
        Some(shard.is_worth(at, old, &base.rules()))
    }

    fn set(&self, base: &Base<K, V>, at: (u64, K), keep: &mut Keep<V>, tags: Tags) -> Option<()> {
        let mut bin = Bin::default();
        let mut shard = self.take(at.0)?;
        shard.set(at, (keep, tags), &base.rules(), &mut bin);
        Some(())
    }

    fn invalidate(&self, find: &FindAny<'_, K>) -> Option<()> {
        let mut bin = Bin::default();
        let mut shard = self.take(find.hash)?;
        shard.invalidate(find, &mut bin);
        Some(())
    }

    fn forget_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) -> bool {
        let forget = |lock: &Lock<Shard<K, V, M>>, taken: &[(u32, u64)]| {
            let mut bin = Bin::default();
            lock.take().map(|mut shard| shard.forget(taken, &mut bin))
        };
        for lock in self.all() {
            let taken = lock.take().map(|mut shard| shard.fence_where(&mut *chosen));
            if !taken.is_some_and(|taken| taken.chunks(CHUNK).all(|taken| forget(lock, taken).is_some())) {
                return false;
            }
        }
        true
    }

    fn begin_write(&self, find: &FindAny<'_, K>, own: &dyn Fn() -> K) -> Option<u64> {
        let mut shard = self.take(find.hash)?;
        Some(shard.begin_write(find, own))
    }

    fn end_write(&self, base: &Base<K, V>, at: (u64, u64), written: &mut Written<V>) -> Option<()> {
        let mut bin = Bin::default();
        let mut shard = self.take(at.0)?;
        shard.end_write(at, written, &base.rules(), &mut bin);
        Some(())
    }

    fn keys(&self, base: &Base<K, V>) -> Vec<K> {
        let rules = base.rules();
        let mut keys = Vec::new();
        for lock in self.all() {
            if let Some(shard) = lock.take() {
                keys.append(&mut shard.keys(&rules));
            }
        }
        keys
    }

    fn drain(&self) {
        for lock in self.all() {
            let mut left = lock.take().map_or(0, |shard| shard.len());
            while left > 0 {
                let mut bin = Bin::default();
                let budget = left.min(CHUNK);
                let Some(mut shard) = lock.take() else { break };
                shard.drain(budget, &mut bin);
                left -= budget;
            }
        }
    }

    fn sweep(&self, base: &Base<K, V>) {
        let rules = base.rules();
        let budget = (CHUNK, CHUNK / BLOCK as usize);
        for lock in self.all() {
            // The lock is released between.
            let some = || {
                let mut bin = Bin::default();
                lock.take().is_some_and(|mut shard| shard.sweep(&rules, budget, &mut bin))
            };
            while some() {}
        }
    }
}
