//! A cache that all threads share: shards behind locks, and for SIEVE a table that hits read without one. Must never
//! drop a user's value under a lock.

use super::bin::{Bin, drop_quietly};
use super::common::Common;
use super::entry::{Find, Same};
use super::expiry::BLOCK;
use super::gate::{Ask, Left, Purpose};
use super::lock::{self, Held, Lock};
use super::lru::LruMap;
use super::map::Map;
use super::outside::Written;
use super::settings::Settings;
use super::shard::{Begun, Bound, Ending, Keep, Shard, Worth};
use super::sieve::{self, Growth, SieveMap, Table};
use super::stripes::Stripes;
use crate::builder::{Coalesce, Eviction};
use crate::glob::Glob;
use crate::key::{CacheKey, View};
use crate::matching::Matching;
use crate::outcome::CacheValue;
use crate::stats::Stats;
use crate::store::{Engine, Took};
use crate::sync::{AtomicBool, Ordering};
use crate::tags::Tags;
use crate::watchdog::Sweep;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::Duration;

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

/// A cache that all threads share.
pub struct MemoryCache<K, V> {
    settings: Settings<K, V>,
    common: Common,
    /// There are entries that were forgotten and not freed.
    dirty: AtomicBool,
    kind: Kind<K, V>,
}

enum Kind<K, V> {
    Lru(Shards<K, V, LruMap<K, V>>),
    Sieve(Arc<Table<K, V>>, Shards<K, V, SieveMap<K, V>>),
}

/// Shards, a power of two of them. One alone, as most caches have, stands where the cache does: a hit follows one pointer
/// less.
enum Shards<K, V, M> {
    One(Lock<Shard<K, V, M>>),
    Many(Box<[Lock<Shard<K, V, M>>]>),
}

impl<K: CacheKey, V: CacheValue, M: Map<K, V>> Shards<K, V, M> {
    fn new(bound: Bound, common: &Common, map: impl Fn(Bound) -> M) -> Self {
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
    fn of(&self, hash: u64) -> &Lock<Shard<K, V, M>> {
        // The middle bits: the maps take the low ones for the bucket and the top ones for the tag.
        // Of a mask of a few bits nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        match self {
            Self::One(shard) => shard,
            Self::Many(shards) => &shards[(hash >> 32) as usize & (shards.len() - 1)],
        }
    }

    /// Runs `f` on a key's shard; what it removes is dropped after the lock.
    #[inline]
    fn with<R>(&self, hash: u64, f: impl FnOnce(&mut Shard<K, V, M>, &mut Bin<M::Dead>) -> R) -> Option<R> {
        let mut bin = Bin::default();
        self.of(hash).with(|shard| f(shard, &mut bin))
    }

    /// Runs `f` on each shard again and again, until it says that the shard is done; the lock is released between.
    fn each(&self, mut f: impl FnMut(&mut Shard<K, V, M>, &mut Bin<M::Dead>) -> bool) {
        for lock in self.all() {
            loop {
                let mut bin = Bin::default();
                if lock.with(|shard| f(shard, &mut bin)) != Some(false) {
                    break;
                }
            }
        }
    }
}

