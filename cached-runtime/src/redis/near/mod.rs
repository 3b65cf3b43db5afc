//! Reads without the driver: over connections of the caller's own runtime, and of threads that may block. Must never be
//! the only way to anything: what is not answered here soon and well is the driver's, as if it had not been asked.
//!
//! Why: through the driver a hit wakes a thread of ours, which wakes the caller. Each of these wake-ups costs as much as
//! all the rest together, several times as much where processors fall asleep in between (measured: a sync hit 87 us
//! against 8 us of a plain connection, an async one 94 against 10).
//!
//! What may be asked here: one command that changes nothing, for which any connection will do. A second answer to it does
//! no harm, so whoever gets none in time ([`Plan::patience`]) asks the driver, with all that remains of the deadlines and
//! budgets there. Failures here say nothing about the server and open no breaker; they only close what they happened on,
//! which is left alone for a while ([`Rest`]). So a runtime that is stuck, dropped, or without I/O costs its callers that
//! patience at most, and that now and then.
//!
//! These connections belong to the driver's own one ([`Wire`](super::wire::Wire)) and go with it: what replaces that (it
//! was silent, the server restarted or became a replica, `disconnect`) replaces all of them.

mod blocking;
mod resp;
mod runtimes;
mod socket;
#[cfg(test)]
mod tests;
mod who;

pub(crate) use who::{RunId, who};

use super::driver::{self, Driver};
use bytes::Bytes;
use redis::ConnectionInfo;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What is to be asked, and of whom.
pub(crate) struct Plan<'p> {
    /// What stands at these keys (`MGET`).
    pub(crate) keys: &'p [&'p [u8]],
    pub(crate) info: &'p ConnectionInfo,
    pub(crate) driver: &'p Driver,
    /// When the call began to ask.
    pub(crate) start: Instant,
    /// So long an answer is waited for, about.
    pub(crate) patience: Duration,
    /// How long connecting may take, which nobody waits for.
    pub(crate) connecting: Duration,
    /// Connections that threads may have.
    pub(crate) most: usize,
    /// Outlives the connections.
    pub(crate) met: &'p Arc<Met>,
}

/// What was met before, and is not to be met again.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// A runtime without I/O. tokio can't be asked whether one has it (all that it offers panics where there is none, and the
    /// panic hook runs before the panic is caught): so that happens once, and from then on no runtime is tried any more.
    pub(super) no_io: AtomicBool,
}

/// The connections beside one of the driver's.
pub(crate) struct Near {
    /// They must lead there.
    run: Option<RunId>,
    runtimes: runtimes::Runtimes,
    blocking: blocking::Blocking,
}

impl Near {
    /// Beside a connection that leads to this run of a server; none if it didn't tell.
    pub(crate) fn beside(run: Option<RunId>) -> Self {
        Self { run, runtimes: runtimes::Runtimes::default(), blocking: blocking::Blocking::default() }
    }

    /// The run of the server that the driver's connection leads to, if it told.
    pub(crate) fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// The values, if they are to be had without the driver. Not where the plan's server wants encryption.
    pub(crate) async fn ask(&self, plan: &Plan<'_>) -> Option<Vec<Option<Bytes>>> {
        let run = self.run.as_ref()?;
        if plan.most == 0 || !socket::is_plain(plan.info) {
            return None;
        }
        let answer = if driver::is_blocking() {
            self.blocking.ask(plan, run)?
        } else {
            self.runtimes.send(plan, run)?.await.ok()?
        };
        Some(resp::values(&answer))
    }
}

/// The first pause after something failed; it doubles while nothing works.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// When to try again.
#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    pause: Duration,
}

impl Rest {
    fn first() -> Self {
        Self { until: Instant::now(), pause: SHORTEST }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Something failed.
    fn begin(&mut self) {
        self.until = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST);
    }

    /// Something worked.
    fn worked(&mut self) {
        self.pause = SHORTEST;
    }
}
