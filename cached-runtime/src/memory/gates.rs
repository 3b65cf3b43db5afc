//! The gates of a shard, by key: one for each key that is loaded or written at the moment. Must only be touched under the
//! shard's lock.
//!
//! Mostly there is none or one: that one stands in front, where finding it is a comparison, and only others need a table.

use super::gate::Gate;
use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

/// See the file's head.
pub(crate) struct Gates<K, V> {
    first: Option<Gate<K, V>>,
    rest: HashTable<Gate<K, V>>,
}

impl<K, V> Default for Gates<K, V> {
    fn default() -> Self {
        Self { first: None, rest: HashTable::new() }
    }
}

impl<K, V> Gates<K, V> {
    /// The gate of this hash that `is` the one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&Gate<K, V>) -> bool) -> Option<&Gate<K, V>> {
        match &self.first {
            Some(first) if first.hash == hash && is(first) => Some(first),
            _ if self.rest.is_empty() => None,
            _ => self.rest.find(hash, is),
        }
    }

    #[inline]
    pub(crate) fn find_mut(&mut self, hash: u64, is: impl Fn(&Gate<K, V>) -> bool) -> Option<&mut Gate<K, V>> {
        match &mut self.first {
            Some(first) if first.hash == hash && is(first) => Some(first),
            _ if self.rest.is_empty() => None,
            _ => self.rest.find_mut(hash, is),
        }
    }

    /// The same, to be taken out perhaps.
    #[inline]
    pub(crate) fn find_place(&mut self, hash: u64, is: impl Fn(&Gate<K, V>) -> bool) -> Option<Place<'_, K, V>> {
        if self.first.as_ref().is_some_and(|first| first.hash == hash && is(first)) {
            return Some(Place::First(&mut self.first));
        }
        self.rest.find_entry(hash, is).ok().map(Place::Rest)
    }

    /// Adds a gate; its key has none yet.
    #[expect(clippy::inline_always, reason = "a gate is built where it is to stand: moving it takes a tenth of a miss")]
    #[inline(always)]
    pub(crate) fn insert(&mut self, gate: Gate<K, V>) {
        if self.first.is_none() {
            self.first = Some(gate);
        } else {
            self.rest.insert_unique(gate.hash, gate, |gate| gate.hash);
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Gate<K, V>> {
        self.first.iter_mut().chain(&mut self.rest)
    }
}

/// Where a gate stands.
pub(crate) enum Place<'g, K, V> {
    First(&'g mut Option<Gate<K, V>>),
    Rest(OccupiedEntry<'g, Gate<K, V>>),
}

impl<K, V> Place<'_, K, V> {
    /// The gate; there is one, unless somebody has taken it out of here.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut Gate<K, V>> {
        match self {
            Self::First(first) => first.as_mut(),
            Self::Rest(rest) => Some(rest.get_mut()),
        }
    }

    /// Takes the gate out.
    #[inline]
    pub(crate) fn take(self) -> Option<Gate<K, V>> {
        match self {
            Self::First(first) => first.take(),
            Self::Rest(rest) => Some(rest.remove().0),
        }
    }
}
