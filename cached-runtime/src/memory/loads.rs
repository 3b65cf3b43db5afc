//! What goes on at a gate: who may be joined, whose value may still be stored. Must only be touched under the shard's lock,
//! and must never wait or run a body.
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
//! Writers (`#[updates]`) stand at the gate as well, from before their body until they commit. Nobody joins them, and loads
//! go on beside them: a commit raises the fence above all of those. What they must know is whether they were alone: two
//! that overlap may have written to the source in one order and come here in the other, and nobody can tell which value
//! is the newer. So each notes on arrival whom it meets, on both sides, and a writer that met another one, or an
//! `invalidate` or `set`, forgets the entry instead of storing it.
//!
//! All but the end of the last load knows nothing of keys, and is written in loops rather than chains of iterators: it is compiled
//! anew for each type of value, and each closure in such a chain is half a dozen functions more. They were a third of what
//! 100 cached functions had compiled for them.

use super::gate::{Ask, Gate, Lead, Purpose};
use crate::flight::Flight;
use crate::pulse::Pulse;
use crate::stack;
use crate::tags::Tags;
use std::slice;
use std::sync::Arc;

/// The loads and writers of a key.
pub(crate) struct Loads<V> {
    /// Loads with a ticket up to this one are not stored. [`BARE`] while there is no entry and nothing came since.
    pub(crate) fence: u64,
    /// Nearly always there is one load and nothing else: it needs no allocation.
    first: Option<Run<V>>,
    more: Option<Box<More<V>>>,
}

/// What few gates have.
struct More<V> {
    /// Loads besides the first.
    runs: Vec<Run<V>>,
    writers: Vec<Writer>,
    /// The last `invalidate`, `set` or end of a writer since this was made: writers with a ticket up to this one were not
    /// alone. (Whoever writes later draws a greater ticket.)
    raised: u64,
}

impl<V> Default for More<V> {
    fn default() -> Self {
        Self { runs: Vec::new(), writers: Vec::new(), raised: 0 }
    }
}

/// One writer between its ticket and its commit.
struct Writer {
    ticket: u64,
    contested: bool,
}

/// One load under way.
struct Run<V> {
    ticket: u64,
    /// Whether calls that come now may wait for it.
    joinable: bool,
    /// Whether it renews an entry that is served meanwhile. Nobody waits for such a load: once the entry may be served
    /// no more, calls begin a load of their own, however long the renewal takes.
    renews: bool,
    /// How the leader of an async load is doing; `None` for a sync one.
    pulse: Option<Arc<Pulse>>,
    /// Those who wait, once somebody does.
    flight: Option<Arc<Flight<V>>>,
    /// The tags of what it loads.
    tags: Tags,
}

impl<V> Run<V> {
    /// Whether it has stopped making progress, so that nobody should begin to wait for it.
    fn is_stalled(&self) -> bool {
        match &self.pulse {
            Some(pulse) => pulse.is_stalled(),
            None => false,
        }
    }

    /// Whether nobody should begin to wait for it, though it may be joined by its own account.
    fn is_lost(&self, cleared: u64) -> bool {
        let landed = match &self.flight {
            Some(flight) => flight.landing().is_some(),
            None => false,
        };
        landed || self.is_stalled() || self.ticket <= cleared || !self.tags.are_current(self.ticket)
    }

    fn is_of(&self, flight: &Arc<Flight<V>>) -> bool {
        match &self.flight {
            Some(own) => Arc::ptr_eq(own, flight),
            None => false,
        }
    }
}

/// The fence of a gate that was made where there was no entry: until it is raised there is still none, since whatever
/// stores one raises it first. Below it and [`BEGUN`] is no ticket.
pub(crate) const BARE: u64 = 0;

/// The first fence of any other gate.
const BEGUN: u64 = 1;

/// The first ticket.
pub(crate) const FIRST_TICKET: u64 = 2;