/// One lock up to [`EXACT`] entries and for weights (an entry may weigh as much as the whole cache); beyond that enough
/// that threads seldom meet, and that none is large.
fn shard_count(bound: Bound) -> usize {
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
fn share(bound: Bound, nth: usize, count: usize) -> Bound {
    match bound {
        Bound::Entries(capacity) => Bound::Entries(capacity / count + usize::from(nth < capacity % count)),
        other => other,
    }
}

/// Runs the same code on whichever kind of shards there are. For SIEVE a guard is held from before the lock until after
/// it; `else` is for a thread that can't have one any more: see `sieve`.
macro_rules! on_shards {
    ($cache:expr, |$shards:ident| $body:expr, else $otherwise:expr) => {
        match &$cache.kind {
            Kind::Lru($shards) => $body,
            Kind::Sieve(table, $shards) => match sieve::pin(table) {
                Some(_pin) => $body,
                None => $otherwise,
            },
        }
    };
}

impl<K: CacheKey, V: CacheValue> MemoryCache<K, V> {
    pub(crate) fn new(settings: Settings<K, V>, mut common: Common, eviction: Eviction) -> Arc<Self> {
        let bound = settings.bound;
        // Without a bound nothing is evicted: the lock-free table is the better map, whatever the eviction.
        let kind = if eviction == Eviction::Lru && bound != Bound::None {
            Kind::Lru(Shards::new(bound, &common, |bound| LruMap::new(bound.entries())))
        } else {
            common.stripes = Some(Box::<Stripes>::default());
            let table = Arc::new(sieve::table());
            let count = shard_count(bound);
            let growth = Arc::new(Growth::new(count, share(bound, 0, count).entries()));
            let shards = Shards::new(bound, &common, |_| SieveMap::new(Arc::clone(&table), Arc::clone(&growth)));
            Kind::Sieve(table, shards)
        };
        Arc::new(Self { settings, common, dirty: AtomicBool::new(false), kind })
    }

    /// Has itself swept, from when something in it can expire.
    pub(crate) fn when_timed(&self, me: Weak<dyn Sweep>) {
        self.settings.times.when_timed(me);
    }

    /// Forgets everything.
    fn clear_all(&self) {
        // From here on no entry counts. What follows only frees memory, and may take its time.
        self.common.mark_cleared();
        self.drain();
    }

    /// Forgets everything where there is no time to free it: the next load that ends does.
    fn forget_all(&self) {
        self.common.mark_cleared();
        self.dirty.store(true, Ordering::Relaxed);
    }

    /// Frees what is there, a bounded number of entries for each hold of a lock.
    fn drain(&self) {
        on_shards!(self, |shards| {
            for lock in shards.all() {
                let mut left = lock.with(|shard| shard.len()).unwrap_or(0);
                while left > 0 {
                    let mut bin = Bin::default();
                    let budget = left.min(CHUNK);
                    if lock.with(|shard| shard.drain(budget, &mut bin)).is_none() {
                        break;
                    }
                    left -= budget;
                }
            }
        }, else ());
    }

    /// Forgets what `chosen` says yes to, shard by shard; `false` if this thread may not wait for one of the locks.
    ///
    /// A shard's loads are fenced and its entries looked at in one hold of its lock, so what is stored later was begun
    /// later. The removals are short and many, with the lock released between them.
    fn forget_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) -> bool {
        on_shards!(self, |shards| shards.all().iter().all(|lock| {
            let taken = lock.with(|shard| shard.fence_where(&mut *chosen));
            taken.is_some_and(|taken| taken.chunks(CHUNK).all(|taken| {
                let mut bin = Bin::default();
                lock.with(|shard| shard.forget(taken, &mut bin)).is_some()
            }))
        }), else false)
    }

    /// A load ends in its shard.
    fn end_in<M: Map<K, V>>(
        &self,
        shards: &Shards<K, V, M>,
        at: (u64, u64),
        ending: &mut Ending<V>,
        took: Option<Took>,
        left: &mut Option<Left<V>>,
    ) -> bool {
        let end = shards.with(at.0, |shard, bin| {
            let rules = self.settings.rules(self.common.floor());
            if let Some(took) = took {
                shard.counts.count_load(took.0, took.1, ending.is_failure());
            }
            shard.end(at, ending, &rules, left, bin)
        });
        end.unwrap_or(false)
    }

    /// Frees what has expired.
    fn sweep_all(&self) {
        let rules = self.settings.rules(self.common.floor());
        let budget = (CHUNK, CHUNK / BLOCK as usize);
        on_shards!(self, |shards| shards.each(|shard, bin| !shard.sweep(&rules, budget, bin)), else ());
    }
}

