//! SIEVE over a lock-free map: hits take no lock. Must never change the map outside of the shard's lock, nor let a
//! reader wait for a writer.
//!
//! The map is shared by all shards of a cache; a key's shard alone changes its entry, under its lock. A reader may find
//! an entry that is being removed: it then began before the removal ended, which is what "concurrent" means. One that
//! begins after an `invalidate` returned sees the removal, since both act on the same atomic location of the map. For
//! `clear`, a reader compares the entry's ticket with the cache's, read after the entry.
//!
//! Removed entries are freed by the map's collector once no reader can hold them. Whoever comes here holds a guard (a
//! [`pin`]) from before the lock until after it, so nothing is freed, and no user's `Drop` runs, under the lock.

use super::entry::{BuildIdentity, ByTicket, Entry, Find, Same, Stored};
use super::lock;
use super::map::{Map, Removed};
use super::ring::{Place, Ring};
use crate::sync::{AtomicBool, Mutex, Ordering};
use papaya::{Equivalent, HashMapRef, LocalGuard};
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The map that all shards of a cache share.
pub(crate) type Table<K, V> = papaya::HashMap<Stored<K>, Quiet<V>, BuildIdentity>;

/// A table whose removed entries are freed soon. Those that a thread removes wait until it has a batch of them, which in
/// a cache that changes little may take for ever: so a batch is one entry where anybody could notice that it is still
/// there, by its drop or by its size. Even so an entry that is removed while other threads read waits until the thread
/// that removed it removes another. (To look for readers is a system call: in batches an eviction costs a third.)
pub(crate) fn table<K, V>() -> Table<K, V> {
    let noticed = mem::needs_drop::<K>() || mem::needs_drop::<V>();
    let batch = if noticed { 1 } else { (WAITING / mem::size_of::<(K, V)>().max(1)).clamp(1, 32) };
    let collector = seize::Collector::new().batch_size(batch);
    papaya::HashMap::builder().hasher(BuildIdentity::default()).collector(collector).build()
}

/// So many bytes of removed keys and values may wait for each thread.
const WAITING: usize = 4096;

/// An entry that the collector may drop on any thread, in the middle of anything: a panic of the value's `Drop` ends
/// here. (The panic hook has reported it.)
pub(crate) struct Quiet<V> {
    entry: Option<Entry<V>>,
    /// Whether it was read since the hand last passed.
    visited: AtomicBool,
    /// Its place in the ring.
    slot: u32,
}

impl<V> Quiet<V> {
    /// Marks an entry as read. Stored only when it changes, so that readers of a hot key share its cache line; relaxed,
    /// since a mark that comes late only costs a little of the hit ratio.
    #[inline]
    fn mark(&self) {
        if !self.visited.load(Ordering::Relaxed) {
            self.visited.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn entry(&self) -> Option<&Entry<V>> {
        self.entry.as_ref()
    }
}

impl<V> Drop for Quiet<V> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<V>() {
            let entry = self.entry.take();
            let _ = catch_unwind(AssertUnwindSafe(move || drop(entry)));
        }
    }
}

impl<P> Hash for Find<'_, P> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<K, P: Same<K>> Equivalent<Stored<K>> for Find<'_, P> {
    fn equivalent(&self, stored: &Stored<K>) -> bool {
        self.is(stored.hash, &stored.key)
    }
}

impl Hash for ByTicket {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<K> Equivalent<Stored<K>> for ByTicket {
    fn equivalent(&self, stored: &Stored<K>) -> bool {
        self.ticket == stored.ticket
    }
}

thread_local! {
    /// Whether this thread may take guards of the map's collector, which keeps a thread-local of its own.
    static THREAD: Cell<Thread> = const { Cell::new(Thread::New) };
    static END: End = const { End };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    /// It has taken none yet.
    New,
    /// It may.
    Ready,
    /// It ends, and the collector's thread-local is gone or about to go: a guard would panic.
    Ending,
}

/// Thread-locals are dropped in the reverse order of their first use; this one is first used after the collector's, so
/// that it goes before.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        THREAD.set(Thread::Ending);
    }
}

/// A guard of a table, with the table: a look-up in it need not ask whether the guard is the table's own.
pub(crate) type Pinned<'t, K, V> = HashMapRef<'t, Stored<K>, Quiet<V>, BuildIdentity, LocalGuard<'t>>;

/// A guard, unless this thread can't have one: it is about to end (a call from a thread-local's drop), or it holds a
/// shard's lock, under which the guard's end might drop values.
pub(crate) fn pin<K, V>(table: &Table<K, V>) -> Option<Pinned<'_, K, V>> {
    if lock::is_held() { None } else { pin_free(table) }
}

