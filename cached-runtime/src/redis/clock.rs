//! What the server's clock shows, by this process's monotonic one. Must never step back because this machine's wall clock
//! does.

use parking_lot::Mutex;
use redis::Value;
use std::time::{Duration, Instant};

/// The difference of the clocks is looked at again after this.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Clock(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The server's time since the epoch, at this moment here.
    known: Option<(Duration, Instant)>,
    ask_at: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { known: None, ask_at: Instant::now() + AGAIN }))
    }

    /// The server's time now, since the epoch.
    pub(crate) fn now(&self) -> Option<Duration> {
        let (then, at) = self.0.lock().known?;
        Some(then + at.elapsed())
    }

    /// The moment to give to `answered`.
    pub(crate) fn asked(&self) -> Instant {
        let now = Instant::now();
        self.0.lock().ask_at = now + AGAIN;
        now
    }

    /// True for the one who is to ask, now and then.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let mut state = self.0.lock();
        let due = now >= state.ask_at;
        if due {
            state.ask_at = now + AGAIN;
        }
        due
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
            self.0.lock().known = Some((time, middle));
        }
    }
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
