//! The loads of one key that are under way: who may be joined, whose value may still be stored. Must only be touched
//! under the shard's lock, and must never wait or run a body.
//!
//! A gate stands while at least one load of its key runs, whatever began it: a miss, a `refresh`, a recursion, a caller
//! that waited too long. That is why it can answer both questions of promise 3:
//!
//! - *May this value be stored?* Its ticket must be greater than the gate's fence, which `invalidate`, `set` and every
//!   stored load raise to a number drawn later, and greater than the ticket of the last `clear`. Since tickets are drawn
//!   under the lock before the body begins, a load that began before an invalidation is below its fence, and an older
//!   load is below a newer one's.
//! - *May this load be joined?* Only while nothing was invalidated since it began: invalidation makes the runs of the
//!   gate unjoinable ("detaches" them). Their own waiters still get their value, who all began to wait before.
//!
//! The gate owns the key; a load only carries hash and ticket, and takes the key out when it is the last to leave.

use crate::flight::Flight;
use crate::pulse::Pulse;
use crate::stack;
use std::sync::Arc;

/// The loads of a key.
pub(crate) struct Gate<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    /// Loads with a ticket up to this one are not stored. [`BARE`] while there is no entry and nothing came since.
    pub(crate) fence: u64,
    runs: Runs<V>,
}

/// The fence of a gate that was made where there was no entry: until it is raised there is still none, since whatever
/// stores one raises it first. Below it and [`BEGUN`] is no ticket.
pub(crate) const BARE: u64 = 0;

/// The first fence of any other gate.
const BEGUN: u64 = 1;

/// The first ticket.
pub(crate) const FIRST_TICKET: u64 = 2;

/// One load under way.
pub(crate) struct Run<V> {
    pub(crate) ticket: u64,
    /// Whether calls that come now may wait for it.
    pub(crate) joinable: bool,
    /// How the leader of an async load is doing; `None` for a sync one.
    pub(crate) pulse: Option<Arc<Pulse>>,
    /// Those who wait, once somebody does.
    pub(crate) flight: Option<Arc<Flight<V>>>,
}

/// Nearly always one: the first needs no allocation.
struct Runs<V> {
    first: Option<Run<V>>,
    rest: Vec<Run<V>>,
}

impl<V> Runs<V> {
    fn iter(&self) -> impl Iterator<Item = &Run<V>> {
        self.first.iter().chain(&self.rest)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Run<V>> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    fn push(&mut self, run: Run<V>) {
        if self.first.is_none() {
            self.first = Some(run);
        } else {
            self.rest.push(run);
        }
    }

    fn take(&mut self, ticket: u64) -> Option<Run<V>> {
        if self.first.as_ref().is_some_and(|run| run.ticket == ticket) {
            return self.first.take();
        }
        let at = self.rest.iter().position(|run| run.ticket == ticket)?;
        Some(self.rest.swap_remove(at))
    }
}

/// Why a call asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It looks for an entry, and counts as a hit or a miss.
    Call,
    /// The same call asks once more, after a wait that brought nothing.
    Again,
    /// It wants a load of its own, whatever there is or is under way (`refresh`).
    Anew,
}

/// What a call asks of the gate.
pub struct Ask<'a, V> {
    pub(crate) purpose: Purpose,
    /// Whether it may wait for others, and others for it.
    pub(crate) coalesce: bool,
    /// An async caller can wait for any leader; a sync one only for sync leaders, since the leader's task might be
    /// waiting to be polled by this very thread.
    pub(crate) asynchronous: bool,
    /// It may not wait (any more): it waited to its bound, or would close a cycle.
    pub(crate) now: bool,
    /// As a power of two, how many loads it may join the number of: see [`crate::flight::Landing::Failed`].
    pub(crate) wave: u32,
    /// A flight it gave up on: nobody else shall wait for it either.
    pub(crate) given_up: Option<&'a Arc<Flight<V>>>,
}

/// What the gate answers.
pub(crate) enum Answer<V> {
    /// Wait for this flight.
    Join(Arc<Flight<V>>),
    /// Run the body.
    Lead(Lead),
}

/// A load to run: its ticket and, for an async one, where its wake-ups are noted.
pub struct Lead {
    pub(crate) ticket: u64,
    pub(crate) pulse: Option<Arc<Pulse>>,
    /// Whether its time is to be taken.
    pub(crate) timed: bool,
    /// How many waves of loads of this key have failed before it.
    pub(crate) wave: u32,
}

impl<K, V> Gate<K, V> {
    /// A gate for the first load of a key.
    pub(crate) fn new((hash, key): (u64, K), bare: bool, ask: &Ask<'_, V>, lead: &Lead) -> Self {
        let run = Run { ticket: lead.ticket, joinable: ask.coalesce, pulse: lead.pulse.clone(), flight: None };
        let fence = if bare { BARE } else { BEGUN };
        Self { hash, key, fence, runs: Runs { first: Some(run), rest: Vec::new() } }
    }