impl<K: CacheKey, V: CacheValue> Sweep for MemoryCache<K, V> {
    fn sweep(&self) {
        if self.settings.times.any() {
            self.sweep_all();
        }
    }
}

impl<K: CacheKey, V: CacheValue> crate::registry::Listed for MemoryCache<K, V> {
    fn name(&self) -> &str {
        self.common.name()
    }

    fn stats(&self) -> Stats {
        self.common.stats()
    }

    fn backend(&self) -> &'static str {
        "memory"
    }

    fn clear(&self) {
        self.clear_all();
    }

    fn forget_matching(&self, glob: &Glob) {
        let Some(text) = self.settings.text else { return };
        let mut matching = Matching::new(glob, text);
        if !self.forget_where(&mut |key, _| matching.takes(key)) {
            self.forget_all();
        }
    }
}

/// The shard of a look-up that was no hit, still locked, and whether there is an entry of the key which may not be served;
/// nothing where hits take no lock.
pub struct Open<'e, K, V>(Option<(HeldLru<'e, K, V>, bool)>);

type HeldLru<'e, K, V> = Held<'e, Shard<K, V, LruMap<K, V>>>;

impl<K: CacheKey, V: CacheValue> Engine<K, V> for Arc<MemoryCache<K, V>> {
    type Held<'e> = Open<'e, K, V>;

    #[inline]
    fn hash<P: View<Owned = K>>(&self, view: &P) -> u64 {
        self.settings.hash(|hasher| view.feed(hasher))
    }

