//! The cache of a function whose attribute says that its hits take no lock: with the table at hand by its type, so that a hit
//! is one straight piece of code. Must never do anything else by itself: all that is no hit is the cache's.

use super::MemoryCache;
use super::common::Common;
use super::entry::{Find, Same};
use super::gate::{Ask, Purpose};
use super::loads::Left;
use super::lock;
use super::lock_free::read_table;
use super::outside::Written;
use super::shard::{Begun, Ending, Worth};
use super::sieve::Table;
use crate::builder::Coalesce;
use crate::cache::Cache;
use crate::key::{CacheKey, View};
use crate::outcome::CacheValue;
use crate::store::{Engine, Took};
use crate::tags::Tags;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

/// See the file's head.
pub struct Tabled<K: 'static, V: 'static> {
    pub(crate) cache: Cache<K, V>,
    table: Arc<Table<K, V>>,
}

impl<K, V> Clone for Tabled<K, V> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), table: Arc::clone(&self.table) }
    }
}

impl<K, V> Tabled<K, V> {
    /// A cache, and the table that is its own.
    pub(crate) fn new(cache: Cache<K, V>, table: Arc<Table<K, V>>) -> Self {
        Self { cache, table }
    }

    #[inline]
    fn all(&self) -> &Arc<MemoryCache<K, V>> {
        &self.cache.handle
    }
}

impl<K: CacheKey, V: CacheValue> Engine<K, V> for Tabled<K, V> {
    type Held<'e> = ();

    #[inline]
    fn hash<P: View<Owned = K>>(&self, view: &P) -> u64 {
        self.all().base.settings.hash(|hasher| view.feed(hasher))
    }

    fn hash_key<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.all().hash_key(key)
    }

    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn hit<P: Same<K>>(&self, find: &Find<'_, P>) -> Result<V, ()> {
        if lock::is_held() {
            return Err(());
        }
        read_table(&self.table, &self.all().base, find).ok_or(())
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
        self.all().look(find, Purpose::Call, own, ask)
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
        self.all().look(find, purpose, own, ask)
    }

    fn anew<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K, ask: &Ask<'_, V>) -> Option<Begun<V>> {
        self.all().anew(find, own, ask)
    }

    fn read<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        self.hit(find).ok().or_else(|| self.all().read(find))
    }

    fn has<P: Same<K>>(&self, find: &Find<'_, P>) -> bool {
        self.all().has(find)
    }

    fn end(&self, at: (u64, u64), ending: &mut Ending<V>, took: Option<Took>, left: &mut Option<Left<V>>) -> bool {
        self.all().end(at, ending, took, left)
    }

    fn stale<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V> {
        self.all().stale(find)
    }

    fn is_worth(&self, at: (u64, u64), old: &Worth) -> bool {
        self.all().is_worth(at, old)
    }

    fn has_stale(&self) -> bool {
        self.all().has_stale()
    }

    fn soft_timeout(&self) -> Option<Duration> {
        self.all().soft_timeout()
    }

    fn set(&self, at: (u64, K), value: (V, Option<Duration>, Tags)) {
        self.all().set(at, value);
    }

    fn invalidate<P: Same<K>>(&self, find: &Find<'_, P>) {
        self.all().invalidate(find);
    }

    fn invalidate_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) {
        self.all().invalidate_where(chosen);
    }

    fn begin_write<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K) -> Option<u64> {
        self.all().begin_write(find, own)
    }

    fn end_write(&self, at: (u64, u64), written: Written<V>) {
        self.all().end_write(at, written);
    }

    fn clear(&self) {
        self.all().clear();
    }

    fn keys(&self) -> Vec<K> {
        self.all().keys()
    }

    fn common(&self) -> &Common {
        self.all().common()
    }

    fn coalesce(&self) -> Coalesce {
        self.all().coalesce()
    }
}
