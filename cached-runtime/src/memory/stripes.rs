//! Hits that are counted without a lock: each thread on a cache line of its own. Must never be read to decide anything.
//!
//! A thread that counts takes a *seat* of the process for as long as it lives, and in every cache the seat's line has no
//! other writer: a count is a plain load and store, where an atomic addition would cost half a hit. A seat goes from one
//! thread to the next through a mutex, so the next owner sees what the last one stored. Threads beyond the seats there
//! are, and those that are about to end, share some lines and add atomically.

use crate::sync::{AtomicU64, Ordering};
use std::cell::Cell;
use std::sync::OnceLock;

// Not `crate::sync`: no protocol depends on who sits where.
use parking_lot::Mutex;

/// A counter, see the file's head.
pub(crate) struct Stripes {
    own: Box<[Stripe]>,
    shared: [Stripe; SHARED],
}

/// 128 bytes, since the prefetcher of many CPUs fetches cache lines in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

const SHARED: usize = 4;

impl Default for Stripes {
    fn default() -> Self {
        Self { own: (0..seats()).map(|_| Stripe::default()).collect(), shared: Default::default() }
    }
}

impl Stripes {
    #[inline]
    pub(crate) fn count(&self) {
        match self.own.get(SEAT.get()) {
            Some(Stripe(count)) => count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed),
            None => self.count_without_seat(),
        }
    }

    #[cold]
    fn count_without_seat(&self) {
        if SEAT.get() == UNSEATED {
            sit_down();
            if SEAT.get() != UNSEATED {
                return self.count();
            }
        }
        self.shared[SEAT.get() % SHARED].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sum(&self) -> u64 {
        let all = self.own.iter().chain(&self.shared);
        all.map(|Stripe(count)| count.load(Ordering::Relaxed)).sum()
    }
}

/// Enough for the threads that run at once and then some.
fn seats() -> usize {
    static SEATS: OnceLock<usize> = OnceLock::new();
    *SEATS.get_or_init(|| (2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).clamp(8, 64))
}

/// This thread has not counted yet. Far above every seat, as are the numbers of those who stand.
const UNSEATED: usize = usize::MAX;

std::thread_local! {
    static SEAT: Cell<usize> = const { Cell::new(UNSEATED) };
    static LEAVE: Leave = const { Leave };
}

static ROOM: Mutex<Room> = Mutex::new(Room { free: Vec::new(), taken: 0, standing: 0 });

struct Room {
    free: Vec<usize>,
    taken: usize,
    standing: usize,
}

/// Takes a seat for this thread, or a number to stand with if there is none or the thread ends.
fn sit_down() {
    let lives = LEAVE.try_with(|_| ()).is_ok();
    let mut room = ROOM.lock();
    let seat = if !lives {
        None
    } else if let Some(seat) = room.free.pop() {
        Some(seat)
    } else {
        (room.taken < seats()).then(|| {
            room.taken += 1;
            room.taken - 1
        })
    };
    SEAT.set(seat.unwrap_or_else(|| {
        room.standing = (room.standing + 1) % SHARED;
        usize::MAX / 2 + room.standing
    }));
}

/// Gives the seat back when the thread ends.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        // What this thread counts from here on, in the drops of other thread-locals, it counts standing.
        let seat = SEAT.replace(usize::MAX / 2);
        if seat < seats() {
            ROOM.lock().free.push(seat);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn no_hit_is_lost_however_many_threads_come_and_go() {
        let stripes = Stripes::default();
        for _ in 0..4 {
            std::thread::scope(|scope| {
                for _ in 0..2 * seats() {
                    scope.spawn(|| (0..1000).for_each(|_| stripes.count()));
                }
            });
        }
        assert_eq!(stripes.sum(), 4 * 2 * 1000 * seats() as u64);
    }
}