    #[inline]
    pub(crate) fn has(&self, ticket: u64) -> bool {
        self.runs.first.as_ref().is_some_and(|run| run.ticket == ticket)
            || self.runs.rest.iter().any(|run| run.ticket == ticket)
    }

    /// Whether `ticket` is the only load under way.
    pub(crate) fn has_only(&self, ticket: u64) -> bool {
        self.runs.iter().all(|run| run.ticket == ticket)
    }

    /// One more call of this key: it joins a load, or leads one of its own under the ticket that `draw` gives.
    pub(crate) fn ask(&mut self, ask: &Ask<'_, V>, cleared: u64, lead: impl FnOnce() -> Lead) -> Answer<V> {
        self.detach_lost(ask, cleared);
        let recursive = self.joinable().any(|run| stack::is_inside(run.ticket));
        if ask.coalesce && !ask.now && ask.purpose != Purpose::Anew && !recursive {
            let limit = 1_usize.checked_shl(ask.wave).unwrap_or(usize::MAX);
            let loads = self.joinable().count();
            let someone_to_wait_for = ask.asynchronous || self.joinable().any(|run| run.pulse.is_none());
            if loads >= limit && someone_to_wait_for {
                return Answer::Join(self.flight());
            }
        }
        let lead = lead();
        self.lead(&lead, ask, recursive);
        Answer::Lead(lead)
    }

    /// Adds a load. It helps those who wait already, unless it is one for its caller alone: a recursion (they wait for
    /// its outer load), or a `refresh` beside a load that others wait for.
    fn lead(&mut self, lead: &Lead, ask: &Ask<'_, V>, recursive: bool) {
        let others = self.joinable().next().is_some();
        let joinable = ask.coalesce && !recursive && !(ask.purpose == Purpose::Anew && others);
        let flight = if joinable { self.joinable().find_map(|run| run.flight.clone()) } else { None };
        if let Some(flight) = &flight {
            flight.add_leader(lead.ticket, lead.pulse.clone());
        }
        self.runs.push(Run { ticket: lead.ticket, joinable, pulse: lead.pulse.clone(), flight });
    }

    fn joinable(&self) -> impl Iterator<Item = &Run<V>> {
        self.runs.iter().filter(|run| run.joinable)
    }

    /// Detaches loads that nobody should wait for any more: from before a `clear`, stalled, given up on, or landed.
    ///
    /// Waiters share a flight, not a load: with one of its loads the whole flight goes. Otherwise a call that begins
    /// after a `clear` could join a newer load and be landed by the older one beside it, or join what has landed already.
    fn detach_lost(&mut self, ask: &Ask<'_, V>, cleared: u64) {
        let mut lost: Vec<Arc<Flight<V>>> = ask.given_up.cloned().into_iter().collect();
        for run in self.runs.iter_mut().filter(|run| run.joinable) {
            let stalled = run.pulse.as_ref().is_some_and(|pulse| pulse.is_stalled());
            let landed = run.flight.as_ref().is_some_and(|flight| flight.landing().is_some());
            if stalled || landed || run.ticket <= cleared {
                run.joinable = false;
                lost.extend(run.flight.clone());
            }
        }
        if lost.is_empty() {
            return;
        }
        for run in self.runs.iter_mut() {
            if run.flight.as_ref().is_some_and(|flight| lost.iter().any(|lost| Arc::ptr_eq(lost, flight))) {
                run.joinable = false;
            }
        }
    }

    /// The flight of the loads that may be joined, which there are.
    fn flight(&mut self) -> Arc<Flight<V>> {
        let flight = self.joinable().find_map(|run| run.flight.clone()).unwrap_or_default();
        for run in self.runs.iter_mut().filter(|run| run.joinable && run.flight.is_none()) {
            flight.add_leader(run.ticket, run.pulse.clone());
            run.flight = Some(Arc::clone(&flight));
        }
        flight
    }

    /// Something newer than all loads under way: none of them is stored or joined from here on.
    pub(crate) fn raise(&mut self, fence: u64) {
        self.fence = self.fence.max(fence);
        for run in self.runs.iter_mut() {
            run.joinable = false;
        }
    }

    /// A load leaves. Also tells whether others still work for its flight.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Left<V>> {
        let run = self.runs.take(ticket)?;
        let flight = run.flight?;
        let mut others = self
            .runs
            .iter()
            .filter(|other| other.flight.as_ref().is_some_and(|other| Arc::ptr_eq(other, &flight)))
            .peekable();
        let others_go_on = others.peek().is_some();
        let last_sync = run.pulse.is_none() && others.all(|other| other.pulse.is_some());
        Some(Left { flight, others: others_go_on, last_sync })
    }
}

/// The flight of a load that has left its gate.
pub struct Left<V> {
    pub(crate) flight: Arc<Flight<V>>,
    /// Whether other loads may still land it.
    pub(crate) others: bool,
    /// Whether it was the last sync load of the flight.
    pub(crate) last_sync: bool,
}
