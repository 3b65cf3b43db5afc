//! Entries that end when nobody reads them (`tti`): who reads one has the server prolong it. Must never hold up a hit, let
//! an entry live past its ttl and windows, or bring back one that has gone.
//!
//! The server ends an entry at the earlier of its ttl with the windows and its idle time, which its envelope says. A read
//! writes nothing by itself: an entry of which less than three quarters of the idle time are left is prolonged, off the
//! call's own time. How much is left a plain read doesn't show; but a quarter of the time has passed for certain neither
//! while the entry is younger than that, nor while this process prolonged it less long ago. So an entry that is read lives
//! on for at least three quarters of its idle time after the read, and each process writes at most once in a quarter of it.
//!
//! What is prolonged is the stamp that was read ([`PROLONG_SCRIPT`]): an invalidation or a newer value in between makes it
//! change nothing. Its idle time is the entry's own: a program with another `tti` changes it with what it stores. One that
//! was stored without ends as it was stored.

use super::Kind;
use super::envelope::{Head, Meta};
use super::keys::Name;
use super::remote::Remote;
use super::scripts::{self, Call, PROLONG_SCRIPT};
use crate::error::{ErrorKind, Refusal};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many entries are remembered as prolonged, twice: where more are read, some are prolonged more often.
const KNOWN: usize = 16 * 1024;
/// So many wait to be prolonged; what comes while they do is prolonged with a later read.
const WAITING: usize = 4 * 1024;
/// So many go out in one pipeline.
const AT_ONCE: usize = 256;

/// The entries of one cache that were read.
#[derive(Default)]
pub(crate) struct Idle(Mutex<State>);

#[derive(Default)]
struct State {
    recent: Recent,
    waiting: Vec<Read>,
    /// Whether somebody sends what waits.
    attended: bool,
}

/// An entry that was read.
struct Read {
    name: Name,
    head: Head,
    idle: Duration,
    /// When it ends in any case, in ms since the epoch.
    ends: Option<u64>,
}

/// What was prolonged of late, by stamp; what is older goes half by half.
#[derive(Default)]
struct Recent {
    now: HashMap<u128, Instant>,
    before: HashMap<u128, Instant>,
    /// When the younger half was begun.
    since: Option<Instant>,
}

impl Recent {
    /// Whether `pause` has passed since it was last due.
    fn is_due(&mut self, stamp: u128, pause: Duration, now: Instant) -> bool {
        if self.now.len() >= KNOWN || self.since.is_none_or(|since| now.saturating_duration_since(since) >= pause) {
            self.before = std::mem::take(&mut self.now);
            self.since = Some(now);
        }
        let last = self.now.get(&stamp).or_else(|| self.before.get(&stamp));
        let due = last.is_none_or(|last| now.saturating_duration_since(*last) >= pause);
        if due {
            self.now.insert(stamp, now);
        }
        due
    }

    /// It was not prolonged after all.
    fn forget(&mut self, stamp: u128) {
        self.now.remove(&stamp);
    }
}

impl Remote {
    /// An entry was read and served.
    pub(crate) fn touch(self: &Arc<Self>, name: &Name, head: &Head, meta: &Meta) {
        let (Some(idle), Some(life)) = (&self.idle, meta.idle) else { return };
        let pause = life / 4;
        if self.clock(name) < Duration::from_millis(meta.created).saturating_add(pause) {
            return;
        }
        let mut state = idle.0.lock();
        if state.waiting.len() >= WAITING || !state.recent.is_due(head.stamp(), pause, Instant::now()) {
            return;
        }
        let ends = meta.ttl.map(|ttl| ttl.saturating_add(meta.stale));
        let ends = ends.map(|lasts| meta.created.saturating_add(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)));
        state.waiting.push(Read { name: name.clone(), head: head.clone(), idle: life, ends });
        if !std::mem::replace(&mut state.attended, true) {
            drop(state);
            let attending = Attending { remote: Arc::clone(self), ended: false };
            self.client.spawn(attending.work());
        }
    }
}

/// Sends what waits. Dropped before its end (the driver died), it leaves that to the next read.
struct Attending {
    remote: Arc<Remote>,
    ended: bool,
}

impl Drop for Attending {
    fn drop(&mut self) {
        if let (false, Some(idle)) = (self.ended, &self.remote.idle) {
            let mut state = idle.0.lock();
            state.attended = false;
            for read in std::mem::take(&mut state.waiting) {
                state.recent.forget(read.head.stamp());
            }
        }
    }
}

impl Attending {
    async fn work(mut self) {
        while let Some(reads) = self.next() {
            // In pieces of which each is one operation. In a cluster each node gets what it has of it.
            for some in reads.chunks(AT_ONCE) {
                self.prolong(some).await;
            }
        }
        self.ended = true;
    }

    /// What has come while the last was under way.
    fn next(&self) -> Option<Vec<Read>> {
        let mut state = self.remote.idle.as_ref()?.0.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.attended = !waiting.is_empty();
        state.attended.then_some(waiting)
    }

    /// One that fails is tried again by a read a quarter of its time later.
    async fn prolong(&self, reads: &[Read]) {
        let call = |read: &Read| {
            let ends = read.ends.map(|ends| ends.to_string().into_bytes()).unwrap_or_default();
            let arguments = vec![read.head.as_bytes().to_vec(), scripts::millis(read.idle), ends];
            Call::new(&PROLONG_SCRIPT, &[read.name.as_bytes()], arguments)
        };
        let calls: Vec<Call> = reads.iter().map(call).collect();
        let client = self.remote.client;
        for in_full in [false, true] {
            let answers = client.call_each(Call::all(&calls, in_full), Kind::Write, &client.budget()).await;
            let unknown = |kind: ErrorKind| !in_full && kind == ErrorKind::Server(Refusal::NoScript);
            let refused = match answers {
                Ok(answers) => answers.into_iter().find_map(Result::err),
                Err(error) => Some(error),
            };
            match refused {
                Some(error) if unknown(error.kind()) => {}
                Some(error) => return drop(self.remote.failed(error, None)),
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope;
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn stamp() -> u128 {
        Head::of(&envelope::placeholder(&envelope::stamp(), &[])).stamp()
    }

    #[test]
    fn one_stamp_is_due_once_in_a_pause() {
        let (mut recent, begun, one) = (Recent::default(), Instant::now(), stamp());
        let at = |tenths: u32| begun + PAUSE * tenths / 10;
        let due: Vec<u32> = (0..60).filter(|tenths| recent.is_due(one, PAUSE, at(*tenths))).collect();
        assert_eq!(due, [0, 10, 20, 30, 40, 50]);
        assert!(recent.is_due(stamp(), PAUSE, at(55)), "another stamp");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        for _ in 0..3 * KNOWN {
            assert!(recent.is_due(stamp(), PAUSE, now));
        }
        assert!(recent.now.len() + recent.before.len() <= 2 * KNOWN);
    }
}
