//! A cache that all threads share: shards behind locks, or a table that hits read without one. Must never drop a user's
//! value under a lock.

use super::bin::{Bin, drop_quietly};
use super::common::Common;
use super::entry::{Find, Same, Whichever};
use super::gate::{Ask, Purpose};
use super::loads::Left;
use super::lock::{self, Held};
use super::lock_free::{LockFree, SieveShards, read_table};
use super::lru::LruMap;
use super::outside::Written;
use super::settings::Settings;
use super::shard::{Begun, Ending, Keep, Shard, Worth};
use super::shards::{Base, FindAny, Sharded, Shards};
use super::sieve::Table;
use super::stripes::Stripes;
use crate::builder::Coalesce;
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

/// A cache that all threads share.
pub struct MemoryCache<K, V> {
    pub(crate) base: Base<K, V>,
    /// There are entries that were forgotten and not freed.
    dirty: AtomicBool,
    kind: Kind<K, V>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly every cache is the large one, and a hit follows one pointer less"
)]
enum Kind<K, V> {
    Lru(Shards<K, V, LruMap<K, V>>),
    /// Not by its type: whoever builds only the other kind compiles nothing of this one.
    Sieve(Box<dyn LockFree<K, V>>),
}

/// Asks the same of whichever kind of shards there are.
macro_rules! on_shards {
    ($cache:expr, |$shards:ident| $body:expr) => {
        match &$cache.kind {
            Kind::Lru($shards) => $body,
            Kind::Sieve($shards) => $body,
        }
    };
}

impl<K: CacheKey, V: CacheValue> MemoryCache<K, V> {
    /// The one whose hits take a lock, and note the order of use.
    pub(crate) fn lru(settings: Settings<K, V>, common: Common) -> Arc<Self> {
        let bound = settings.bound;
        let shards = Shards::new(bound, &common, |bound| LruMap::new(bound.entries()));
        let base = Base { settings, common };
        Arc::new(Self { base, dirty: AtomicBool::new(false), kind: Kind::Lru(shards) })
    }

    /// The one whose hits take no lock, and its table.
    pub(crate) fn lock_free(settings: Settings<K, V>, mut common: Common) -> (Arc<Self>, Arc<Table<K, V>>) {
        common.stripes = Some(Box::<Stripes>::default());
        let base = Base { settings, common };
        let shards = SieveShards::new(&base);
        let table = Arc::clone(shards.table());
        (Arc::new(Self { base, dirty: AtomicBool::new(false), kind: Kind::Sieve(Box::new(shards)) }), table)
    }

    /// Has itself swept, from when something in it can expire.
    pub(crate) fn when_timed(&self, me: Weak<dyn Sweep>) {
        self.base.settings.times.when_timed(me);
    }

    /// Forgets everything.
    fn clear_all(&self) {
        // From here on no entry counts. What follows only frees memory, and may take its time.
        self.base.common.mark_cleared();
        on_shards!(self, |shards| shards.drain());
    }

    /// Forgets everything where there is no time to free it: the next load that ends does.
    fn forget_all(&self) {
        self.base.common.mark_cleared();
        self.dirty.store(true, Ordering::Relaxed);
    }

    /// Forgets what `chosen` says yes to; `false` if this thread may not wait for one of the locks.
    fn forget_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) -> bool {
        on_shards!(self, |shards| shards.forget_where(chosen))
    }
}

impl<K: CacheKey, V: CacheValue> Sweep for MemoryCache<K, V> {
    fn sweep(&self) {
        if self.base.settings.times.any() {
            on_shards!(self, |shards| shards.sweep(&self.base));
        }
    }
}

impl<K: CacheKey, V: CacheValue> crate::registry::Listed for MemoryCache<K, V> {
    fn name(&self) -> &str {
        self.base.common.name()
    }

    fn stats(&self) -> Stats {
        self.base.common.stats()
    }

