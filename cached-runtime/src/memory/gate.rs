//! The gates of keys that are loaded or written at the moment, and what a call asks of one. Must only be touched under the
//! shard's lock, and must never wait or run a body.
//!
//! What goes on at a gate is in [`loads`](super::loads), and there is why it keeps promise 3.
//!
//! The gate owns the key; a load only carries hash and ticket, and takes the key out when it is the last to leave.

use super::loads::Loads;
use crate::flight::Flight;
use crate::pulse::Pulse;
use crate::tags::Tags;
use std::sync::Arc;

/// A key, and its loads.
pub(crate) struct Gate<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) loads: Loads<V>,
}

impl<K, V> Gate<K, V> {
    /// A gate that is about to have its first load or writer.
    pub(crate) fn empty(hash: u64, key: K) -> Self {
        Self { hash, key, loads: Loads::default() }
    }
}

/// Why a call asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It looks for an entry, and counts as a hit or a miss.
    Call,
    /// The same call asks once more, after a wait that brought nothing.
    Again,
    /// It wants a load of its own, whatever there is or is under way (`refresh`).
    Anew,
}

/// What a call asks of the gate.
pub struct Ask<'a, V> {
    pub(crate) purpose: Purpose,
    /// Whether it may wait for others, and others for it.
    pub(crate) coalesce: bool,
    /// An async caller can wait for any leader; a sync one only for sync leaders, since the leader's task might be
    /// waiting to be polled by this very thread.
    pub(crate) asynchronous: bool,
    /// It may not wait (any more): it waited to its bound, or would close a cycle.
    pub(crate) now: bool,
    /// As a power of two, how many loads it may join the number of: see [`crate::flight::Landing::Failed`].
    pub(crate) wave: u32,
    /// A flight it gave up on: nobody else shall wait for it either.
    pub(crate) given_up: Option<&'a Arc<Flight<V>>>,
    /// The tags of what it would load.
    pub(crate) tags: Tags,
    /// Where the wake-ups of its body are noted, if that body loads other keys as well.
    pub(crate) pulse: Option<&'a Arc<Pulse>>,
}

impl<V> Default for Ask<'_, V> {
    fn default() -> Self {
        let purpose = Purpose::Call;
        let tags = Tags::default();
        Self { purpose, coalesce: true, asynchronous: false, now: false, wave: 0, given_up: None, tags, pulse: None }
    }
}

/// A load to run: its ticket and, for an async one, where its wake-ups are noted.
pub struct Lead {
    pub(crate) ticket: u64,
    pub(crate) pulse: Option<Arc<Pulse>>,
    pub(crate) how: How,
}

/// How a load is run. One word: small fields that are written one by one and moved as one must first reach the cache,
/// which took as long as a hit.
#[derive(Clone, Copy)]
pub(crate) struct How(u64);

impl How {
    const TIMED: u64 = 1;
    const CLOCKED: u64 = 2;
    /// Thirty bits for a number of loads.
    const NTH: u64 = 0x3FFF_FFFF;

    /// `nth`: as the how manieth of its shard it begins.
    pub(crate) fn new(timed: bool, clocked: bool, nth: u64, wave: u32) -> Self {
        let flags = (u64::from(timed) * Self::TIMED) | (u64::from(clocked) * Self::CLOCKED);
        Self(flags | ((nth & Self::NTH) << 2) | (u64::from(wave) << 32))
    }

    /// How many loads have begun since, of `begun` in all.
    pub(crate) fn since(self, begun: u64) -> u64 {
        begun.wrapping_sub(self.0 >> 2) & Self::NTH
    }

    /// Whether its time is to be taken.
    pub(crate) fn is_timed(self) -> bool {
        self.0 & Self::TIMED != 0
    }

    /// Whether its time by the cache's own clock is to be taken too, since it decides about the entry's renewal.
    pub(crate) fn is_clocked(self) -> bool {
        self.0 & Self::CLOCKED != 0
    }

    /// How many waves of loads of this key have failed before it.
    pub(crate) fn wave(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
