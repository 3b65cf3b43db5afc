//! When entries of a shard end: a heap that the sweeper pops. Must never hold a key or a value, and must never grow
//! beyond a small multiple of the entries it is for.

use crate::clock::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One note for each entry that can expire. Notes of entries that went before their time stay until they are popped or
/// the heap is rebuilt: removal from the middle of a heap would cost every invalidation.
#[derive(Default)]
pub(crate) struct Expiry(BinaryHeap<Reverse<Note>>);

/// The entry with this hash and ticket ends at this time, or later if it was read meanwhile (time to idle).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    pub(crate) at: Nanos,
    pub(crate) hash: u64,
    pub(crate) ticket: u64,
}

impl Expiry {
    pub(crate) fn push(&mut self, note: Note) {
        self.0.push(Reverse(note));
    }

    /// The next note that is due.
    pub(crate) fn pop_due(&mut self, now: Nanos) -> Option<Note> {
        let Reverse(next) = self.0.peek()?;
        (next.at <= now).then(|| self.0.pop().map(|Reverse(note)| note))?
    }

    /// Whether most notes are of entries that are gone.
    pub(crate) fn is_bloated(&self, entries: usize) -> bool {
        self.0.len() > 2 * entries + 64
    }

    /// Starts over with these notes.
    pub(crate) fn rebuild(&mut self, notes: Vec<Note>) {
        self.0 = notes.into_iter().map(Reverse).collect();
    }

    pub(crate) fn clear(&mut self) {
        self.0 = BinaryHeap::new();
    }
}
