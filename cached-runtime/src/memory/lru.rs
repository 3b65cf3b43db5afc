//! Exact LRU: entries in a vector, linked in the order of their use, and a table of their places beside it. Must never
//! hash a key, or build one for a look-up.
//!
//! An own map rather than the `lru` crate's, for what it costs: no allocation and no pointer for each entry, half the
//! memory, look-ups by a call's view without dynamic dispatch, and the sweeper finds an entry by its place. Places are
//! numbers of 32 bits, given out again once they are free, so all of it is safe code. The bound is the shard's business,
//! since it also knows weights.

use super::entry::{Entry, Find, Same, Stored};
use super::map::{Map, Removed};
use hashbrown::HashTable;
use std::mem;

/// The place that holds no entry: where the chain of entries begins and ends, so that no link is ever missing.
const JOINT: u32 = 0;

/// So many bytes of places stay when a map is emptied, since it is likely to be filled again: growing took some 110 of the 1,540
/// instructions of a load into a map that was new.
const KEPT: usize = 64 << 10;

/// A place's neighbours in the order of use. Apart from the entries, so that a hit, which moves one entry and touches
/// three others' links, stays in few cache lines.
#[derive(Clone, Copy)]
struct Link {
    /// The one that was used next; of a free place, the next free one.
    newer: u32,
    /// The one that was used before.
    older: u32,
    /// Half of the key's hash: enough for a table of four thousand million places.
    hash: u32,
}

/// A key and its entry.
type Node<K, V> = (K, Entry<V>);

/// A map that evicts what was not used for longest.
pub(crate) struct LruMap<K, V> {
    table: HashTable<u32>,
    links: Vec<Link>,
    nodes: Vec<Option<Node<K, V>>>,
    free: u32,
    /// How many entries there will be at most, so that the vectors need not be twice as long in the end.
    most: usize,
}

/// What the table hashes by, of the half that is kept: its low bits choose the bucket, its high bits are the tag.
#[inline]
fn spread(half: u32) -> u64 {
    u64::from(half) << 32 | u64::from(half)
}

/// The half of a hash that is kept. The shard was chosen by the other.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "half of it is what is wanted")]
fn half(hash: u64) -> u32 {
    hash as u32
}

/// Makes an entry the newest.
#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
fn promote(links: &mut [Link], at: u32) {
    let newest = links[JOINT as usize].older;
    if newest != at {
        unlink(links, at);
        link(links, at, newest);
    }
}

#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
fn unlink(links: &mut [Link], at: u32) {
    let Link { newer, older, .. } = links[at as usize];
    links[older as usize].newer = newer;
    links[newer as usize].older = older;
}

/// Links an entry as the newest, after what is so now.
#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
fn link(links: &mut [Link], at: u32, newest: u32) {
    links[newest as usize].newer = at;
    links[JOINT as usize].older = at;
    let link = &mut links[at as usize];
    (link.newer, link.older) = (JOINT, newest);
}

impl<K: Eq, V> LruMap<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { table: HashTable::new(), links: Vec::new(), nodes: Vec::new(), free: JOINT, most }
    }

    #[inline]
    fn node(&self, at: u32) -> Option<&Node<K, V>> {
        self.nodes.get(at as usize)?.as_ref()
    }

    #[inline]
    fn find<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<u32> {
        let hash = half(find.hash);
        let same = |at: &u32| {
            self.links[*at as usize].hash == hash && self.node(*at).is_some_and(|(key, _)| find.view.same(key))
        };
        self.table.find(spread(hash), same).copied()
    }

    /// The place of a key where another one has the same half of a hash. (It takes as little as it can: what it is handed
    /// must stand in memory, on every hit.)
    #[cold]
    #[inline(never)]
    fn find_of_many<P: Same<K>>(&self, hash: u64, view: &P) -> Option<u32> {
        self.find(&Find { hash, view })
    }

    /// A place for one more entry: one that is free, or a new one. `None` if four thousand million are not enough.
    fn place(&mut self, hash: u32) -> Option<u32> {
        if self.free != JOINT {
            let at = self.free;
            self.free = self.links[at as usize].newer;
            self.links[at as usize].hash = hash;
            return Some(at);
        }
        if self.links.len() == self.links.capacity() {
            self.grow();
        }
        let at = u32::try_from(self.links.len()).ok()?;
        self.links.push(Link { newer: JOINT, older: JOINT, hash });
        self.nodes.push(None);
        Some(at)
    }

    /// Twice as many places, but not more than there will be entries.
    #[cold]
    fn grow(&mut self) {
        if self.links.is_empty() {
            self.links.push(Link { newer: JOINT, older: JOINT, hash: 0 });
            self.nodes.push(None);
        }
        let len = self.links.len();
        let more = len.max(4).min(self.most.saturating_add(1).saturating_sub(len).max(1));
        self.links.reserve_exact(more);
        self.nodes.reserve_exact(more);
    }

    /// Empties a place that is out of the table.
    fn take(&mut self, at: u32) -> Option<Removed<Node<K, V>>> {
        unlink(&mut self.links, at);
        self.links[at as usize].newer = self.free;
        self.free = at;
        let dead = self.nodes[at as usize].take()?;
        Some(Removed { weight: dead.1.weight(), dead })
    }
}

