//! When entries of a shard end, for the sweeper: for each block of places, the time before which none of its entries
//! ends. Must never hold a key or a value, and must never be late.
//!
//! A heap or a wheel would want 16 to 24 bytes and a note to keep up to date for each entry. This is an eighth of a byte
//! and a comparison: a time here may be too early (its entry went, or was read since), never too late. A block whose
//! time has come is looked through, what has ended goes, and the block gets its new time.

use crate::clock::{NEVER, Nanos};

/// So many places make a block.
pub(crate) const BLOCK: u32 = 64;

/// See the file's head.
pub(crate) struct Expiry {
    blocks: Vec<Nanos>,
    /// No block's time is before this.
    soonest: Nanos,
    /// The block to look at next.
    next: usize,
}

impl Default for Expiry {
    fn default() -> Self {
        Self { blocks: Vec::new(), soonest: NEVER, next: 0 }
    }
}

impl Expiry {
    /// The entry at this place ends at this time, or later.
    #[inline]
    pub(crate) fn note(&mut self, place: u32, at: Nanos) {
        if at == NEVER {
            return;
        }
        let block = (place / BLOCK) as usize;
        if block >= self.blocks.len() {
            self.blocks.resize(block + 1, NEVER);
        }
        self.blocks[block] = self.blocks[block].min(at);
        self.soonest = self.soonest.min(at);
    }

    /// Whether anything may have ended.
    #[inline]
    pub(crate) fn is_due(&self, now: Nanos) -> bool {
        self.soonest <= now
    }

    /// The first place of a block whose time has come, out of the next so many blocks; its time is forgotten, and those
    /// that stay in it are to be noted anew. `Err` if none of them is due: whether there are more to look at.
    pub(crate) fn take_due(&mut self, now: Nanos, look: usize) -> Result<u32, bool> {
        if !self.is_due(now) {
            return Err(false);
        }
        for _ in 0..look {
            if self.next >= self.blocks.len() {
                // Once around: what is not due now, and was noted since, is what counts.
                self.next = 0;
                self.soonest = self.blocks.iter().copied().min().unwrap_or(NEVER);
                if !self.is_due(now) {
                    return Err(false);
                }
            }
            let block = self.next;
            self.next += 1;
            if self.blocks[block] <= now {
                self.blocks[block] = NEVER;
                return u32::try_from(block).map(|block| block * BLOCK).map_err(|_| false);
            }
        }
        Err(true)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
