//! The order of `sieve`: SIEVE's list and hand, and a small queue in front of them. Must never know keys or values.
//!
//! SIEVE is after Zhang et al., "SIEVE is Simpler than LRU" (NSDI 2024): a hit only marks an entry; the hand walks from
//! the oldest to the newest, takes the mark off those that have one and evicts the first that has none, and stays where
//! it is. Entries keep their place, so a hit needs no lock. Alone, it keeps nothing of a loop over more keys than fit:
//! each comes in as the newest, and is evicted unread shortly before its next turn.
//!
//! The queue is S3-FIFO's, after Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023): what comes
//! into a full cache waits in it, for as long as it takes another [`SHARE`]th of the cache to come. What was read by then
//! moves over to SIEVE; what was not is evicted, and its hash is remembered ([`Ghosts`]): if it comes back, it goes past
//! the queue. Of as many hashes as there are entries, since a new set of keys that would fit has to come in though the
//! entries in SIEVE's list are no longer asked for: with half as many, a loop of nine tenths of the capacity never does. And
//! one in [`SEED`] goes past the queue in any case, or nothing of a loop over far more than fit would ever take their place.

use super::ghosts::Ghosts;

const NONE: u32 = u32::MAX;

/// The queue is kept at one entry in so many, and one at least. With 3 % of the entries small caches lose hits (recorded
/// calls, of Twitter), with 7 and 10 % loops do: see `benches/GROWTH.md`.
const SHARE: usize = 20;

/// With 32 instead, recorded calls have a hundredth fewer hits.
const SEED: u8 = 64;

/// A doubly linked list in a vector, so that an entry in the middle leaves in constant time. Its newest part is the queue,
/// the rest is SIEVE's: what moves from one to the other keeps its place.
pub(crate) struct Ring {
    slots: Vec<Slot>,
    free: u32,
    newest: u32,
    oldest: u32,
    /// The oldest in the queue, which ends SIEVE's part; `NONE` if nothing waits there.
    waiting: u32,
    /// How many wait in the queue.
    queued: usize,
    /// The next that the hand looks at, never one in the queue; `NONE` is the oldest.
    hand: u32,
    len: usize,
    /// Something had to go for the entry that comes next, which is to wait in the queue.
    full: bool,
    /// Counts evictions, for [`SEED`].
    turn: u8,
    ghosts: Ghosts,
}

/// An entry, by hash and ticket.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    /// With [`WAITS`], if it is in the queue.
    ticket: u64,
    newer: u32,
    older: u32,
}

/// A bit that no ticket has: they count up from 1.
const WAITS: u64 = 1 << 63;

impl Slot {
    fn waits(&self) -> bool {
        self.ticket & WAITS != 0
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) hash: u64,
    pub(crate) ticket: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            newest: NONE,
            oldest: NONE,
            waiting: NONE,
            queued: 0,
            hand: NONE,
            len: 0,
            full: false,
            turn: 0,
            ghosts: Ghosts::default(),
        }
    }
}

impl Ring {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The place of a slot, if it holds an entry.
    pub(crate) fn at(&self, slot: u32) -> Option<Place> {
        // Tickets start at 1: a free slot has none.
        self.place(slot).filter(|place| place.ticket != 0)
    }

    /// Adds an entry and gives its slot; `None` if four thousand million slots are not enough. It goes to SIEVE if nobody
    /// had to go for it, or if it was here shortly before; else into the queue.
    pub(crate) fn push(&mut self, hash: u64, ticket: u64) -> Option<u32> {
        let waits = std::mem::take(&mut self.full) && !self.ghosts.take(hash);
        let newer = if waits { NONE } else { self.waiting };
        let older = self.slots.get(newer as usize).map_or(self.newest, |newer| newer.older);
        let at = self.fill(Slot { hash, ticket: if waits { ticket | WAITS } else { ticket }, newer, older })?;
        self.link(older, at, newer);
        if waits {
            self.queued += 1;
            if self.waiting == NONE {
                self.waiting = at;
            }
        }
        self.len += 1;
        Some(at)
    }

    /// Puts it into a free slot.
    fn fill(&mut self, slot: Slot) -> Option<u32> {
        if self.free == NONE {
            let at = u32::try_from(self.slots.len()).ok().filter(|at| *at != NONE)?;
            self.slots.push(slot);
            return Some(at);
        }
        let at = self.free;
        self.free = self.slots[at as usize].newer;
        self.slots[at as usize] = slot;
        Some(at)
    }

    /// Tells its neighbours, or the list's ends, that it stands between them.
    fn link(&mut self, older: u32, at: u32, newer: u32) {
        self.join(older, at);
        self.join(at, newer);
    }

    fn join(&mut self, older: u32, newer: u32) {
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
    }

    /// Takes an entry out; its slot is free at once. Nothing if the slot holds another entry.
    pub(crate) fn remove(&mut self, at: u32, ticket: u64) {
        let Some(&slot) = self.slots.get(at as usize) else { return };
        if slot.ticket & !WAITS != ticket {
            return;
        }
        if self.hand == at {
            self.hand = self.next(slot.newer);
        }
        if self.waiting == at {
            self.waiting = slot.newer;
        }
        self.queued -= usize::from(slot.waits());
        self.join(slot.older, slot.newer);
        // Tickets start at 1: a free slot answers to none.
        self.slots[at as usize] = Slot { hash: 0, ticket: 0, newer: self.free, older: NONE };
        self.free = at;
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        }
    }

    /// Where the hand goes on from there: the queue is none of its.
    fn next(&self, newer: u32) -> u32 {
        if newer == self.waiting { NONE } else { newer }
    }

    /// The place of the oldest entry.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.place(self.oldest)
    }

    fn place(&self, slot: u32) -> Option<Place> {
        self.slots.get(slot as usize).map(|at| Place { slot, hash: at.hash, ticket: at.ticket & !WAITS })
    }

    /// Looks at all entries, the oldest first: hash and ticket.
    pub(crate) fn each(&self, mut f: impl FnMut(u64, u64)) {
        let mut at = self.oldest;
        while let Some(slot) = self.slots.get(at as usize) {
            f(slot.hash, slot.ticket & !WAITS);
            at = slot.newer;
        }
    }

    /// Gives the next victim: an entry for which `spare` says no. Asked of an entry three times at most.
    pub(crate) fn victim(&mut self, mut spare: impl FnMut(Place) -> bool) -> Option<Place> {
        self.turn = self.turn.wrapping_add(1);
        self.full = !self.turn.is_multiple_of(SEED) || self.queued == self.len;
        let most = (self.len / SHARE).max(1);
        while self.full && self.queued >= most {
            let place = self.place(self.waiting)?;
            if !spare(place) {
                self.ghosts.add(place.hash, self.len);
                return Some(place);
            }
            self.admit();
        }
        // Two rounds: the first takes all marks, in the second readers may have set a few again. Then any will do.
        for _ in 0..2 * (self.len - self.queued) {
            let place = self.place(if self.hand == NONE { self.oldest } else { self.hand })?;
            self.hand = self.next(self.slots[place.slot as usize].newer);
            if !spare(place) {
                return Some(place);
            }
        }
        self.oldest()
    }

    /// The oldest in the queue becomes SIEVE's newest.
    fn admit(&mut self) {
        let Some(slot) = self.slots.get_mut(self.waiting as usize) else { return };
        slot.ticket &= !WAITS;
        self.waiting = slot.newer;
        self.queued -= 1;
    }
}

#[cfg(test)]
mod tests;
