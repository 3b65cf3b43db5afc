//! A cache of one thread: a shard in a `RefCell`, no lock. Must never be reached from another thread; what threads share
//! (when it was cleared, the counters) is [`Common`].

use super::bin::{Bin, drop_quietly};
use super::common::{Common, Floor};
use super::entry::{Entry, Find, Same};
use super::gate::{Ask, Purpose};
use super::loads::Left;
use super::lock::{self, Holding};
use super::lru::LruMap;
use super::outside::Written;
use super::settings::Settings;
use super::shard::{Begun, Ending, Keep, Shard, Worth};
use crate::builder::Coalesce;
use crate::key::View;
use crate::store::{Engine, Took};
use crate::tags::Tags;
use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A cache of one thread.
pub struct LocalCache<K, V> {
    settings: Settings<K, V>,
    common: Arc<Common>,
    /// The clear that this thread has freed the memory of.
    seen: Cell<u64>,
    /// So many calls until one sweeps.
    turns: Cell<u32>,
    /// Takes all entries out. A pointer, since `Drop` can't have the bounds that it takes.
    empty: Empty<K, V>,
    shard: RefCell<Shard<K, V, LruMap<K, V>>>,
}

type Dead<K, V> = (K, Entry<V>);
type Empty<K, V> = fn(&mut Shard<K, V, LruMap<K, V>>, &mut Bin<Dead<K, V>>);

/// A thread's expired entries can be freed by nobody else: one call in so many frees a few.
const SWEEP_EVERY: u32 = 64;
/// It looks at so many blocks, and frees those of so many.
const SWEEP: (usize, usize) = (64, 1);

impl<K: Eq + Clone, V: Clone> LocalCache<K, V> {
    pub(crate) fn new(settings: Settings<K, V>, common: Arc<Common>) -> Rc<Self> {
        let shard = Shard::new(LruMap::new(settings.bound.entries()), settings.bound);
        common.add(&shard.counts);
        let seen = Cell::new(common.floor().cleared);
        let empty = |shard: &mut Shard<_, _, LruMap<_, _>>, bin: &mut Bin<_>| shard.drain(usize::MAX, bin);
        Rc::new(Self { settings, common, seen, turns: Cell::new(0), empty, shard: RefCell::new(shard) })
    }

    /// Runs `f` on the shard; what it removes is dropped after the borrow. `None` if this very thread is in the middle
    /// of something here: a key's or value's own code calls the function again.
    fn with<R>(&self, f: impl FnOnce(&mut Shard<K, V, LruMap<K, V>>, Floor, &mut Bin<Dead<K, V>>) -> R) -> Option<R> {
        self.with_bin(&mut Bin::default(), f)
    }

    /// A call's hit. Nothing if there is something else to be done besides.
    ///
    /// It takes the borrow, and no part in the account of held locks (`lock`): no other thread can wait for this shard, so
    /// the key's and value's own code (`Eq`, `Clone`) may wait and load. Should it come back here, it finds the borrow taken
    /// and goes past the cache. (In a hit that sweeps, that somebody listens to, or that is a look-up by hand, it goes past
    /// all caches, as elsewhere.)
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn hit<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        let floor = self.common.floor();
        if self.seen.get() < floor.cleared || self.settings.times.any() && !self.is_plain_turn() {
            return None;
        }
        self.shard.try_borrow_mut().ok()?.hit(find, Purpose::Call, &self.settings.rules(floor)).ok()
    }

    /// Counts a call, unless it is one of those that sweep.
    #[inline]
    fn is_plain_turn(&self) -> bool {
        let left = self.turns.get();
        self.turns.set(left.saturating_sub(1));
        left > 0
    }

    /// The same, with what it removes left to the caller.
    #[inline]
    fn with_bin<R>(
        &self,
        bin: &mut Bin<Dead<K, V>>,
        f: impl FnOnce(&mut Shard<K, V, LruMap<K, V>>, Floor, &mut Bin<Dead<K, V>>) -> R,
    ) -> Option<R> {
        let mut shard = self.shard.try_borrow_mut().ok()?;
        let _holding = Holding::begin();
        let floor = self.common.floor();
        if self.seen.get() < floor.cleared {
            // Another thread has cleared the function: what this thread holds is dead, and nobody else can free it.
            self.seen.set(floor.cleared);
            shard.drain(usize::MAX, bin);
        }
        if self.settings.times.any() && !self.is_plain_turn() {
            self.turns.set(SWEEP_EVERY);
            shard.sweep(&self.settings.rules(floor), SWEEP, bin);
        }
        Some(f(&mut shard, floor, bin))
    }
}

impl<K, V> Drop for LocalCache<K, V> {
    fn drop(&mut self) {
        let mut bin = Bin::default();
        let shard = self.shard.get_mut();
        // Into a bin, which keeps the panics of the values' own drops: here the thread may be ending, and one would abort.
        (self.empty)(shard, &mut bin);
        self.common.retire(&shard.counts);
    }
}