/// All loads of a gate.
struct Runs<'l, V> {
    first: Option<&'l Run<V>>,
    rest: slice::Iter<'l, Run<V>>,
}

impl<'l, V> Iterator for Runs<'l, V> {
    type Item = &'l Run<V>;

    fn next(&mut self) -> Option<&'l Run<V>> {
        match self.first.take() {
            Some(run) => Some(run),
            None => self.rest.next(),
        }
    }
}

/// The same, to change them.
struct RunsMut<'l, V> {
    first: Option<&'l mut Run<V>>,
    rest: slice::IterMut<'l, Run<V>>,
}

impl<'l, V> Iterator for RunsMut<'l, V> {
    type Item = &'l mut Run<V>;

    fn next(&mut self) -> Option<&'l mut Run<V>> {
        match self.first.take() {
            Some(run) => Some(run),
            None => self.rest.next(),
        }
    }
}

/// What a call does that has come to a gate.
pub(crate) enum Answer<V> {
    /// It waits for this flight.
    Join(Arc<Flight<V>>),
    /// It runs the body; whether inside of a load that others may wait for.
    Lead { recursive: bool },
}

impl<V> Default for Loads<V> {
    /// None yet, and one is about to come.
    fn default() -> Self {
        Self { fence: BEGUN, first: None, more: None }
    }
}

impl<V> Loads<V> {
    /// The first load of a key.
    #[inline]
    pub(crate) fn new(bare: bool, ask: &Ask<'_, V>, lead: &Lead) -> Self {
        // As `lead`, where there is nobody else.
        let (pulse, tags) = (lead.pulse.clone(), ask.tags.clone());
        let (ticket, joinable) = (lead.ticket, ask.coalesce);
        let first = Some(Run { ticket, joinable, renews: false, pulse, flight: None, tags });
        Self { fence: if bare { BARE } else { BEGUN }, first, more: None }
    }

    /// Whether a load is under way whose value will come to those who call now, so that no other needs to begin.
    pub(crate) fn will_do(&self, cleared: u64) -> bool {
        for run in self.runs() {
            let current = run.ticket > cleared && run.tags.are_current(run.ticket);
            if (run.joinable || run.renews) && current && !run.is_stalled() {
                return true;
            }
        }
        false
    }

    /// Adds a load that renews an entry.
    pub(crate) fn renew(&mut self, lead: &Lead, ask: &Ask<'_, V>) {
        let (pulse, tags) = (lead.pulse.clone(), ask.tags.clone());
        self.push(Run { ticket: lead.ticket, joinable: false, renews: true, pulse, flight: None, tags });
    }

    fn more(&mut self) -> &mut More<V> {
        self.more.get_or_insert_default()
    }

    fn push(&mut self, run: Run<V>) {
        if self.first.is_none() {
            self.first = Some(run);
        } else {
            self.more().runs.push(run);
        }
    }

