//! The breaker of a server, its prober, and what is said of its state. Must never hold a lock while something else is
//! started or said.

use super::{GateState, Lane, Link, Topic};
use crate::error::{Error, ErrorKind, Refusal};
use crate::redis::breaker::{Breaker, Pass, Shown, Turn};
use crate::redis::failure::Failure;
use crate::redis::link::lanes::question;
use crate::redis::news;
use crate::redis::wire::{Answers, Wire};
use log::Level;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The same is logged once in this time.
const REPEAT: Duration = Duration::from_mins(1);
/// A replica is left for another connection at most this often.
const TURN_AWAY: Duration = Duration::from_secs(1);

impl GateState {
    fn is_calm(&self) -> bool {
        self.why.is_none() && self.breaker.is_calm()
    }
}

impl Link {
    pub(super) fn pass(self: &Arc<Self>) -> Result<(), Error> {
        if self.gate.calm.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut state = self.gate.state.lock();
        let pass = state.breaker.pass(Instant::now());
        if pass == Pass::Go {
            return Ok(());
        }
        let why = state.why.clone();
        drop(state);
        if pass == Pass::RefusedAndProbe {
            self.start_prober(None);
        }
        Err(why.unwrap_or_else(|| Error::new(ErrorKind::BreakerOpen, "the server failed before")))
    }

    pub(super) fn worked(&self, wire: &Wire) {
        wire.worked();
        self.answered();
    }

    /// The server gave an answer, over whatever connection.
    pub(super) fn answered(&self) {
        if self.gate.calm.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.gate.state.lock();
        state.breaker.worked();
        self.gate.calm.store(state.is_calm(), Ordering::Release);
    }

    pub(super) fn failed(self: &Arc<Self>, error: &Error) {
        self.opened(error, |breaker, now| breaker.failed(now, chance()));
    }

    pub(super) fn broke(self: &Arc<Self>, error: &Error) {
        self.opened(error, |breaker, now| breaker.broke(now, chance()));
    }

    pub(super) fn opened(
        self: &Arc<Self>,
        error: &Error,
        event: impl FnOnce(&mut Breaker, Instant) -> Option<Duration>,
    ) {
        let mut state = self.gate.state.lock();
        let pause = event(&mut state.breaker, Instant::now());
        self.gate.calm.store(state.is_calm(), Ordering::Release);
        if pause.is_some() || state.why.is_some() {
            // Also while it is open: the newest reason is the one to show.
            state.why = Some(left_alone(error));
        }
        drop(state);
        if let Some(pause) = pause {
            self.counts.opened.fetch_add(1, Ordering::Relaxed);
            self.say(Level::Warn, &format!("{error}; cached functions run without it until it is well again"));
            self.start_prober(Some(pause));
        }
    }

    pub(super) fn start_prober(self: &Arc<Self>, pause: Option<Duration>) {
        // Not kept alive by its prober: after a new `install` this one goes.
        self.driver.spawn(prober(Arc::downgrade(self), pause));
    }

    pub(super) async fn probe(self: &Arc<Self>) -> bool {
        let Ok(wire) = self.wire(0, Instant::now() + self.settings.connect_deadline).await else { return false };
        let limit = Instant::now() + self.settings.read_deadline;
        match self.driver.within(limit, wire.send(&question(), &self.settings.address)).await {
            Ok(Ok(_) | Err(Failure::Refused(_))) => {
                wire.worked();
                true
            }
            Ok(Err(Failure::Lost(_))) => {
                self.drop_wire(0, &wire);
                false
            }
            _ => {
                self.replace(0, &wire);
                false
            }
        }
    }

    pub(super) fn probed(&self, good: bool) -> Option<Duration> {
        let mut state = self.gate.state.lock();
        let pause = state.breaker.probed(good, Instant::now(), chance());
        if state.breaker.shown() == Shown::Closed && state.why.take().is_some() {
            self.gate.calm.store(state.is_calm(), Ordering::Release);
            drop(state);
            self.say(Level::Info, &format!("{} answers again", self.settings.address));
        }
        pause
    }

    /// The refusals among the answers.
    pub(super) fn look_at(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>, answers: &Answers) {
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(|error| self.refused(lane, wire, error));
    }

    pub(super) fn refused(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>, error: &Error) {
        let ErrorKind::Server(refusal) = error.kind() else { return };
        // The business of the protocols: they answer them on their own.
        if matches!(refusal, Refusal::NoScript | Refusal::WrongType) {
            return;
        }
        if refusal == Refusal::ReadOnly {
            self.turn_away(lane, wire);
        }
        self.say_now_and_then(Topic::Refused(refusal), &error.to_string());
    }

    /// Warns of what may happen all the time.
    pub(crate) fn say_now_and_then(&self, topic: Topic, what: &str) {
        let now = Instant::now();
        let mut said = self.said.lock();
        said.retain(|(_, at)| now.duration_since(*at) < REPEAT);
        if said.iter().all(|(before, _)| *before != topic) {
            said.push((topic, now));
            drop(said);
            self.say(Level::Warn, what);
        }
    }

    /// After a failover the name may lead to the new master.
    pub(super) fn turn_away(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>) {
        let mut last = self.turned_away.lock();
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < TURN_AWAY) {
            return;
        }
        *last = Some(now);
        drop(last);
        self.drop_wire(lane, wire);
    }

    pub(super) fn say(&self, level: Level, what: &str) {
        news::tell(&self.driver, level, format!("Redis connection `{}`: {what}", self.name));
    }

    /// What the breaker shows, and why; of a cluster's, the worst.
    pub(crate) fn shown(&self) -> (Shown, Option<Error>) {
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            let all = nodes.in_use().into_iter().map(|node| node.link.shown_alone());
            let worst = all.reduce(|worst, next| if worst.0 == Shown::Closed { next } else { worst });
            return worst.unwrap_or((Shown::Closed, None));
        }
        self.shown_alone()
    }

    fn shown_alone(&self) -> (Shown, Option<Error>) {
        let gate = self.gate.state.lock();
        (gate.breaker.shown(), gate.why.clone())
    }

    /// Whether calls go through.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn is_well(&self) -> bool {
        self.gate.state.lock().breaker.shown() == Shown::Closed
    }

    /// Whether there is a connection now.
    pub(crate) fn is_connected(&self) -> bool {
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            return nodes.in_use().iter().any(|node| node.link.is_connected());
        }
        matches!(&*self.lanes[0].read(), Lane::Ready(wire) if !wire.is_closed())
    }
}

/// Asks a server that failed, now and then, until it answers or nobody is interested.
async fn prober(link: Weak<Link>, mut pause: Option<Duration>) {
    loop {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let Some(link) = link.upgrade() else { return };
        if pause.is_some() && link.gate.state.lock().breaker.turn(Instant::now()) == Turn::Rest {
            return;
        }
        let good = link.probe().await;
        pause = link.probed(good);
        if pause.is_none() {
            return;
        }
    }
}

/// What calls get while the breaker is open. What only a person can mend keeps its kind.
fn left_alone(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Config => error.clone(),
        _ => Error::new(ErrorKind::BreakerOpen, format!("not asked, since it failed a moment ago: {}", error.cause())),
    }
}

/// A number in [0, 1).
fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(std::process::id());
    // 32 bits are plenty, and fit.
    f64::from((bits >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
}