    fn hash_key<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.settings.hash_key(key)
    }

    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn hit<'e, P: Same<K>>(&'e self, find: &Find<'_, P>) -> Result<V, Open<'e, K, V>> {
        if lock::is_held() {
            return Err(Open(None));
        }
        match &self.kind {
            Kind::Lru(shards) => {
                let mut shard = shards.of(find.hash).wait();
                let found = shard.hit(find, Purpose::Call, &self.settings.rules(self.common.floor()));
                found.map_err(|there| Open(Some((shard, there))))
            }
            Kind::Sieve(table, _) => self.read_table(table, find, Purpose::Call).ok_or(Open(None)),
        }
    }

    fn begin<'a, P: Same<K>>(
        &self,
        Open(held): Open<'_, K, V>,
        find: &Find<'_, P>,
        own: impl FnOnce() -> K,
        ask: impl FnOnce() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        match held {
            Some(held) => Some(self.begin_lru(held, find, own, ask)),
            None => self.look(find, Purpose::Call, own, ask),
        }
    }

    fn look<'a, P: Same<K>>(
        &self,
        find: &Find<'_, P>,
        purpose: Purpose,
        own: impl FnOnce() -> K,
        ask: impl FnOnce() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        // Inside of a key's or value's own code there may be no load: it could not be sure of the lock when it ends, and
        // others would wait for it.
        if lock::is_held() {
            return self.read(find).map(Begun::Hit);
        }
        match &self.kind {
            Kind::Lru(shards) => {
                let mut shard = shards.of(find.hash).wait();
                Some(match shard.hit(find, purpose, &self.settings.rules(self.common.floor())) {
                    Ok(value) => Begun::Hit(value),
                    Err(there) => self.begin_lru((shard, there), find, own, ask),
                })
            }
            Kind::Sieve(table, shards) => self.look_sieve(table, shards.of(find.hash), find, purpose, own, ask),
        }
    }

    fn anew<P: Same<K>>(&self, find: &Find<'_, P>, own: impl FnOnce() -> K, ask: &Ask<'_, V>) -> Option<Begun<V>> {
        if lock::is_held() {
            return None;
        }
        let rules = || self.settings.rules(self.common.floor());
        match &self.kind {
            Kind::Lru(shards) => shards.of(find.hash).with(|shard| shard.begin((find, false), own, ask, &rules())),
            Kind::Sieve(table, shards) => {
                let pin = sieve::pin(table)?;
                let begun = shards.of(find.hash).with(|shard| shard.begin((find, false), own, ask, &rules()))?;
                let _inside = begun.inside();
                drop_quietly(pin);
                Some(begun)
            }
        }
    }

    fn read<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        if let Kind::Sieve(table, _) = &self.kind
            && !lock::is_held()
            && let Some(value) = self.read_table(table, find, Purpose::Call)
        {
            return Some(value);
        }
        on_shards!(self, |shards| shards.with(find.hash, |shard, _| {
            shard.read(find, &self.settings.rules(self.common.floor()))
        }), else None)
        .flatten()
    }

    fn has<P: Same<K>>(&self, find: &Find<'_, P>) -> bool {
        on_shards!(self, |shards| shards.with(find.hash, |shard, _| {
            shard.has(find, &self.settings.rules(self.common.floor()))
        }), else None)
        .unwrap_or(false)
    }

    fn end(&self, at: (u64, u64), ending: &mut Ending<V>, took: Option<Took>, left: &mut Option<Left<V>>) -> bool {
        // Before this load stores anything: what is drained goes whatever its age.
        if self.dirty.load(Ordering::Relaxed) && self.dirty.swap(false, Ordering::Relaxed) {
            self.drain();
        }
        match &self.kind {
            Kind::Lru(shards) => self.end_in(shards, at, ending, took, left),
            Kind::Sieve(table, shards) => match sieve::pin(table) {
                Some(_pin) => self.end_in(shards, at, ending, took, left),
                // A future that was begun outside of a lock and is polled under one, inside a value's `Clone`, say. If
                // it does not get its own lock here, its waiters end by their bound.
                None if lock::is_held() => self.end_in(shards, at, ending, took, left),
                // This thread is about to end, and its thread-locals held the load. Those who wait must be told.
                None => std::thread::scope(|scope| {
                    let end = || {
                        let _pin = sieve::pin(table);
                        self.end_in(shards, at, ending, took, left)
                    };
                    // Without a thread to be had, the waiters end by their bound.
                    let thread = std::thread::Builder::new().spawn_scoped(scope, end);
                    thread.is_ok_and(|thread| thread.join().unwrap_or(false))
                }),
            },
        }
    }

    fn stale<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        on_shards!(self, |shards| shards.with(find.hash, |shard, _| {
            shard.stale(find, &self.settings.rules(self.common.floor()))
        }), else None)
        .flatten()
    }

    fn is_worth(&self, at: (u64, u64), old: &Worth) -> bool {
        on_shards!(self, |shards| shards.with(at.0, |shard, _| {
            shard.is_worth(at, old, &self.settings.rules(self.common.floor()))
        }), else None)
        .unwrap_or(false)
    }

    fn has_stale(&self) -> bool {
        self.settings.times.policy.has_stale()
    }

    fn soft_timeout(&self) -> Option<Duration> {
        self.settings.soft_timeout
    }

    fn set(&self, (hash, key): (u64, K), (value, ttl, tags): (V, Option<Duration>, Tags)) {
        let mut keep = Keep::given(value, ttl);
        let set = on_shards!(self, |shards| shards.with(hash, |shard, bin| {
            shard.set((hash, key), (&mut keep, tags), &self.settings.rules(self.common.floor()), bin);
        }), else None);
        drop_quietly(keep);
        if set.is_none() {
            // It can't be stored now, but what was there must not be served any more.
            self.forget_all();
        }
    }

    fn invalidate<P: Same<K>>(&self, find: &Find<'_, P>) {
        let done = on_shards!(self, |shards| shards.with(find.hash, |shard, bin| {
            shard.invalidate(find, bin);
        }), else None);
        if done.is_none() {
            // Too much rather than nothing: an invalidation is never lost.
            self.forget_all();
        }
    }

    fn invalidate_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) {
        if !self.forget_where(chosen) {
            self.forget_all();
        }
    }

    fn begin_write<P: Same<K>>(&self, find: &Find<'_, P>, own: impl FnOnce() -> K) -> Option<u64> {
        if lock::is_held() {
            return None;
        }
        on_shards!(self, |shards| shards.with(find.hash, |shard, _| shard.begin_write(find, own)), else None)
    }

    fn end_write(&self, at: (u64, u64), mut written: Written<V>) {
        let done = on_shards!(self, |shards| shards.with(at.0, |shard, bin| {
            shard.end_write(at, &mut written, &self.settings.rules(self.common.floor()), bin);
        }), else None);
        drop_quietly(written);
        if done.is_none() {
            self.forget_all();
        }
    }

    fn clear(&self) {
        self.clear_all();
    }

    fn keys(&self) -> Vec<K> {
        let rules = self.settings.rules(self.common.floor());
        let mut keys = Vec::new();
        on_shards!(self, |shards| shards.each(|shard, _| {
            keys.append(&mut shard.keys(&rules));
            true
        }), else ());
        keys
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn coalesce(&self) -> Coalesce {
        self.settings.coalesce
    }
}

