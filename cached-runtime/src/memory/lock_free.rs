//! A SIEVE cache's shards and the table that its hits read without a lock, and what a cache asks of the two without knowing
//! them by type: so their code is compiled only where a cache can be such a one. Must never let a guard of the table end
//! under a shard's lock.

use super::bin::{Bin, drop_quietly};
use super::entry::{Find, Same};
use super::gate::{Ask, Purpose};
use super::loads::Left;
use super::lock;
use super::outside::Written;
use super::shard::{Begun, Ending, Keep, Worth};
use super::shards::{Base, FindAny, Sharded, Shards, shard_count, share};
use super::sieve::{self, Growth, SieveMap, Table};
use crate::key::CacheKey;
use crate::outcome::CacheValue;
use crate::store::Took;
use crate::tags::Tags;
use std::sync::Arc;

/// What is asked of a cache whose hits take no lock.
pub(crate) trait LockFree<K, V>: Sharded<K, V> + Send + Sync {
    /// What its hits read.
    fn table(&self) -> &Arc<Table<K, V>>;

    /// See [`Engine::read`](crate::store::Engine::read), where [`read_table`] found nothing.
    fn read(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<V>;

    /// See [`Engine::look`](crate::store::Engine::look), for a thread that holds no lock.
    fn look<'a>(
        &self,
        base: &Base<K, V>,
        find: &FindAny<'_, K>,
        purpose: Purpose,
        own: &dyn Fn() -> K,
        ask: &dyn Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a;
}

/// See the file's head. For every call a guard is held from before the lock until after it; a thread that can't have one any
/// more is sent away (see `sieve`).
pub(crate) struct SieveShards<K, V> {
    table: Arc<Table<K, V>>,
    shards: Shards<K, V, SieveMap<K, V>>,
}

impl<K: CacheKey, V: CacheValue> SieveShards<K, V> {
    pub(crate) fn new(base: &Base<K, V>) -> Self {
        let bound = base.settings.bound;
        let table = Arc::new(sieve::table());
        let count = shard_count(bound);
        let growth = Arc::new(Growth::new(count, share(bound, 0, count).entries()));
        let shards = Shards::new(bound, &base.common, |_| SieveMap::new(Arc::clone(&table), Arc::clone(&growth)));
        Self { table, shards }
    }
}

/// A hit without a lock, by a thread that holds none.
#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
pub(crate) fn read_table<K: Eq, V: Clone, P: Same<K>>(
    table: &Table<K, V>,
    base: &Base<K, V>,
    find: &Find<'_, P>,
) -> Option<V> {
    let value = sieve::read(table, find, |entry| {
        // Read after the entry: a call that starts after a `clear` sees its ticket.
        if base.rules().serves(entry) { Some(entry.value.clone()) } else { None }
    })?;
    if let Some(stripes) = &base.common.stripes {
        stripes.count();
    }
    Some(value)
}

impl<K: CacheKey, V: CacheValue> LockFree<K, V> for SieveShards<K, V> {
    fn table(&self) -> &Arc<Table<K, V>> {
        &self.table
    }

    fn read(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<V> {
        let _pin = sieve::pin(&self.table)?;
        let mut shard = self.shards.take(find.hash)?;
        shard.read(find, &base.rules())
    }

    fn look<'a>(
        &self,
        base: &Base<K, V>,
        find: &FindAny<'_, K>,
        purpose: Purpose,
        own: &dyn Fn() -> K,
        ask: &dyn Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a,
    {
        let pin = sieve::pin(&self.table)?;
        let mut shard = self.shards.of(find.hash).wait();
        let rules = base.rules();
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
}

impl<K: CacheKey, V: CacheValue> Sharded<K, V> for SieveShards<K, V> {
    fn anew(
        &self,
        base: &Base<K, V>,
        find: &FindAny<'_, K>,
        own: &dyn Fn() -> K,
        ask: &Ask<'_, V>,
    ) -> Option<Begun<V>> {
        let pin = sieve::pin(&self.table)?;
        let begun = self.shards.anew(base, find, own, ask)?;
        let _inside = begun.inside();
        drop_quietly(pin);
        Some(begun)
    }

    fn has(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<bool> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.has(base, find)
    }

    fn end(
        &self,
        base: &Base<K, V>,
        at: (u64, u64),
        ending: &mut Ending<V>,
        took: Option<Took>,
        left: &mut Option<Left<V>>,
    ) -> Option<bool> {
        match sieve::pin(&self.table) {
            Some(_pin) => self.shards.end(base, at, ending, took, left),
            // A future that was begun outside of a lock and is polled under one, inside a value's `Clone`, say. If
            // it does not get its own lock here, its waiters end by their bound.
            None if lock::is_held() => self.shards.end(base, at, ending, took, left),
            // This thread is about to end, and its thread-locals held the load. Those who wait must be told.
            None => std::thread::scope(|scope| {
                let end = || {
                    let _pin = sieve::pin(&self.table);
                    self.shards.end(base, at, ending, took, left)
                };
                // Without a thread to be had, the waiters end by their bound.
                let thread = std::thread::Builder::new().spawn_scoped(scope, end).ok()?;
                thread.join().ok()?
            }),
        }
    }

    fn stale(&self, base: &Base<K, V>, find: &FindAny<'_, K>) -> Option<V> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.stale(base, find)
    }

    fn is_worth(&self, base: &Base<K, V>, at: (u64, u64), old: &Worth) -> Option<bool> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.is_worth(base, at, old)
    }

    fn set(&self, base: &Base<K, V>, at: (u64, K), keep: &mut Keep<V>, tags: Tags) -> Option<()> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.set(base, at, keep, tags)
    }

    fn invalidate(&self, find: &FindAny<'_, K>) -> Option<()> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.invalidate(find)
    }

    fn forget_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool) -> bool {
        let pin = sieve::pin(&self.table);
        pin.is_some() && self.shards.forget_where(chosen)
    }

    fn begin_write(&self, find: &FindAny<'_, K>, own: &dyn Fn() -> K) -> Option<u64> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.begin_write(find, own)
    }

    fn end_write(&self, base: &Base<K, V>, at: (u64, u64), written: &mut Written<V>) -> Option<()> {
        let _pin = sieve::pin(&self.table)?;
        self.shards.end_write(base, at, written)
    }

    fn keys(&self, base: &Base<K, V>) -> Vec<K> {
        let Some(_pin) = sieve::pin(&self.table) else { return Vec::new() };
        self.shards.keys(base)
    }

    fn drain(&self) {
        if let Some(_pin) = sieve::pin(&self.table) {
            self.shards.drain();
        }
    }

    fn sweep(&self, base: &Base<K, V>) {
        if let Some(_pin) = sieve::pin(&self.table) {
            self.shards.sweep(base);
        }
    }
}
