//! What a shard needs of a map: look-ups by view, an order of eviction. Must never decide what is fresh, and must never
//! drop a user's value: what it removes it hands back.

use super::entry::{Entry, Find, Same, Stored};
use std::mem;

/// A map with an order of eviction. All calls come under the shard's lock.
pub(crate) trait Map<K, V> {
    /// A removed entry, to be dropped once the lock is released.
    type Dead: Dead;

    /// The entry of a key, as a hit: it counts for the order of eviction.
    fn hit<P: Same<K>, R>(&mut self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R>;

    /// The entry of a key, and nothing else.
    fn peek<P: Same<K>, R>(&self, find: &Find<'_, P>, f: impl FnOnce(&Entry<V>) -> R) -> Option<R>;

    /// The entry at a place: for the sweeper, which knows no keys.
    fn peek_place<R>(&self, at: u32, f: impl FnOnce(&Entry<V>) -> R) -> Option<R>;

    /// Stores a new entry and gives its place; the key must not be there. `None` if it could not be stored.
    fn insert(&mut self, key: Stored<K>, entry: Entry<V>) -> Option<u32>;

    /// Removes the entry of a key.
    fn remove<P: Same<K>>(&mut self, find: &Find<'_, P>) -> Option<Removed<Self::Dead>>;

    /// Removes the entry at a place.
    fn remove_place(&mut self, at: u32) -> Option<Removed<Self::Dead>>;

    /// Removes the entry whose turn it is.
    fn evict(&mut self) -> Option<Removed<Self::Dead>>;

    /// Removes any entry, the cheapest way there is.
    fn pop(&mut self) -> Option<Removed<Self::Dead>>;

    fn len(&self) -> usize;

    /// Gives back the room that it has taken, if it is empty.
    fn reset(&mut self);

    /// Looks at all entries and their places, in no order that is promised.
    fn for_each(&self, f: impl FnMut(u32, &K, &Entry<V>));
}

/// A removed entry.
pub(crate) trait Dead {
    /// Whether its drop may run the user's code.
    const FOREIGN: bool;
}

impl Dead for () {
    const FOREIGN: bool = false;
}

impl<K, V> Dead for (K, Entry<V>) {
    const FOREIGN: bool = mem::needs_drop::<K>() || mem::needs_drop::<V>();
}

/// What left the map.
pub(crate) struct Removed<D> {
    pub(crate) weight: u64,
    pub(crate) dead: D,
}