    fn runs(&self) -> Runs<'_, V> {
        let rest = match &self.more {
            Some(more) => more.runs.iter(),
            None => [].iter(),
        };
        Runs { first: self.first.as_ref(), rest }
    }

    fn runs_mut(&mut self) -> RunsMut<'_, V> {
        let rest = match &mut self.more {
            Some(more) => more.runs.iter_mut(),
            None => [].iter_mut(),
        };
        RunsMut { first: self.first.as_mut(), rest }
    }

    fn run(&self, ticket: u64) -> Option<&Run<V>> {
        self.runs().find(|run| run.ticket == ticket)
    }

    #[inline]
    pub(crate) fn has(&self, ticket: u64) -> bool {
        match &self.first {
            Some(run) if run.ticket == ticket => true,
            _ => self.more.is_some() && self.run(ticket).is_some(),
        }
    }

    pub(crate) fn has_writer(&self, ticket: u64) -> bool {
        let Some(more) = &self.more else { return false };
        for writer in &more.writers {
            if writer.ticket == ticket {
                return true;
            }
        }
        false
    }

    /// Whether `ticket` is the only load or writer under way.
    #[inline]
    pub(crate) fn has_only(&self, ticket: u64) -> bool {
        match (&self.first, &self.more) {
            (Some(run), None) => run.ticket == ticket,
            _ => self.has_no_other(ticket),
        }
    }

    /// The same where there may be many.
    #[cold]
    fn has_no_other(&self, ticket: u64) -> bool {
        for run in self.runs() {
            if run.ticket != ticket {
                return false;
            }
        }
        let Some(more) = &self.more else { return true };
        for writer in &more.writers {
            if writer.ticket != ticket {
                return false;
            }
        }
        true
    }

    /// Whether nothing was invalidated or stored since a load that is under way began.
    pub(crate) fn is_current(&self, ticket: u64, cleared: u64) -> bool {
        let Some(run) = self.run(ticket) else { return false };
        ticket > self.fence && ticket > cleared && run.tags.are_current(ticket)
    }

    /// A writer arrives.
    pub(crate) fn write(&mut self, ticket: u64) {
        let writers = &mut self.more().writers;
        let contested = !writers.is_empty();
        for writer in writers.iter_mut() {
            writer.contested = true;
        }
        writers.push(Writer { ticket, contested });
    }

    /// A writer leaves; whether it was alone all the time.
    pub(crate) fn written(&mut self, ticket: u64) -> bool {
        let Some(more) = &mut self.more else { return false };
        for at in 0..more.writers.len() {
            if more.writers[at].ticket == ticket {
                let writer = more.writers.swap_remove(at);
                return !writer.contested && more.raised < ticket;
            }
        }
        false
    }

    /// One more call of this key: it joins a load, or is to lead one of its own, as [`lead`](Self::lead) adds it.
    pub(crate) fn ask(&mut self, ask: &Ask<'_, V>, cleared: u64) -> Answer<V> {
        self.detach_lost(ask, cleared);
        let (mut loads, mut waits, mut recursive) = (0_usize, ask.asynchronous, false);
        for run in self.runs() {
            if run.joinable {
                loads += 1;
                waits = waits || run.pulse.is_none();
                recursive = recursive || stack::is_inside(run.ticket);
            }
        }
        if ask.coalesce && !ask.now && ask.purpose != Purpose::Anew && !recursive {
            let limit = 1_usize.checked_shl(ask.wave).unwrap_or(usize::MAX);
            if loads >= limit && waits {
                return Answer::Join(self.flight());
            }
        }
        Answer::Lead { recursive }
    }

    /// Adds a load. It helps those who wait already, unless it is one for its caller alone: a recursion (they wait for
    /// its outer load), or a `refresh` beside a load that others wait for.
    pub(crate) fn lead(&mut self, lead: &Lead, ask: &Ask<'_, V>, recursive: bool) {
        let (mut others, mut flight) = (false, None);
        for run in self.runs() {
            if run.joinable {
                others = true;
                flight = flight.or(run.flight.as_ref());
            }
        }
        let joinable = ask.coalesce && !recursive && !(ask.purpose == Purpose::Anew && others);
        let flight = if joinable { flight.cloned() } else { None };
        if let Some(flight) = &flight {
            flight.add_leader(lead.ticket, lead.pulse.clone());
        }
        let (pulse, tags) = (lead.pulse.clone(), ask.tags.clone());
        self.push(Run { ticket: lead.ticket, joinable, renews: false, pulse, flight, tags });
    }

    /// Detaches loads that nobody should wait for any more: from before a `clear` or the invalidation of a tag of theirs,
    /// stalled, given up on, or landed.
    ///
    /// Waiters share a flight, not a load: with one of its loads the whole flight goes. Otherwise a call that begins
    /// after a `clear` could join a newer load and be landed by the older one beside it, or join what has landed already.
    fn detach_lost(&mut self, ask: &Ask<'_, V>, cleared: u64) {
        let mut lost: Vec<Arc<Flight<V>>> = Vec::new();
        if let Some(flight) = ask.given_up {
            lost.push(Arc::clone(flight));
        }
        for run in self.runs_mut() {
            if run.joinable && run.is_lost(cleared) {
                run.joinable = false;
                if let Some(flight) = &run.flight {
                    lost.push(Arc::clone(flight));
                }
            }
        }
        for flight in &lost {
            for run in self.runs_mut() {
                if run.is_of(flight) {
                    run.joinable = false;
                }
            }
        }
    }

    /// The flight of the loads that may be joined, which there are.
    fn flight(&mut self) -> Arc<Flight<V>> {
        let mut known = None;
        for run in self.runs() {
            if run.joinable {
                known = known.or(run.flight.as_ref());
            }
        }
        let flight = known.cloned().unwrap_or_default();
        for run in self.runs_mut() {
            if run.joinable && run.flight.is_none() {
                flight.add_leader(run.ticket, run.pulse.clone());
                run.flight = Some(Arc::clone(&flight));
            }
        }
        flight
    }

    /// Something newer than all loads under way: none of them is stored or joined from here on.
    pub(crate) fn raise(&mut self, fence: u64) {
        self.fence = self.fence.max(fence);
        if let Some(more) = &mut self.more {
            more.raised = more.raised.max(fence);
        }
        for run in self.runs_mut() {
            (run.joinable, run.renews) = (false, false);
        }
    }

    /// A load leaves, and others stay.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Leave<V>> {
        let Run { tags, flight, pulse, .. } = self.take(ticket)?;
        let left = flight.map(|flight| self.left(flight, pulse.is_none()));
        Some(Leave { tags, left })
    }

    /// The only load leaves: with what was the gate's.
    #[expect(clippy::inline_always, reason = "a gate that is moved once more takes a tenth of a miss")]
    #[inline(always)]
    pub(crate) fn end<K>(
        Gate { key, loads: Self { first, more, .. }, .. }: Gate<K, V>,
        ticket: u64,
    ) -> Option<(K, Leave<V>)> {
        // This one as a chain: with a function for it, or a loop, the load of the usual case is no more kept in registers, and
        // a miss takes a twentieth more.
        let run = match more {
            None => first,
            Some(more) => first.into_iter().chain(more.runs).find(|run| run.ticket == ticket),
        };
        let Run { tags, flight, pulse, .. } = run?;
        let left = flight.map(|flight| Left { flight, others: false, last_sync: pulse.is_none() });
        Some((key, Leave { tags, left }))
    }

    fn take(&mut self, ticket: u64) -> Option<Run<V>> {
        if matches!(&self.first, Some(run) if run.ticket == ticket) {
            return self.first.take();
        }
        let runs = &mut self.more.as_mut()?.runs;
        for at in 0..runs.len() {
            if runs[at].ticket == ticket {
                return Some(runs.swap_remove(at));
            }
        }
        None
    }

    /// Whether others still work for the flight of a load that has left.
    #[cold]
    fn left(&self, flight: Arc<Flight<V>>, sync: bool) -> Left<V> {
        let (mut others, mut last_sync) = (false, sync);
        for other in self.runs() {
            if other.is_of(&flight) {
                others = true;
                last_sync = last_sync && other.pulse.is_some();
            }
        }
        Left { flight, others, last_sync }
    }
}

/// What a load had at its gate.
pub(crate) struct Leave<V> {
    pub(crate) tags: Tags,
    /// Those who wait for it, if anybody does.
    pub(crate) left: Option<Left<V>>,
}

/// The flight of a load that has left its gate.
pub struct Left<V> {
    pub(crate) flight: Arc<Flight<V>>,
    /// Whether other loads may still land it.
    pub(crate) others: bool,
    /// Whether it was the last sync load of the flight.
    pub(crate) last_sync: bool,
}
