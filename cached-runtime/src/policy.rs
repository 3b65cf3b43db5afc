//! How long an entry lives, and what may be done with it at a time: decisions over times, and which clock they want. Must
//! never lock or know an entry.
//!
//! ```text
//! stored        refresh_at        fresh_until            stale_until            ends
//!   |-- Fresh -----|-- Refresh -------|-- StaleOk -----------|-- OnlyOnError -----|-- Ended
//!                  refresh_ahead      ttl                    + stale_while_       + the longer of
//!                                                            revalidate           the two windows
//! ```

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
    pub(crate) windows: Windows,
}

/// What a cache does about values that grow old. (RFC 5861 for the first two.)
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Windows {
    /// How long past its ttl a value is served while one call renews it.
    pub(crate) while_revalidate: Nanos,
    /// How long past its ttl a value is served where a load fails.
    pub(crate) if_error: Nanos,
    pub(crate) refresh_ahead: Option<RefreshAhead>,
}

/// When an entry is renewed before it expires, so that nobody waits for it.
///
/// ```
/// use cached_runtime::{Cache, RefreshAhead};
/// use std::time::Duration;
///
/// // The first call past four fifths of the ttl renews the entry, while the others are given the old value.
/// let prices: Cache<u32, u64> = Cache::builder().ttl(Duration::from_secs(60)).refresh_ahead(0.8).build();
/// # prices.set(1, 1);
/// let xfetch = RefreshAhead::xfetch();
/// # assert_ne!(xfetch, 0.8.into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefreshAhead(Ahead);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ahead {
    /// From this share of the ttl on, between 0 and 1.
    Share(f64),
    XFetch,
}

impl RefreshAhead {
    /// By chance, the likelier the closer the end and the longer the entry's own load took: `now - load_time * ln(u) >=
    /// end` for a random `u` from 0 to 1 (Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
    /// Prevention", VLDB 2015, with beta = 1). Entries that load fast are renewed at the last moment, slow ones in
    /// time.
    pub const fn xfetch() -> Self {
        Self(Ahead::XFetch)
    }
}

/// From this share of the ttl on. What lies outside of 0 to 1 is brought to the nearer end; 1 and NaN renew nothing
/// ahead.
impl From<f64> for RefreshAhead {
    fn from(share: f64) -> Self {
        Self(Ahead::Share(if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }))
    }
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
    /// Until when it is served past its time to live without further ado.
    pub(crate) stale_until: Nanos,
    /// When it ends, whatever happens: its time to live and its windows are over.
    pub(crate) ends: Nanos,
    /// How long its load took, where chance decides about renewing it.
    pub(crate) load_time: Option<Nanos>,
}

/// What may be done with an entry now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Serve it.
    Fresh,
    /// Serve it; one call renews it.
    Refresh,
    /// Its time to live is over. Serve it; one call renews it.
    StaleOk,
    /// Load; serve it only if that fails.
    OnlyOnError,
    /// Nothing.
    Ended,
}

impl Stage {
    /// Whether a call is given the entry without waiting for a load.
    pub(crate) fn is_served_at_once(self) -> bool {
        matches!(self, Self::Fresh | Self::Refresh | Self::StaleOk)
    }
}

/// Beyond so many load times before the end, chance says "renew" once in e^40 times: it is not asked.
const HORIZON: u64 = 40;

/// After a failed load, how long the old value is served before the next try, at most.
const THROTTLE: Nanos = 1_000_000_000;

impl Life {
    /// The life of an entry without windows.
    pub(crate) const fn plain(deadline: Nanos) -> Self {
        Self { refresh_at: deadline, fresh_until: deadline, stale_until: deadline, ends: deadline, load_time: None }
    }

    /// Whether one time says it all.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::plain(self.refresh_at)
    }

    /// What may be done with it at `now`; `dice` is uniform over `u64`.
    pub(crate) fn stage(&self, now: Nanos, dice: impl FnOnce() -> u64) -> Stage {
        if now >= self.ends {
            Stage::Ended
        } else if now < self.refresh_at {
            Stage::Fresh
        } else if now < self.fresh_until {
            let due = self.load_time.is_none_or(|load_time| xfetch(self.fresh_until - now, load_time, dice()));
            if due { Stage::Refresh } else { Stage::Fresh }
        } else if now < self.stale_until {
            Stage::StaleOk
        } else {
            Stage::OnlyOnError
        }
    }

    /// How long after a failed load the old value is served without another try: a second, at most a tenth of the time
    /// in which it may be.
    pub(crate) fn throttle(&self) -> Nanos {
        let window = match self.ends - self.fresh_until {
            0 => self.fresh_until - self.refresh_at,
            window => window,
        };
        THROTTLE.min(window / 10)
    }
}

