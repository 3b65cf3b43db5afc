//! What time it is, for expiry: a coarse clock for long times to live, a precise one for short ones, and (feature
//! `test-util`) a clock that tests pause and advance. Must never run backwards, and must never be late.
//!
//! A coarse clock costs a few nanoseconds where [`Instant::now`] costs 20-50, but it lags behind by up to a tick.
//! Expiry must not lag, so a reading has two ends: an entry may end a tick early, never late.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Nanoseconds since the first use of the clock; 584 years fit.
pub(crate) type Nanos = u64;

/// No expiry.
pub(crate) const NEVER: Nanos = Nanos::MAX;

/// More than any coarse tick of these systems (1-10 ms).
const TICK: Nanos = 16_000_000;

struct Base {
    precise: Instant,
    coarse: coarsetime::Instant,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    loop {
        let precise = Instant::now();
        let coarse = coarsetime::Instant::now_without_cache_update();
        // Both at the same moment: a pause between the two would make one of them late for good.
        if precise.elapsed() < Duration::from_millis(1) {
            return Base { precise, coarse };
        }
    }
});

/// Whether the coarse clock is the precise one, only read at each tick. Elsewhere the two may count a sleeping machine's
/// time differently, and the precise clock serves for all.
const SAME_CLOCK: bool = cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd"));

/// A duration as nanoseconds, saturating: `u64::MAX` seconds is as good as never.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(NEVER)
}

/// The system's own monotonic time, which no test clock changes: for waits and watchdogs.
pub(crate) fn real() -> Nanos {
    nanos(BASE.precise.elapsed())
}

/// The precise time, for when an entry begins to live.
pub(crate) fn now() -> Nanos {
    test::override_now().unwrap_or_else(|| real().saturating_add(test::skew()))
}

/// The time as far as a coarse clock can tell.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// It is certainly not earlier than this: when an entry was last read.
    pub(crate) earliest: Nanos,
    /// It is certainly not later than this: whether an entry has ended.
    pub(crate) latest: Nanos,
}

impl Reading {
    /// For entries that never expire: no clock is read.
    pub(crate) const NONE: Self = Self { earliest: 0, latest: 0 };

    /// The precise time.
    pub(crate) fn precise() -> Self {
        let now = now();
        Self { earliest: now, latest: now }
    }

    /// The time give or take a tick, at a fraction of the cost.
    #[inline]
    pub(crate) fn coarse() -> Self {
        if let Some(now) = test::override_now() {
            return Self { earliest: now, latest: now };
        }
        if !SAME_CLOCK {
            return Self::precise();
        }
        let elapsed = coarsetime::Instant::now_without_cache_update().duration_since(BASE.coarse).as_nanos();
        let at = elapsed.saturating_add(test::skew());
        Self { earliest: at.saturating_sub(TICK), latest: at.saturating_add(TICK) }
    }
}

/// The test clock, compiled to nothing without the feature.
#[cfg(not(feature = "test-util"))]
mod test {
    use super::Nanos;

    #[inline]
    pub(super) const fn override_now() -> Option<Nanos> {
        None
    }

    #[inline]
    pub(super) const fn skew() -> Nanos {
        0
    }
}

#[cfg(feature = "test-util")]
pub use test::{Paused, pause};

#[cfg(feature = "test-util")]
mod test {
    use super::{NEVER, Nanos, nanos, now, real};
    use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    /// The paused time, or [`NEVER`] while the clock runs.
    static PAUSED_AT: AtomicU64 = AtomicU64::new(NEVER);
    /// How far the clock runs ahead of the system's: what pauses advanced in all. Never shrinks.
    static SKEW: AtomicU64 = AtomicU64::new(0);
    /// Held while the clock is paused, so that tests which pause it run one after another.
    static TURN: ReentrantMutex<()> = ReentrantMutex::new(());
    static DEPTH: AtomicUsize = AtomicUsize::new(0);

    pub(super) fn override_now() -> Option<Nanos> {
        // SeqCst throughout: a test clock is read across threads and its cost is nobody's concern.
        Some(PAUSED_AT.load(Ordering::SeqCst)).filter(|at| *at != NEVER)
    }

    pub(super) fn skew() -> Nanos {
        SKEW.load(Ordering::SeqCst)
    }

    /// Stops the clock that all caches of the process read, until the returned guard is dropped.
    ///
    /// While it stands still nothing expires; [`Paused::advance`] moves it, exactly. Only expiry reads this clock:
    /// waits for another call's load are bounded in real time.
    ///
    /// The clock belongs to the process. A second test that pauses it waits for the first one's guard; on one thread
    /// pauses nest. Tests that do not pause see time jump ahead, never back, so keep them in another test binary if
    /// they count on entries not to expire.
    ///
    /// ```
    /// use cached_runtime::{Cache, clock};
    /// use std::time::Duration;
    ///
    /// let clock = clock::pause();
    /// let cache = Cache::builder().ttl(Duration::from_secs(60)).build();
    /// cache.set(1, "one");
    /// clock.advance(Duration::from_millis(59_999));
    /// assert_eq!(cache.get(&1), Some("one"));
    /// clock.advance(Duration::from_millis(1));
    /// assert_eq!(cache.get(&1), None);
    /// ```
    #[must_use = "the clock runs again as soon as the guard is dropped"]
    pub fn pause() -> Paused {
        let turn = TURN.lock();
        if DEPTH.fetch_add(1, Ordering::SeqCst) == 0 {
            PAUSED_AT.store(now(), Ordering::SeqCst);
        }
        Paused { _turn: turn }
    }

    /// The clock stands still while this lives; see [`pause`].
    pub struct Paused {
        _turn: ReentrantMutexGuard<'static, ()>,
    }

    impl Paused {
        /// Moves the clock on by `duration`.
        pub fn advance(&self, duration: Duration) {
            let at = PAUSED_AT.load(Ordering::SeqCst).saturating_add(nanos(duration));
            PAUSED_AT.store(at.min(NEVER - 1), Ordering::SeqCst);
        }
    }

    impl std::fmt::Debug for Paused {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Paused").finish_non_exhaustive()
        }
    }

    impl Drop for Paused {
        fn drop(&mut self) {
            if DEPTH.fetch_sub(1, Ordering::SeqCst) == 1 {
                // Time goes on from where the test left it, so that it never runs backwards.
                let ahead = PAUSED_AT.load(Ordering::SeqCst).saturating_sub(real());
                SKEW.fetch_max(ahead, Ordering::SeqCst);
                PAUSED_AT.store(NEVER, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_holds_the_time() {
        for _ in 0..100_000 {
            let before = now();
            let Reading { earliest, latest } = Reading::coarse();
            let after = now();
            assert!(latest >= before, "{latest} lags behind {before}");
            assert!(earliest <= after, "{earliest} runs ahead of {after}");
            assert!(latest - earliest <= 2 * TICK);
        }
    }
}
