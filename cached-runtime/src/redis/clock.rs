//! What the server's clock shows, by this process's monotonic one. Must never step back because this machine's wall clock
//! does.

use parking_lot::Mutex;
use redis::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The difference of the clocks is looked at again after this.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Clock {
    /// The server's time since the epoch, at this moment here.
    known: Mutex<Option<(Duration, Instant)>>,
    begun: Instant,
    /// In milliseconds from then. Each operation looks at it, so no lock is around it; of two that find it is time, one wins.
    ask_at: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let begun = Instant::now();
        Self { known: Mutex::new(None), begun, ask_at: AtomicU64::new(after(AGAIN)) }
    }

    /// The server's time now, since the epoch.
    pub(crate) fn now(&self) -> Option<Duration> {
        let (then, at) = (*self.known.lock())?;
        Some(then + at.elapsed())
    }

    /// The moment to give to `answered`.
    pub(crate) fn asked(&self) -> Instant {
        let now = Instant::now();
        self.ask_at.store(after(now.saturating_duration_since(self.begun) + AGAIN), Ordering::Relaxed);
        now
    }

    /// True for the one who is to ask, now and then.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.begun);
        let ask_at = self.ask_at.load(Ordering::Relaxed);
        after(since) >= ask_at
            && self.ask_at.compare_exchange(ask_at, after(since + AGAIN), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The answer to TIME: seconds and microseconds, as text.
    pub(crate) fn answered(&self, asked: Instant, answer: &Value) {
        let Value::Array(parts) = answer else { return };
        let number = |part: Option<&Value>| match part {
            Some(Value::BulkString(text)) => std::str::from_utf8(text).ok()?.parse::<u64>().ok(),
            Some(Value::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        if let (Some(seconds), Some(micros)) = (number(parts.first()), number(parts.get(1))) {
            let now = Instant::now();
            // The clock was read somewhere between question and answer.
            let middle = asked + (now - asked) / 2;
            let time = Duration::from_secs(seconds) + Duration::from_micros(micros.min(999_999));
            *self.known.lock() = Some((time, middle));
        }
    }
}

fn after(since: Duration) -> u64 {
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_on_from_the_answer_and_ignores_nonsense() {
        let clock = Clock::new();
        assert_eq!(clock.now(), None);
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        clock.answered(clock.asked(), &Value::Array(vec![text("x"), text("1")]));
        clock.answered(clock.asked(), &Value::Nil);
        assert_eq!(clock.now(), None);
        clock.answered(clock.asked(), &Value::Array(vec![text("1700000000"), text("250000")]));
        let known = clock.now().unwrap();
        assert!(known >= Duration::from_millis(1_700_000_000_250) && known < Duration::from_secs(1_700_000_010));
        assert!(clock.now().unwrap() >= known);
    }

    #[test]
    fn one_asks_again_after_a_while() {
        let clock = Clock::new();
        let now = Instant::now();
        assert!(!clock.is_due(now));
        assert!(clock.is_due(now + 2 * AGAIN));
        assert!(!clock.is_due(now + 2 * AGAIN));
    }
}