/// The same for a thread that holds no lock.
#[inline]
fn pin_free<K, V>(table: &Table<K, V>) -> Option<Pinned<'_, K, V>> {
    match THREAD.get() {
        Thread::Ready => Some(table.pin()),
        Thread::New => Some(first_pin(table)),
        Thread::Ending => None,
    }
}

#[cold]
fn first_pin<K, V>(table: &Table<K, V>) -> Pinned<'_, K, V> {
    let pinned = table.pin();
    END.with(|_| ());
    THREAD.set(Thread::Ready);
    pinned
}

/// A hit without a lock, by a thread that holds none.
#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
pub(crate) fn read<K: Eq, V, P: Same<K>, R>(
    table: &Table<K, V>,
    find: &Find<'_, P>,
    f: impl FnOnce(&Entry<V>) -> Option<R>,
) -> Option<R> {
    let pinned = pin_free(table)?;
    let quiet = pinned.get(find)?;
    let found = f(quiet.entry()?)?;
    quiet.mark();
    Some(found)
}

/// Up to so many entries the table is kept at most half full. By itself it grows when it is 85 % full, where a look-up
/// takes three probes, each of them a branch that is hard to foresee: a third of the time of a hit. Beyond that, copying
/// the table in one go would keep callers waiting: there it grows by itself, a little with each insertion.
const ROOMY: usize = 16_384;

/// A shard's side of the table: its keys, in the order of their insertion.
pub(crate) struct SieveMap<K, V> {
    table: Arc<Table<K, V>>,
    growth: Arc<Growth>,
    ring: Ring,
    /// The table is made larger when there are so many entries here.
    room: usize,
}

/// What the shards of a table agree on: whether it is still made larger by them.
pub(crate) struct Growth {
    shards: usize,
    /// The most entries of a shard.
    most: usize,
    /// From then on the table grows by itself only: it is large enough, or two of its keys have the same hash, and its
    /// `reserve` does not return where more keys share one than it probes for.
    ///
    /// While this is `false` every shard looks before it inserts, so no two keys have the same hash; and it is held while
    /// the table grows, so that none comes in meanwhile. A leaf: nothing is locked and nothing of the user's runs under it.
    over: Mutex<bool>,
}

impl Growth {
    pub(crate) fn new(shards: usize, most: usize) -> Self {
        Self { shards, most, over: Mutex::new(false) }
    }
}

/// Finds an entry by its hash alone.
struct ByHash(u64);

impl Hash for ByHash {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0);
    }
}

impl<K> Equivalent<Stored<K>> for ByHash {
    fn equivalent(&self, stored: &Stored<K>) -> bool {
        self.0 == stored.hash
    }
}

impl<K: Eq, V> SieveMap<K, V> {
    pub(crate) fn new(table: Arc<Table<K, V>>, growth: Arc<Growth>) -> Self {
        Self { table, growth, ring: Ring::default(), room: 16 }
    }

    /// One more entry is to come: twice as much room in the table, once it is half full.
    fn make_room(&mut self, hash: u64) {
        let guard = self.table.guard();
        // Keys of one hash are of one shard, so that nobody else brings the second at the same time.
        let collides = self.table.contains_key(&ByHash(hash), &guard);
        if !collides && self.ring.len() < self.room {
            return;
        }
        let mut over = self.growth.over.lock();
        if !collides && !*over {
            let all = self.room.saturating_mul(self.growth.shards);
            self.room = self.room.saturating_mul(2);
            // The table adds a third to what it is asked for: room for three times as many makes it four times as long,
            // which is half full when it comes to this again.
            self.table.reserve(2 * all, &guard);
        }
        *over |= collides || self.room >= self.growth.most || self.room.saturating_mul(self.growth.shards) > ROOMY;
        if *over {
            self.room = usize::MAX;
        }
    }

    /// Removes the entry of a place in the ring, and the place in any case: one without an entry (the key's `Eq` panicked
    /// in the middle of an insertion) must not stand in the way for ever.
    fn take(&mut self, place: Place) -> Option<Removed<()>> {
        let table = Arc::clone(&self.table);
        let guard = table.guard();
        let found = ByTicket { hash: place.hash, ticket: place.ticket };
        let removed = table.remove(&found, &guard).and_then(Quiet::entry).map(|entry| self.forget(place.slot, entry));
        self.ring.remove(place.slot, place.ticket);
        removed
    }

    fn forget(&mut self, slot: u32, entry: &Entry<V>) -> Removed<()> {
        self.ring.remove(slot, entry.ticket.get());
        Removed { weight: entry.weight(), dead: () }
    }
}

impl<K: Eq, V> Map<K, V> for SieveMap<K, V> {
    type Dead = ();

    fn hit<P: Same<K>, R>(&mut self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let guard = self.table.guard();
        let quiet = self.table.get(find, &guard)?;
        quiet.mark();
        quiet.entry().map(f)
    }