    fn backend(&self) -> &'static str {
        "memory"
    }

    fn clear(&self) {
        self.clear_all();
    }

    fn forget_matching(&self, glob: &Glob) {
        let Some(text) = self.base.settings.text else { return };
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
        self.base.settings.hash(|hasher| view.feed(hasher))
    }

    fn hash_key<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.base.settings.hash_key(key)
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
                let found = shard.hit(find, Purpose::Call, &self.base.rules());
                found.map_err(|there| Open(Some((shard, there))))
            }
            Kind::Sieve(shards) => hit_lock_free(&**shards, &self.base, find).ok_or(Open(None)),
        }
    }

    fn begin<'a, P: Same<K>>(
        &self,
        Open(held): Open<'_, K, V>,
        find: &Find<'_, P>,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        let Some(held) = held else {
            // Not the usual way: as trait objects, so that it is compiled once for each cache's types.
            let (own, ask): (&dyn Fn() -> K, &dyn Fn() -> Ask<'a, V>) = (&own, &ask);
            return self.look(&any(find, &Whichever(find.view)), Purpose::Call, own, ask);
        };
        Some(self.begin_lru(held, find, own, ask))
    }

    fn look<'a, P: Same<K>>(
        &self,
        find: &Find<'_, P>,
        purpose: Purpose,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
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
                Some(match shard.hit(find, purpose, &self.base.rules()) {
                    Ok(value) => Begun::Hit(value),
                    Err(there) => self.begin_lru((shard, there), find, own, ask),
                })
            }
            Kind::Sieve(shards) => shards.look(&self.base, &any(find, &Whichever(find.view)), purpose, &own, &ask),
        }
    }

    fn anew<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K, ask: &Ask<'_, V>) -> Option<Begun<V>> {
        if lock::is_held() {
            return None;
        }
        let view = Whichever(find.view);
        let find = any(find, &view);
        on_shards!(self, |shards| shards.anew(&self.base, &find, &own, ask))
    }

    fn read<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        match &self.kind {
            Kind::Lru(shards) => shards.take(find.hash)?.read(find, &self.base.rules()),
            Kind::Sieve(shards) => {
                let found = if lock::is_held() { None } else { hit_lock_free(&**shards, &self.base, find) };
                found.or_else(|| shards.read(&self.base, &any(find, &Whichever(find.view))))
            }
        }
    }

    fn has<P: Same<K>>(&self, find: &Find<'_, P>) -> bool {
        let view = Whichever(find.view);
        let find = any(find, &view);
        on_shards!(self, |shards| shards.has(&self.base, &find)).unwrap_or(false)
    }

    fn end(&self, at: (u64, u64), ending: &mut Ending<V>, took: Option<Took>, left: &mut Option<Left<V>>) -> bool {
        // Before this load stores anything: what is drained goes whatever its age.
        if self.dirty.load(Ordering::Relaxed) && self.dirty.swap(false, Ordering::Relaxed) {
            on_shards!(self, |shards| shards.drain());
        }
        on_shards!(self, |shards| shards.end(&self.base, at, ending, took, left)).unwrap_or(false)
    }

    fn stale<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        let view = Whichever(find.view);
        let find = any(find, &view);
        on_shards!(self, |shards| shards.stale(&self.base, &find))
    }

    fn is_worth(&self, at: (u64, u64), old: &Worth) -> bool {
        on_shards!(self, |shards| shards.is_worth(&self.base, at, old)).unwrap_or(false)
    }

    fn has_stale(&self) -> bool {
        self.base.settings.times.policy.has_stale()
    }

    fn soft_timeout(&self) -> Option<Duration> {
        self.base.settings.soft_timeout
    }

    fn set(&self, at: (u64, K), (value, ttl, tags): (V, Option<Duration>, Tags)) {
        let mut keep = Keep::given(value, ttl);
        let set = on_shards!(self, |shards| shards.set(&self.base, at, &mut keep, tags));
        drop_quietly(keep);
        if set.is_none() {
            // It can't be stored now, but what was there must not be served any more.
            self.forget_all();
        }
    }

    fn invalidate<P: Same<K>>(&self, find: &Find<'_, P>) {
        let view = Whichever(find.view);
        let find = any(find, &view);
        if on_shards!(self, |shards| shards.invalidate(&find)).is_none() {
            // Too much rather than nothing: an invalidation is never lost.
            self.forget_all();
        }
    }

    fn invalidate_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) {
        if !self.forget_where(chosen) {
            self.forget_all();
        }
    }

    fn begin_write<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K) -> Option<u64> {
        if lock::is_held() {
            return None;
        }
        let view = Whichever(find.view);
        let find = any(find, &view);
        on_shards!(self, |shards| shards.begin_write(&find, &own))
    }

    fn end_write(&self, at: (u64, u64), mut written: Written<V>) {
        let done = on_shards!(self, |shards| shards.end_write(&self.base, at, &mut written));
        drop_quietly(written);
        if done.is_none() {
            self.forget_all();
        }
    }

    fn clear(&self) {
        self.clear_all();
    }

    fn keys(&self) -> Vec<K> {
        on_shards!(self, |shards| shards.keys(&self.base))
    }

    fn common(&self) -> &Common {
        &self.base.common
    }

    fn coalesce(&self) -> Coalesce {
        self.base.settings.coalesce
    }
}

/// The same to look for, by whatever it is.
fn any<'a, K, P>(find: &Find<'_, P>, view: &'a Whichever<'a, K>) -> FindAny<'a, K> {
    Find { hash: find.hash, view }
}

/// A hit without a lock in a cache that is known by a handle alone. Apart, so that a function whose own cache is LRU has but
/// a call here, and by the key's own type all the same: comparisons through a trait object took a third of a hit.
#[inline(never)]
fn hit_lock_free<K, V, P>(shards: &dyn LockFree<K, V>, base: &Base<K, V>, find: &Find<'_, P>) -> Option<V>
where
    K: CacheKey,
    V: CacheValue,
    P: Same<K>,
{
    read_table(shards.table(), base, find)
}

impl<K: CacheKey, V: CacheValue> MemoryCache<K, V> {
    /// What is left to do under the lock after a look-up found nothing to serve.
    #[expect(clippy::inline_always, reason = "what it gives goes straight into the miss")]
    #[inline(always)]
    fn begin_lru<'a, P: Same<K>>(
        &self,
        (shard, there): (HeldLru<'_, K, V>, bool),
        find: &Find<'_, P>,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
    ) -> Begun<V>
    where
        V: 'a,
    {
        let (ask, rules) = (ask(), self.base.rules());
        if !there {
            // Nothing is removed here.
            let mut shard = shard;
            return shard.begin((find, true), own, &ask, &rules);
        }
        // In this order, so that a panic of the user's code releases the lock before what was removed is dropped.
        let mut bin = Bin::default();
        let mut shard = shard;
        let own: &dyn Fn() -> K = &own;
        let begun = shard.aged(&any(find, &Whichever(find.view)), own, &ask, &rules, &mut bin);
        drop(shard);
        bin.empty(&begun);
        begun
    }
}
