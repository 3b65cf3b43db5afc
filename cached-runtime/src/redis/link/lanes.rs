//! The connections to a server: made when needed, replaced when silent. Must never wait for one that gives no answer longer
//! than the caller does.
//!
//! The rules of replacement. A connection that closes is replaced by the next call. One that merely stays silent looks
//! alive for ever to the machinery below, so after a timeout it is asked to answer; two timeouts in a row, and it is
//! replaced at once, in the background. Timeouts of a connection that was replaced meanwhile count no more. When a fresh
//! connection can't be made, or times out like the last, the breaker opens.

use super::{Lane, Link, Made, Topic};
use crate::error::{Error, ErrorKind};
use crate::redis::connect::connect;
use crate::redis::driver;
use crate::redis::failure::{self, Failure};
use crate::redis::wire::Wire;
use log::Level;
use redis::Pipeline;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::watch;

impl Link {
    /// The lane's connection; made if need be, in the background, and waited for until `end`.
    pub(super) async fn wire(self: &Arc<Self>, lane: usize, end: Instant) -> Result<Arc<Wire>, Error> {
        let start = Instant::now();
        let mut made = match self.current(lane) {
            Ok(wire) => return Ok(wire),
            Err(made) => made,
        };
        match self.driver.within(end, made.wait_for(Option::is_some)).await {
            Ok(Ok(made)) => match &*made {
                Some(made) => made.clone(),
                None => Err(self.gone()),
            },
            Ok(Err(_)) => Err(self.gone()),
            Err(driver::Late) => {
                let waited = end.saturating_duration_since(start);
                Err(failure::late(&self.settings.address, "the attempt to connect", waited))
            }
        }
    }

    pub(super) fn gone(&self) -> Error {
        Error::new(ErrorKind::Unreachable, format!("the attempt to connect to {} was given up", self.settings.address))
    }

    /// The lane's connection, or how to wait for it.
    pub(super) fn current(self: &Arc<Self>, lane: usize) -> Result<Arc<Wire>, watch::Receiver<Made>> {
        if let Lane::Ready(wire) = &*self.lanes[lane].read()
            && !wire.is_closed()
        {
            return Ok(Arc::clone(wire));
        }
        let mut state = self.lanes[lane].write();
        match &*state {
            Lane::Ready(wire) if !wire.is_closed() => Ok(Arc::clone(wire)),
            // Err: whoever was connecting is gone.
            Lane::Connecting(made) if made.has_changed().is_ok() => Err(made.clone()),
            _ => Err(self.begin(lane, &mut state)),
        }
    }

    /// Starts to connect, in the background.
    pub(super) fn begin(self: &Arc<Self>, lane: usize, state: &mut Lane) -> watch::Receiver<Made> {
        let (tell, made) = watch::channel(None);
        *state = Lane::Connecting(made.clone());
        let link = Arc::clone(self);
        self.driver.spawn(async move {
            let result = link.make().await;
            link.finish(lane, &tell, &result);
            tell.send_replace(Some(result));
        });
        made
    }

    /// However little time its callers have: a server that takes longer than that to connect to would never be connected to
    /// again.
    pub(super) async fn make(&self) -> Result<Arc<Wire>, Error> {
        let limit = self.settings.connect_deadline;
        let (target, ties) = (Arc::clone(&self.target), self.ties.clone());
        // A task of its own, so that a panic in it (TLS libraries have some) is a failure like others.
        let mut attempt = self.driver.spawn(async move { connect(&target, &ties).await });
        let address = &self.settings.address;
        match tokio::time::timeout(limit, &mut attempt).await {
            Ok(Ok(wire)) => wire.map(Arc::new),
            Ok(Err(_)) => Err(Error::new(ErrorKind::Config, format!("connecting to {address} panicked"))),
            Err(_) => {
                attempt.abort();
                let limit = limit.as_millis();
                Err(Error::new(ErrorKind::Unreachable, format!("cannot connect to {address} within {limit} ms")))
            }
        }
    }

