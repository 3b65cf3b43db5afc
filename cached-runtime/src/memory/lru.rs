//! Exact LRU: the `lru` crate's map, looked up by view. Must never hash a key twice or build one for a look-up.
//!
//! `LruCache` finds keys through `Borrow`, so the stored key borrows itself as `dyn Query`, and so does the key of a
//! call: the two compare without the call's key being built. The bound is the shard's business, since it also knows
//! weights; the map itself is unbounded.

use super::entry::{BuildIdentity, ByTicket, Entry, Find, Same, Stored};
use super::map::{Map, Removed};
use lru::LruCache;
use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

/// Something that can stand on either side of a comparison of keys.
trait Query<K> {
    fn hash(&self) -> u64;

    /// The stored key, where this is one.
    fn stored(&self) -> Option<&Stored<K>>;

    /// Whether `stored` is what is looked for.
    fn is(&self, stored: &Stored<K>) -> bool;
}

impl<K: Eq> Query<K> for Stored<K> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn stored(&self) -> Option<&Stored<K>> {
        Some(self)
    }

    fn is(&self, stored: &Stored<K>) -> bool {
        self == stored
    }
}

/// A call's key.
impl<K, P: Same<K>> Query<K> for Find<'_, P> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn stored(&self) -> Option<&Stored<K>> {
        None
    }

    fn is(&self, stored: &Stored<K>) -> bool {
        Find::is(self, stored.hash, &stored.key)
    }
}

impl<K> Query<K> for ByTicket {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn stored(&self) -> Option<&Stored<K>> {
        None
    }

    fn is(&self, stored: &Stored<K>) -> bool {
        self.ticket == stored.ticket
    }
}

impl<'a, K: Eq + 'a> Borrow<dyn Query<K> + 'a> for Stored<K> {
    fn borrow(&self) -> &(dyn Query<K> + 'a) {
        self
    }
}

impl<K> Hash for dyn Query<K> + '_ {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(Query::hash(self));
    }
}

impl<K> PartialEq for dyn Query<K> + '_ {
    fn eq(&self, other: &Self) -> bool {
        match (self.stored(), other.stored()) {
            (_, Some(stored)) => self.is(stored),
            (Some(stored), None) => other.is(stored),
            // Two keys of calls are never compared with each other: one side comes from the map.
            (None, None) => false,
        }
    }
}

impl<K> Eq for dyn Query<K> + '_ {}

/// A map that evicts what was not used for longest.
pub(crate) struct LruMap<K, V>(LruCache<Stored<K>, Entry<V>, BuildIdentity>);

impl<K: Eq, V> Default for LruMap<K, V> {
    fn default() -> Self {
        Self(LruCache::unbounded_with_hasher(BuildIdentity::default()))
    }
}

fn removed<K, V>(dead: (Stored<K>, Entry<V>)) -> Removed<(Stored<K>, Entry<V>)> {
    Removed { weight: dead.1.weight(), dead }
}

impl<K: Eq, V> Map<K, V> for LruMap<K, V> {
    type Dead = (Stored<K>, Entry<V>);

    fn hit<P: Same<K>, R>(&mut self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.0.get(find as &dyn Query<K>).map(f)
    }

    fn peek<P: Same<K>, R>(&self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.0.peek(find as &dyn Query<K>).map(f)
    }

    fn peek_ticket<R>(&self, hash: u64, ticket: u64, f: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.0.peek(&ByTicket { hash, ticket } as &dyn Query<K>).map(f)
    }

    fn insert(&mut self, key: Stored<K>, entry: Entry<V>) {
        self.0.put(key, entry);
    }

    fn remove<P: Same<K>>(&mut self, find: &Find<'_, P>) -> Option<Removed<Self::Dead>> {
        self.0.pop_entry(find as &dyn Query<K>).map(removed)
    }

    fn remove_ticket(&mut self, hash: u64, ticket: u64) -> Option<Removed<Self::Dead>> {
        self.0.pop_entry(&ByTicket { hash, ticket } as &dyn Query<K>).map(removed)
    }

    fn evict(&mut self) -> Option<Removed<Self::Dead>> {
        self.0.pop_lru().map(removed)
    }

    fn pop(&mut self) -> Option<Removed<Self::Dead>> {
        self.evict()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn for_each(&self, mut f: impl FnMut(&Stored<K>, &Entry<V>)) {
        self.0.iter().for_each(|(stored, entry)| f(stored, entry));
    }
}
