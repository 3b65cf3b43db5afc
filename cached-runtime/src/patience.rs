//! How a thread waits for a lock that others hold for some nanoseconds. Must never wait for long without giving its CPU
//! away: who holds the lock may need it.
//!
//! A shard's lock is held for a look-up or an insertion, some 10 to 100 ns. For those, a lock that is released by a plain
//! store costs a third less than one that must look whether somebody sleeps, and whoever finds it taken gets it sooner by
//! waiting awake than by being put to sleep and woken (a system call each). The few longer holds (a sweep's portion, a
//! table that grows, a user's slow `Clone`), and holders that the system has interrupted, are waited for asleep, a little
//! longer each time but at most a millisecond: there is no waking, hence nothing that could be lost.
//!
//! No thread waits for ever beside others that come and go: after each sleep it tries awake again for some rounds, and
//! none of those it competes with has a right to the lock that it has not.

use std::time::Duration;

/// The wait of one thread for one lock.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    round: u32,
}

/// Rounds that are waited awake, each twice as long as the one before, one and a half microseconds in all.
const AWAKE: u32 = 2;
/// The first of them, in pauses: half a microsecond. Each look takes the lock's cache line from who holds it, and each
/// time the lock changes hands so do the lines that it guards, which costs as much as ten hits: who waits a little longer
/// lets the other do forty in between. (Two threads on one key, nanoseconds a hit: 20 after one pause, 12 to 20 after sixteen,
/// by what else the machine does.)
const PAUSES: u32 = 16;
/// Rounds in which whoever else is ready to run may.
const YIELDING: u32 = 10;
/// One sleep after the other: 32 microseconds first, a millisecond at most.
const SLEEPS: u32 = 6;

impl spinning_top::relax::Relax for Patience {
    #[cold]
    fn relax(&mut self) {
        let round = self.round % (AWAKE + YIELDING + 1);
        if round < AWAKE {
            (0..PAUSES << round).for_each(|_| std::hint::spin_loop());
        } else if round < AWAKE + YIELDING {
            std::thread::yield_now();
        } else {
            let slept = self.round / (AWAKE + YIELDING + 1);
            std::thread::sleep(Duration::from_micros(32 << slept.min(SLEEPS - 1)));
        }
        self.round = self.round.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spinning_top::relax::Relax;
    use std::time::Instant;

    #[test]
    fn who_waits_long_sleeps_a_little_longer_each_time_but_never_for_long() {
        let mut patience = Patience::default();
        for slept in 0..3 {
            (0..AWAKE + YIELDING).for_each(|_| patience.relax());
            let began = Instant::now();
            patience.relax();
            assert!(began.elapsed() >= Duration::from_micros(32 << slept));
        }
        assert!(Duration::from_micros(32 << (SLEEPS - 1)) <= Duration::from_micros(1024));
    }
}