impl<K: Hash + Eq + Clone + 'static, V: Clone + 'static> Engine<K, V> for Rc<LocalCache<K, V>> {
    type Held<'e> = ();

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
    fn hit<P: Same<K>>(&self, find: &Find<'_, P>) -> Result<V, ()> {
        LocalCache::hit(self, find).ok_or(())
    }

    fn begin<'a, P: Same<K>>(
        &self,
        (): (),
        find: &Find<'_, P>,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        self.look(find, Purpose::Call, own, ask)
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
        if lock::is_held() {
            return self.read(find).map(Begun::Hit);
        }
        let mut bin = Bin::default();
        let begun = self.with_bin(&mut bin, |shard, floor, bin| {
            let rules = self.settings.rules(floor);
            match shard.hit(find, purpose, &rules) {
                Ok(value) => Begun::Hit(value),
                Err(there) => shard.miss((find, there), own, &ask(), &rules, bin),
            }
        })?;
        bin.empty(&begun);
        Some(begun)
    }

    fn anew<P: Same<K>>(&self, find: &Find<'_, P>, own: impl FnOnce() -> K, ask: &Ask<'_, V>) -> Option<Begun<V>> {
        if lock::is_held() {
            return None;
        }
        let mut bin = Bin::default();
        let begun = self
            .with_bin(&mut bin, |shard, floor, _| shard.begin((find, false), own, ask, &self.settings.rules(floor)))?;
        bin.empty(&begun);
        Some(begun)
    }

    fn read<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        self.with(|shard, floor, _| shard.read(find, &self.settings.rules(floor))).flatten()
    }

    fn has<P: Same<K>>(&self, find: &Find<'_, P>) -> bool {
        self.with(|shard, floor, _| shard.has(find, &self.settings.rules(floor))).unwrap_or(false)
    }

    fn end(&self, at: (u64, u64), ending: &mut Ending<V>, took: Option<Took>, left: &mut Option<Left<V>>) -> bool {
        let end = self.with(|shard, floor, bin| {
            if let Some(took) = took {
                shard.counts.count_load(took.0, took.1, ending.is_failure());
            }
            shard.end(at, ending, &self.settings.rules(floor), left, bin)
        });
        end.unwrap_or(false)
    }

    fn stale<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        self.with(|shard, cleared, _| shard.stale(find, &self.settings.rules(cleared))).flatten()
    }

    fn is_worth(&self, at: (u64, u64), old: &Worth) -> bool {
        self.with(|shard, cleared, _| shard.is_worth(at, old, &self.settings.rules(cleared))).unwrap_or(false)
    }

    fn has_stale(&self) -> bool {
        self.settings.times.policy.has_stale()
    }

    fn soft_timeout(&self) -> Option<Duration> {
        self.settings.soft_timeout
    }

    fn set(&self, at: (u64, K), (value, ttl, tags): (V, Option<Duration>, Tags)) {
        let mut keep = Keep::given(value, ttl);
        let set = self.with(|shard, floor, bin| shard.set(at, (&mut keep, tags), &self.settings.rules(floor), bin));
        drop_quietly(keep);
        if set.is_none() {
            self.common.mark_cleared();
        }
    }

    fn invalidate<P: Same<K>>(&self, find: &Find<'_, P>) {
        if self.with(|shard, _, bin| shard.invalidate(find, bin)).is_none() {
            self.common.mark_cleared();
        }
    }

    fn invalidate_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) {
        let done = self.with(|shard, _, bin| {
            let taken = shard.fence_where(chosen);
            shard.forget(&taken, bin);
        });
        if done.is_none() {
            self.common.mark_cleared();
        }
    }

    fn begin_write<P: Same<K>>(&self, find: &Find<'_, P>, own: impl FnOnce() -> K) -> Option<u64> {
        if lock::is_held() {
            return None;
        }
        self.with(|shard, _, _| shard.begin_write(find, own))
    }

    fn end_write(&self, at: (u64, u64), mut written: Written<V>) {
        let end = self.with(|shard, floor, bin| {
            shard.end_write(at, &mut written, &self.settings.rules(floor), bin);
        });
        drop_quietly(written);
        if end.is_none() {
            self.common.mark_cleared();
        }
    }

    fn clear(&self) {
        self.common.mark_cleared();
        // The next turn frees this thread's part; others free theirs at their next call.
        let _ = self.with(|_, _, _| ());
    }

    fn keys(&self) -> Vec<K> {
        self.with(|shard, floor, _| shard.keys(&self.settings.rules(floor))).unwrap_or_default()
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn coalesce(&self) -> Coalesce {
        self.settings.coalesce
    }
}
