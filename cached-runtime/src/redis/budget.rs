//! How much longer one call of a cached function may take because of the cache. Must never count the time in which the
//! function's own body runs.

use crate::error::Error;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The extra time that one call may still spend on Redis; shared by all of its operations.
///
/// Operations are charged for the time that they take, so the body in between them is free. The first timeout, or the
/// last of the time, ends it: every further operation of the call fails at once, with the same error.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    total: Duration,
    spent: Duration,
    over: Option<Error>,
}

impl Budget {
    pub(crate) fn new(total: Duration) -> Self {
        Self(Arc::new(Mutex::new(State { total, spent: Duration::ZERO, over: None })))
    }

    /// What is left, or the error that ended it.
    pub(crate) fn left(&self) -> Result<Duration, Error> {
        let state = self.0.lock();
        match &state.over {
            Some(error) => Err(error.clone()),
            None => Ok(state.total.saturating_sub(state.spent)),
        }
    }

    /// Connecting for the first time may take longer.
    pub(crate) fn at_least(&self, total: Duration) {
        let mut state = self.0.lock();
        state.total = state.total.max(total);
    }

    /// Nothing of this call is tried any more.
    pub(crate) fn end(&self, error: &Error) {
        self.0.lock().over.get_or_insert_with(|| error.clone());
    }

    /// Charges from `since` until the guard is dropped.
    pub(crate) fn charge(&self, since: Instant) -> Charge {
        Charge { budget: self.clone(), since }
    }

    pub(crate) fn total(&self) -> Duration {
        self.0.lock().total
    }
}

/// The time until this is dropped counts, also when the operation is cancelled.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Budget,
    since: Instant,
}

impl Drop for Charge {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        let mut state = self.budget.0.lock();
        state.spent = state.spent.saturating_add(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_the_time_of_operations_counts() {
        let budget = Budget::new(SECOND);
        drop(budget.charge(Instant::now().checked_sub(SECOND / 4).unwrap()));
        std::thread::sleep(Duration::from_millis(20));
        let left = budget.left().unwrap();
        assert!(left <= SECOND * 3 / 4 && left > SECOND * 7 / 10, "{left:?}");
        drop(budget.charge(Instant::now().checked_sub(2 * SECOND).unwrap()));
        assert_eq!(budget.left(), Ok(Duration::ZERO));
    }

    #[test]
    fn the_first_end_is_the_one_that_is_told() {
        let budget = Budget::new(SECOND);
        let (one, two) = (Error::new(ErrorKind::TimedOut, "one"), Error::new(ErrorKind::TimedOut, "two"));
        budget.end(&one);
        budget.clone().end(&two);
        assert_eq!(budget.left(), Err(one));
    }

    #[test]
    fn connecting_raises_the_total_and_never_lowers_it() {
        let budget = Budget::new(SECOND);
        budget.at_least(2 * SECOND);
        budget.at_least(SECOND);
        assert_eq!(budget.left(), Ok(2 * SECOND));
    }
}
