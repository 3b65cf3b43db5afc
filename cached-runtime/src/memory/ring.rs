//! The order of SIEVE: a queue of what was inserted when, and a hand that walks it. Must never know keys or values.
//!
//! After Zhang et al., "SIEVE is Simpler than LRU" (NSDI 2024): a hit only marks an entry; the hand walks from the oldest
//! to the newest, takes the mark off those that have one and evicts the first that has none, and stays where it is.
//! Entries keep their place, so a hit needs no lock.

const NONE: u32 = u32::MAX;

/// A doubly linked list in a vector, so that an entry in the middle leaves in constant time.
pub(crate) struct Ring {
    slots: Vec<Slot>,
    free: u32,
    newest: u32,
    oldest: u32,
    /// The next that the hand looks at; `NONE` is the oldest.
    hand: u32,
    len: usize,
}

/// An entry, by hash and ticket.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    ticket: u64,
    newer: u32,
    older: u32,
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
        Self { slots: Vec::new(), free: NONE, newest: NONE, oldest: NONE, hand: NONE, len: 0 }
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

    /// Adds the newest entry and gives its slot; `None` if four thousand million slots are not enough.
    pub(crate) fn push(&mut self, hash: u64, ticket: u64) -> Option<u32> {
        let slot = Slot { hash, ticket, newer: NONE, older: self.newest };
        let at = if self.free == NONE {
            let at = u32::try_from(self.slots.len()).ok().filter(|at| *at != NONE)?;
            self.slots.push(slot);
            at
        } else {
            let at = self.free;
            self.free = self.slots[at as usize].newer;
            self.slots[at as usize] = slot;
            at
        };
        match self.newest {
            NONE => self.oldest = at,
            newest => self.slots[newest as usize].newer = at,
        }
        self.newest = at;
        self.len += 1;
        Some(at)
    }

    /// Takes an entry out; its slot is free at once. Nothing if the slot holds another entry.
    pub(crate) fn remove(&mut self, at: u32, ticket: u64) {
        let Some(&Slot { newer, older, ticket: here, .. }) = self.slots.get(at as usize) else { return };
        if here != ticket {
            return;
        }
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
        if self.hand == at {
            self.hand = newer;
        }
        // Tickets start at 1: a free slot answers to none.
        self.slots[at as usize] = Slot { hash: 0, ticket: 0, newer: self.free, older: NONE };
        self.free = at;
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        }
    }

    /// The place of the oldest entry.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.place(self.oldest)
    }

    fn place(&self, slot: u32) -> Option<Place> {
        self.slots.get(slot as usize).map(|at| Place { slot, hash: at.hash, ticket: at.ticket })
    }

    /// Looks at all entries, the oldest first: hash and ticket.
    pub(crate) fn each(&self, mut f: impl FnMut(u64, u64)) {
        let mut at = self.oldest;
        while let Some(slot) = self.slots.get(at as usize) {
            f(slot.hash, slot.ticket);
            at = slot.newer;
        }
    }

    /// Moves the hand to the next victim: an entry for which `spare` says no. Asked of an entry twice at most.
    pub(crate) fn victim(&mut self, mut spare: impl FnMut(Place) -> bool) -> Option<Place> {
        // Two rounds: the first takes all marks, in the second readers may have set a few again. Then any will do.
        for _ in 0..2 * self.len {
            let place = self.place(if self.hand == NONE { self.oldest } else { self.hand })?;
            self.hand = self.slots[place.slot as usize].newer;
            if !spare(place) {
                return Some(place);
            }
        }
        self.oldest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn order(ring: &Ring) -> Vec<u64> {
        let mut tickets = Vec::new();
        ring.each(|_, ticket| tickets.push(ticket));
        tickets
    }

    #[test]
    fn the_hand_spares_what_was_visited() {
        let mut ring = Ring::default();
        let slots: Vec<_> = (1..=4).map(|t| ring.push(t * 10, t).unwrap()).collect();
        let mut visited = HashSet::from([1, 3]);
        let mut evict = |ring: &mut Ring| {
            let Place { slot, ticket, .. } = ring.victim(|place| visited.remove(&place.ticket)).unwrap();
            assert_eq!(slot, slots[usize::try_from(ticket).unwrap() - 1]);
            ring.remove(slot, ticket);
            ticket
        };
        // 1 is spared, 2 goes; 3 is spared, 4 goes; the hand starts over: 1, 3.
        assert_eq!([evict(&mut ring), evict(&mut ring), evict(&mut ring), evict(&mut ring)], [2, 4, 1, 3]);
        assert_eq!(ring.len(), 0);
    }

    #[test]
    fn removal_keeps_the_order_and_frees_the_slot() {
        let mut ring = Ring::default();
        let slots: Vec<_> = (1..=5).map(|t| ring.push(0, t).unwrap()).collect();
        ring.remove(slots[2], 3);
        ring.remove(slots[2], 3);
        ring.remove(slots[0], 1);
        assert_eq!(order(&ring), [2, 4, 5]);
        assert_eq!(ring.push(0, 6), Some(slots[0]));
        ring.remove(slots[0], 1);
        assert_eq!(order(&ring), [2, 4, 5, 6]);
        assert_eq!(ring.slots.len(), 5);
    }
}