impl<K: Eq, V> Map<K, V> for LruMap<K, V> {
    type Dead = Node<K, V>;

    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn hit<P: Same<K>, R>(&mut self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let (hash, links, nodes) = (half(find.hash), &self.links, &self.nodes);
        if find.view.is_plain() {
            let same = |at: &u32| matches!(nodes.get(*at as usize), Some(Some((key, _))) if find.view.same(key));
            let at = *self.table.find(spread(hash), same)?;
            let (_, entry) = self.nodes.get(at as usize)?.as_ref()?;
            promote(&mut self.links, at);
            return Some(f(entry));
        }
        // By the hash alone first: a hit compares keys once, whatever their comparison costs; and where that is a call,
        // nothing that the search holds has to be saved around it.
        let first = |at: &u32| links.get(*at as usize).is_some_and(|link| link.hash == hash);
        let mut at = *self.table.find(spread(hash), first)?;
        let entry = match nodes.get(at as usize) {
            Some(Some((key, entry))) if find.view.same(key) => entry,
            _ => {
                at = self.find_of_many(find.hash, find.view)?;
                &self.nodes.get(at as usize)?.as_ref()?.1
            }
        };
        promote(&mut self.links, at);
        Some(f(entry))
    }

    fn peek<P: Same<K>, R>(&self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let (_, entry) = self.node(self.find(find)?)?;
        Some(f(entry))
    }

    fn peek_place<R>(&self, at: u32, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.node(at).map(|(_, entry)| f(entry))
    }

    fn insert(&mut self, key: Stored<K>, entry: Entry<V>) -> Option<u32> {
        let hash = half(key.hash);
        let at = self.place(hash)?;
        let links = &self.links;
        self.table.insert_unique(spread(hash), at, |at| spread(links[*at as usize].hash));
        self.nodes[at as usize] = Some((key.key, entry));
        let newest = self.links[JOINT as usize].older;
        link(&mut self.links, at, newest);
        Some(at)
    }

    fn remove<P: Same<K>>(&mut self, find: &Find<'_, P>) -> Option<Removed<Self::Dead>> {
        let at = self.find(find)?;
        self.remove_place(at)
    }

    fn remove_place(&mut self, at: u32) -> Option<Removed<Self::Dead>> {
        let hash = self.links.get(at as usize)?.hash;
        self.table.find_entry(spread(hash), |known| *known == at).ok()?.remove();
        self.take(at)
    }

    fn evict(&mut self) -> Option<Removed<Self::Dead>> {
        self.remove_place(self.links.first()?.newer)
    }

    fn pop(&mut self) -> Option<Removed<Self::Dead>> {
        self.evict()
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn reset(&mut self) {
        if !self.table.is_empty() {
            return;
        }
        if self.links.capacity() * (mem::size_of::<Link>() + mem::size_of::<Option<Node<K, V>>>()) > KEPT {
            *self = Self::new(self.most);
            return;
        }
        self.links.truncate(1);
        self.nodes.truncate(1);
        self.free = JOINT;
    }

    fn for_each(&self, mut f: impl FnMut(u32, &K, &Entry<V>)) {
        for (at, node) in (0..).zip(&self.nodes) {
            if let Some((key, entry)) = node {
                f(at, key, entry);
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::super::entry::ByKey;
    use super::*;
    use crate::clock::NEVER;
    use crate::policy::Life;
    use crate::tags::Tags;

    fn fill(map: &mut LruMap<u64, u64>, keys: std::ops::Range<u64>) {
        for key in keys {
            let entry = Entry::new(key * 10, key + 2, Life::plain(NEVER), (0, None), (0, Tags::default()));
            map.insert(Stored { hash: key, ticket: key + 2, key }, entry);
        }
    }

    fn value(map: &LruMap<u64, u64>, key: u64) -> Option<u64> {
        map.peek(&Find { hash: key, view: &ByKey(&key) }, |entry| entry.value)
    }

    #[test]
    fn what_was_emptied_keeps_its_room_if_that_is_small_and_works_as_new() {
        for (count, kept) in [(100, true), (10_000, false)] {
            let mut map = LruMap::new(count);
            fill(&mut map, 0..count as u64);
            let room = map.nodes.capacity();
            map.reset();
            assert_eq!(map.len(), count, "one that is not empty stays as it is");
            while map.pop().is_some() {}
            map.reset();
            assert_eq!(map.nodes.capacity(), if kept { room } else { 0 });
            fill(&mut map, 1000..1003);
            assert_eq!((map.len(), value(&map, 1), value(&map, 1002)), (3, None, Some(10_020)));
            // In the order in which they came.
            let first = map.evict().map(|removed| removed.dead.0);
            assert_eq!((first, map.len(), value(&map, 1000)), (Some(1000), 2, None));
        }
    }

    #[test]
    fn keys_that_share_a_hash_are_told_apart_by_hits_of_either_kind() {
        /// Compared by its hash alone first, unlike a number's view.
        struct Costly<'a>(ByKey<'a, u64>);
        impl Same<u64> for Costly<'_> {
            fn same(&self, key: &u64) -> bool {
                self.0.same(key)
            }
        }
        struct Plain(u64);
        impl Same<u64> for Plain {
            fn same(&self, key: &u64) -> bool {
                self.0 == *key
            }

            fn is_plain(&self) -> bool {
                true
            }
        }
        let mut map = LruMap::new(9);
        for key in 0..9 {
            let entry = Entry::new(key * 10, key + 2, Life::plain(NEVER), (0, None), (0, Tags::default()));
            // Three keys to a hash.
            map.insert(Stored { hash: key / 3, ticket: key + 2, key }, entry);
        }
        for key in 0..12 {
            let known = (key < 9).then_some(key * 10);
            let hash = key / 3;
            assert_eq!(map.hit(&Find { hash, view: &Costly(ByKey(&key)) }, |entry| entry.value), known, "{key}");
            assert_eq!(map.hit(&Find { hash, view: &Plain(key) }, |entry| entry.value), known, "{key}");
        }
        // Each was the last to be used, one after the other.
        let order: Vec<_> = std::iter::from_fn(|| map.evict().map(|removed| removed.dead.0)).collect();
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