impl<K: CacheKey, V: CacheValue> MemoryCache<K, V> {
    /// What is left to do under the lock after a look-up found nothing to serve.
    #[expect(clippy::inline_always, reason = "what it gives goes straight into the miss")]
    #[inline(always)]
    fn begin_lru<'a, P: Same<K>>(
        &self,
        (shard, there): (HeldLru<'_, K, V>, bool),
        find: &Find<'_, P>,
        own: impl FnOnce() -> K,
        ask: impl FnOnce() -> Ask<'a, V>,
    ) -> Begun<V>
    where
        V: 'a,
    {
        let (ask, rules) = (ask(), self.settings.rules(self.common.floor()));
        if !there {
            // Nothing is removed here.
            let mut shard = shard;
            return shard.begin((find, true), own, &ask, &rules);
        }
        // In this order, so that a panic of the user's code releases the lock before what was removed is dropped.
        let mut bin = Bin::default();
        let mut shard = shard;
        let begun = shard.aged(find, own, &ask, &rules, &mut bin);
        drop(shard);
        bin.empty(&begun);
        begun
    }

    /// A look-up for SIEVE, whose hits take no lock.
    fn look_sieve<'a, P: Same<K>>(
        &self,
        table: &Table<K, V>,
        lock: &Lock<Shard<K, V, SieveMap<K, V>>>,
        find: &Find<'_, P>,
        purpose: Purpose,
        own: impl FnOnce() -> K,
        ask: impl FnOnce() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        let pin = sieve::pin(table)?;
        let mut shard = lock.wait();
        let rules = self.settings.rules(self.common.floor());
        let begun = match shard.hit(find, purpose, &rules) {
            Ok(value) => return Some(Begun::Hit(value)),
            Err(there) => shard.miss((find, there), own, &ask(), &rules, &mut Bin::default()),
        };
        drop(shard);
        let _inside = begun.inside();
        // Kept: a panic here would lose the load that has just begun.
        drop_quietly(pin);
        Some(begun)
    }

    /// A hit without a lock, by a thread that holds none.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn read_table<P: Same<K>>(&self, table: &Table<K, V>, find: &Find<'_, P>, purpose: Purpose) -> Option<V> {
        let value = sieve::read(table, find, |entry| {
            // Read after the entry: a call that starts after a `clear` sees its ticket.
            let rules = self.settings.rules(self.common.floor());
            if rules.serves(entry) { Some(entry.value.clone()) } else { None }
        })?;
        if let (Some(stripes), Purpose::Call) = (&self.common.stripes, purpose) {
            stripes.count();
        }
        Some(value)
    }
}