    fn peek<P: Same<K>, R>(&self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let guard = self.table.guard();
        self.table.get(find, &guard)?.entry().map(f)
    }

    fn peek_place<R>(&self, at: u32, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let Place { hash, ticket, .. } = self.ring.at(at)?;
        let guard = self.table.guard();
        self.table.get(&ByTicket { hash, ticket }, &guard)?.entry().map(f)
    }

    fn insert(&mut self, key: Stored<K>, entry: Entry<V>) -> Option<u32> {
        if self.room != usize::MAX {
            self.make_room(key.hash);
        }
        // Without a slot the entry could not be evicted: rather not stored.
        let slot = self.ring.push(key.hash, entry.ticket.get())?;
        let quiet = Quiet { entry: Some(entry), visited: AtomicBool::new(false), slot };
        self.table.insert(key, quiet, &self.table.guard());
        Some(slot)
    }

    fn remove<P: Same<K>>(&mut self, find: &Find<'_, P>) -> Option<Removed<()>> {
        let table = Arc::clone(&self.table);
        let guard = table.guard();
        let quiet = table.remove(find, &guard)?;
        Some(self.forget(quiet.slot, quiet.entry()?))
    }

    fn remove_place(&mut self, at: u32) -> Option<Removed<()>> {
        self.take(self.ring.at(at)?)
    }

    fn evict(&mut self) -> Option<Removed<()>> {
        loop {
            let table = &self.table;
            let guard = table.guard();
            let place = self.ring.victim(|place| {
                let found = ByTicket { hash: place.hash, ticket: place.ticket };
                let quiet = table.get(&found, &guard);
                quiet.is_some_and(|quiet| quiet.visited.swap(false, Ordering::Relaxed))
            })?;
            drop(guard);
            if let Some(removed) = self.take(place) {
                return Some(removed);
            }
        }
    }

    fn pop(&mut self) -> Option<Removed<()>> {
        loop {
            let place = self.ring.oldest()?;
            if let Some(removed) = self.take(place) {
                return Some(removed);
            }
        }
    }

    fn len(&self) -> usize {
        self.ring.len()
    }

    fn reset(&mut self) {
        // The ring does so by itself, and the table is for all shards.
    }

    fn for_each(&self, mut f: impl FnMut(u32, &K, &Entry<V>)) {
        self.ring.each(|hash, ticket| {
            let guard = self.table.guard();
            let found = self.table.get_key_value(&ByTicket { hash, ticket }, &guard);
            if let Some((stored, quiet)) = found
                && let Some(entry) = quiet.entry()
            {
                f(quiet.slot, &stored.key, entry);
            }
        });
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::policy::Life;
    use crate::tags::Tags;

    fn insert(map: &mut SieveMap<u64, u64>, hash: u64, key: u64) {
        let life = Life::plain(crate::clock::NEVER);
        let entry = Entry::new(key, key + 2, life, (0, None), (0, Tags::default()));
        assert!(map.insert(Stored { hash, ticket: key + 2, key }, entry).is_some());
    }

    /// As good as any hash.
    fn spread(key: u64) -> u64 {
        key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// The table's own growth copes with them, but its `reserve` would never return.
    #[test]
    fn keys_of_one_hash_in_one_shard_do_not_stop_another_that_grows() {
        let table = Arc::new(table());
        let growth = Arc::new(Growth::new(2, usize::MAX));
        let mut maps = [(); 2].map(|()| SieveMap::new(Arc::clone(&table), Arc::clone(&growth)));
        // The first has all the room it may have, and looks at hashes no more.
        let mut keys = 0..;
        while maps[0].room != usize::MAX {
            let key = keys.next().unwrap_or(0);
            insert(&mut maps[0], spread(key), key);
        }
        for key in keys.by_ref().take(500) {
            insert(&mut maps[0], 1, key);
        }
        for key in keys.take(2 * ROOMY) {
            insert(&mut maps[1], spread(key), key);
        }
        assert_eq!(table.len(), maps[0].len() + maps[1].len());
    }

    #[test]
    fn a_table_that_is_large_enough_is_left_alone() {
        let table = Arc::new(table());
        let mut map = SieveMap::new(Arc::clone(&table), Arc::new(Growth::new(1, 1024)));
        (0..1000).for_each(|key| insert(&mut map, spread(key), key));
        assert_eq!((map.room, *map.growth.over.lock()), (usize::MAX, true));
    }

    #[test]
    fn a_second_key_of_a_hash_ends_it() {
        let table = Arc::new(table());
        let mut map = SieveMap::new(Arc::clone(&table), Arc::new(Growth::new(1, usize::MAX)));
        (0..20).for_each(|key| insert(&mut map, spread(key), key));
        assert!(!*map.growth.over.lock());
        insert(&mut map, spread(7), 1000);
        assert!(*map.growth.over.lock());
    }
}