/// Whether chance wants a renewal `left` before the end: `now - load_time * ln(u) >= end`.
fn xfetch(left: Nanos, load_time: Nanos, dice: u64) -> bool {
    // From 2^-64 to 1: never 0, whose logarithm is infinite.
    #[expect(clippy::cast_precision_loss, reason = "chance does not mind the last digits")]
    let (u, load_time, left) = ((dice as f64 + 1.0) / 2_f64.powi(64), load_time as f64, left as f64);
    -load_time * u.ln() >= left
}

impl Policy {
    pub(crate) fn new(ttl: Option<Duration>, tti: Option<Duration>, jitter: Option<Jitter>) -> Self {
        Self { ttl: ttl.map(clock::nanos), tti: tti.map(clock::nanos), jitter, windows: Windows::default() }
    }

    /// The same with these windows.
    pub(crate) fn with_windows(self, windows: Windows) -> Self {
        Self { windows, ..self }
    }

    /// Whether a value may be served past its ttl.
    pub(crate) fn has_stale(&self) -> bool {
        self.windows.while_revalidate.max(self.windows.if_error) > 0
    }

    /// How long past its ttl a value may be served at most.
    #[cfg(feature = "redis")]
    pub(crate) fn stale(&self) -> Duration {
        Duration::from_nanos(self.windows.while_revalidate.max(self.windows.if_error))
    }

    /// Whether the time of each load matters.
    pub(crate) fn wants_load_time(&self) -> bool {
        self.windows.refresh_ahead == Some(RefreshAhead::xfetch())
    }

    /// The life of an entry that is stored at `now` after a load of `load_time`; the rest as for
    /// [`deadline`](Self::deadline).
    pub(crate) fn life(&self, now: Nanos, own: Option<Duration>, dice: u64, load_time: Nanos) -> Option<Life> {
        let fresh_until = self.deadline(now, own, dice)?;
        if fresh_until == NEVER {
            return Some(Life::plain(NEVER));
        }
        let Windows { while_revalidate, if_error, refresh_ahead } = self.windows;
        let ttl = fresh_until - now;
        let ahead = match refresh_ahead.map(|ahead| ahead.0) {
            None => 0,
            Some(Ahead::Share(share)) => ttl - of(ttl, share).min(ttl),
            Some(Ahead::XFetch) => load_time.saturating_mul(HORIZON).min(ttl),
        };
        Some(Life {
            refresh_at: fresh_until - ahead,
            fresh_until,
            stale_until: fresh_until.saturating_add(while_revalidate),
            ends: fresh_until.saturating_add(while_revalidate.max(if_error)),
            load_time: self.wants_load_time().then_some(load_time),
        })
    }

    /// Whether an entry is renewed while it is served.
    #[cfg(feature = "redis")]
    pub(crate) fn renews(&self) -> bool {
        self.has_stale() || self.windows.refresh_ahead.is_some()
    }

    /// How long an entry is there at most, stale or not; `None`: without an end.
    #[cfg(feature = "redis")]
    pub(crate) fn lasts(&self) -> Option<Duration> {
        let windows = self.windows.while_revalidate.max(self.windows.if_error);
        self.ttl.map(|ttl| Duration::from_nanos(ttl.saturating_add(windows)))
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
        let Windows { while_revalidate, if_error, .. } = policy.windows;
        let windows = [while_revalidate, if_error].into_iter().filter(|window| *window > 0);
        for time in policy.ttl.into_iter().chain(policy.tti).chain(windows) {
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
            Amount::Share(share) => of(ttl, share),
        };
        // The high half of the product: uniform over 0..=most without a division.
        let cut = (u128::from(dice) * (u128::from(most) + 1)) >> 64;
        Nanos::try_from(cut).unwrap_or(most)
    }
}

/// A share of a time. Nanoseconds beyond 2^53 (104 days) lose their last digits, which nobody here minds.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn of(time: Nanos, share: f64) -> Nanos {
    (time as f64 * share) as Nanos
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
