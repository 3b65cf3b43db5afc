//! How long an entry lives: decisions over times, and which clock they want. Must never lock or know an entry.

use crate::clock::{self, NEVER, Nanos, Reading};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::watchdog::{self, Sweep};
use std::sync::Weak;
use std::time::Duration;

/// Below this, expiry reads the precise clock: a coarse tick would be a noticeable part of so short a life.
const PRECISE_BELOW: Nanos = 1_000_000_000;

/// The times of a cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    ttl: Option<Nanos>,
    tti: Option<Nanos>,
    jitter: Option<Jitter>,
}

/// By how much the time to live of each entry is shortened at random, so that entries which were loaded together do not
/// expire together.
///
/// ```
/// use cached_runtime::Jitter;
/// use std::time::Duration;
///
/// let share: Jitter = 0.1.into();                     // up to a tenth of the ttl
/// let fixed: Jitter = Duration::from_secs(5).into();  // up to five seconds
/// # assert_ne!(share, fixed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter(Amount);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    /// Between 0 and 1, of the ttl.
    Share(f64),
    Fixed(Nanos),
}

/// A share of the ttl. What lies outside of 0 to 1 is brought to the nearer end; NaN counts as 0.
impl From<f64> for Jitter {
    fn from(share: f64) -> Self {
        Self(Amount::Share(if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }))
    }
}

/// A fixed amount, at most the ttl itself.
impl From<Duration> for Jitter {
    fn from(amount: Duration) -> Self {
        Self(Amount::Fixed(clock::nanos(amount)))
    }
}

/// The times of one entry, decided when it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// From then on a hit asks whether to renew the entry: at the latest when it is not fresh any more.
    pub(crate) refresh_at: Nanos,
    /// When its time to live ends.
    pub(crate) fresh_until: Nanos,
    /// When it ends, whatever happens: its time to live and its windows are over.
    pub(crate) ends: Nanos,
}

impl Life {
    /// The life of an entry without windows.
    pub(crate) const fn plain(deadline: Nanos) -> Self {
        Self { refresh_at: deadline, fresh_until: deadline, ends: deadline }
    }

    /// Whether one time says it all.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::plain(self.refresh_at)
    }
}

impl Policy {
    pub(crate) fn new(ttl: Option<Duration>, tti: Option<Duration>, jitter: Option<Jitter>) -> Self {
        Self { ttl: ttl.map(clock::nanos), tti: tti.map(clock::nanos), jitter }
    }

    /// How long an entry is there at most, stale or not; `None`: without an end.
    #[cfg(feature = "redis")]
    pub(crate) fn lasts(&self) -> Option<Duration> {
        self.ttl.map(Duration::from_nanos)
    }

    #[inline]
    pub(crate) fn tti(&self) -> Option<Nanos> {
        self.tti
    }

    /// When an entry that is stored at `now` ends, with `own` as its own ttl if it has one and `dice` for its jitter;
    /// `None` if it would not live at all.
    pub(crate) fn deadline(&self, now: Nanos, own: Option<Duration>, dice: u64) -> Option<Nanos> {
        if self.tti == Some(0) {
            return None;
        }
        match own.map(clock::nanos).or(self.ttl) {
            None => Some(NEVER),
            Some(0) => None,
            Some(ttl) => {
                let cut = self.jitter.map_or(0, |jitter| jitter.cut(ttl, dice)).min(ttl - 1);
                Some(now.saturating_add(ttl - cut))
            }
        }
    }
}

/// A policy, and which clock it takes to keep it.
///
/// Whether anything can expire is mostly known when the cache is built, but a value may bring a ttl of its own
/// (`cache_err = "5s"`). The flags only ever turn on, before such an entry is published (under the shard's lock, and
/// with the map's own release store for lock-free readers), so whoever finds the entry sees them: relaxed is enough.
pub(crate) struct Times {
    pub(crate) policy: Policy,
    timed: AtomicBool,
    precise: AtomicBool,
    /// Who is to be swept once something can expire, unless that was so from the start.
    waiting: Mutex<Option<Weak<dyn Sweep>>>,
}

impl Times {
    pub(crate) fn new(policy: Policy) -> Self {
        let times =
            Self { policy, timed: AtomicBool::new(false), precise: AtomicBool::new(false), waiting: Mutex::new(None) };
        for time in policy.ttl.into_iter().chain(policy.tti) {
            times.note_nanos(time);
        }
        times
    }

    /// An entry lives for this long.
    pub(crate) fn note(&self, ttl: Duration) {
        self.note_nanos(clock::nanos(ttl));
    }

    fn note_nanos(&self, time: Nanos) {
        if time < PRECISE_BELOW {
            self.precise.store(true, Ordering::Relaxed);
        }
        if !self.any()
            && !self.timed.swap(true, Ordering::Relaxed)
            && let Some(cache) = self.waiting.lock().take()
        {
            watchdog::sweep(cache);
        }
    }

    /// Has `cache` swept, from when something can expire.
    pub(crate) fn when_timed(&self, cache: Weak<dyn Sweep>) {
        let mut waiting = self.waiting.lock();
        if self.any() {
            drop(waiting);
            watchdog::sweep(cache);
        } else {
            *waiting = Some(cache);
        }
    }

    /// Whether anything can expire.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.timed.load(Ordering::Relaxed)
    }

    /// The time, read only if anything can expire.
    #[inline]
    pub(crate) fn reading(&self) -> Reading {
        if !self.any() {
            Reading::NONE
        } else if self.precise.load(Ordering::Relaxed) {
            Reading::precise()
        } else {
            Reading::coarse()
        }
    }
}

impl Jitter {
    /// A random part of the amount; `dice` is uniform over `u64`.
    fn cut(self, ttl: Nanos, dice: u64) -> Nanos {
        let most = match self.0 {
            Amount::Fixed(nanos) => nanos.min(ttl),
            // Nanoseconds beyond 2^53 (104 days) lose their last digits, which jitter does not mind.
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Amount::Share(share) => (ttl as f64 * share) as Nanos,
        };
        // The high half of the product: uniform over 0..=most without a division.
        let cut = (u128::from(dice) * (u128::from(most) + 1)) >> 64;
        Nanos::try_from(cut).unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_saturates() {
        let policy = Policy::new(Some(Duration::MAX), None, Some(0.5.into()));
        assert!(policy.deadline(NEVER - 5, None, 0).is_some());
        assert_eq!(Policy::new(Some(Duration::MAX), None, None).deadline(1, None, 0), Some(NEVER));
    }

    #[test]
    fn a_time_of_zero_stores_nothing() {
        assert_eq!(Policy::new(Some(Duration::ZERO), None, None).deadline(1, None, 0), None);
        assert_eq!(Policy::new(None, Some(Duration::ZERO), None).deadline(1, None, 0), None);
        assert_eq!(Policy::default().deadline(1, Some(Duration::ZERO), 0), None);
    }

    #[test]
    fn jitter_shortens_and_never_to_nothing() {
        for (jitter, least) in [(Jitter::from(0.1), 90), (Duration::from_nanos(30).into(), 70), (7.0.into(), 1)] {
            let policy = Policy::new(Some(Duration::from_nanos(100)), None, Some(jitter));
            assert_eq!(policy.deadline(0, None, 0), Some(100));
            assert_eq!(policy.deadline(0, None, u64::MAX), Some(least));
        }
        assert_eq!(Jitter::from(f64::NAN), Jitter::from(0.0));
    }
}