    pub(super) fn finish(self: &Arc<Self>, lane: usize, tell: &watch::Sender<Made>, result: &Result<Arc<Wire>, Error>) {
        let mut state = self.lanes[lane].write();
        // Another attempt may have begun meanwhile.
        let mine = matches!(&*state, Lane::Connecting(made) if made.same_channel(&tell.subscribe()));
        match result {
            Ok(wire) => {
                self.connected_once.store(true, Ordering::Relaxed);
                self.counts.connections.fetch_add(1, Ordering::Relaxed);
                if mine {
                    *state = Lane::Ready(Arc::clone(wire));
                    drop(state);
                    self.leave_another(lane, wire);
                }
            }
            Err(error) => {
                if mine {
                    *state = Lane::Empty;
                }
                drop(state);
                self.broke(error);
            }
        }
    }

    /// The name may lead to another server by now (a failover by DNS, a load balancer). What is written and read over the two
    /// lanes must be of one, and the newest connection tells which.
    fn leave_another(&self, lane: usize, wire: &Arc<Wire>) {
        let other = 1 - lane;
        let before = match &*self.lanes[other].read() {
            // One that was closed goes anyway: the server was restarted.
            Lane::Ready(before) if !before.is_closed() => Arc::clone(before),
            _ => return,
        };
        if let (Some(new), Some(old)) = (wire.near.run(), before.near.run())
            && new != old
        {
            self.drop_wire(other, &before);
            self.say_now_and_then(Topic::AnotherServer, &format!("{} is another server now", self.settings.address));
        }
    }

    pub(super) fn drop_wire(&self, lane: usize, wire: &Arc<Wire>) {
        let mut state = self.lanes[lane].write();
        if matches!(&*state, Lane::Ready(current) if Arc::ptr_eq(current, wire)) {
            *state = Lane::Empty;
            drop(state);
            self.ties.watches.all_changed();
        }
    }

    /// Makes a new connection now, so that the next call finds it.
    pub(super) fn replace(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>) {
        let mut state = self.lanes[lane].write();
        if matches!(&*state, Lane::Ready(current) if Arc::ptr_eq(current, wire)) {
            self.begin(lane, &mut state);
            drop(state);
            self.ties.watches.all_changed();
            self.say(Level::Warn, &format!("the connection to {} was silent and is replaced", self.settings.address));
        }
    }

    pub(super) fn timed_out(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>, error: &Error) {
        self.counts.timeouts.fetch_add(1, Ordering::Relaxed);
        let current = matches!(&*self.lanes[lane].read(), Lane::Ready(current) if Arc::ptr_eq(current, wire));
        if !current {
            return;
        }
        self.failed(error);
        if wire.timed_out() {
            self.replace(lane, wire);
        } else if wire.begin_check() {
            let (link, wire) = (Arc::clone(self), Arc::clone(wire));
            self.driver.spawn(async move { link.check(lane, &wire).await });
        }
    }

    /// Asks a connection on which something timed out for a sign of life.
    pub(super) async fn check(self: &Arc<Self>, lane: usize, wire: &Arc<Wire>) {
        let address = &self.settings.address;
        let limit = Instant::now() + self.settings.read_deadline;
        let answer = self.driver.within(limit, wire.send(&question(), address)).await;
        wire.end_check();
        match answer {
            Ok(Ok(_) | Err(Failure::Refused(_) | Failure::Other(_))) => wire.worked(),
            Ok(Err(Failure::Lost(_))) => self.drop_wire(lane, wire),
            Err(driver::Late) => {
                let error = failure::late(address, "a check", self.settings.read_deadline);
                self.timed_out(lane, wire, &error);
            }
        }
    }

    pub(super) fn ask_the_time(self: &Arc<Self>) {
        let Ok(wire) = self.current(0) else { return };
        let link = Arc::clone(self);
        self.driver.spawn(async move {
            let mut question = redis::pipe();
            question.cmd("TIME");
            let asked = link.ties.clock.asked();
            let limit = asked + link.settings.read_deadline;
            let answer = link.driver.within(limit, wire.send(&question, &link.settings.address)).await;
            if let Ok(Ok(answers)) = answer
                && let Some(Ok(time)) = answers.first()
            {
                link.ties.clock.answered(asked, time);
            }
        });
    }
}

/// What anybody may ask of a server that is well.
pub(super) fn question() -> Pipeline {
    let mut question = redis::pipe();
    question.cmd("PING");
    question
}
