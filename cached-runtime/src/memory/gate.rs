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
//! Writers (`#[updates]`) stand at the gate as well, from before their body until they commit. Nobody joins them, and loads
//! go on beside them: a commit raises the fence above all of those. What they must know is whether they were alone: two
//! that overlap may have written to the source in one order and come here in the other, and nobody can tell which value
//! is the newer. So each notes on arrival whom it meets, on both sides, and a writer that met another one, or an
//! `invalidate` or `set`, forgets the entry instead of storing it.
//!
//! The gate owns the key; a load only carries hash and ticket, and takes the key out when it is the last to leave.

use crate::flight::Flight;
use crate::pulse::Pulse;
use crate::stack;
use crate::tags::Tags;
use std::sync::Arc;

/// The loads of a key.
pub(crate) struct Gate<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
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
    /// Whether it renews an entry that is served meanwhile. Nobody waits for such a load: once the entry may be served
    /// no more, calls begin a load of their own, however long the renewal takes.
    pub(crate) renews: bool,
    /// How the leader of an async load is doing; `None` for a sync one.
    pub(crate) pulse: Option<Arc<Pulse>>,
    /// Those who wait, once somebody does.
    pub(crate) flight: Option<Arc<Flight<V>>>,
    /// The tags of what it loads.
    tags: Tags,
}

/// Why a call asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
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
    /// The tags of what it would load.
    pub(crate) tags: Tags,
    /// Where the wake-ups of its body are noted, if that body loads other keys as well.
    pub(crate) pulse: Option<&'a Arc<Pulse>>,
}

impl<V> Default for Ask<'_, V> {
    fn default() -> Self {
        let purpose = Purpose::Call;
        let tags = Tags::default();
        Self { purpose, coalesce: true, asynchronous: false, now: false, wave: 0, given_up: None, tags, pulse: None }
    }
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
    pub(crate) how: How,
}

/// How a load is run. One word: small fields that are written one by one and moved as one must first reach the cache,
/// which took as long as a hit.
#[derive(Clone, Copy)]
pub(crate) struct How(u64);

impl How {
    const TIMED: u64 = 1;
    const CLOCKED: u64 = 2;
    /// Thirty bits for a number of loads.
    const NTH: u64 = 0x3FFF_FFFF;

    /// `nth`: as the how manieth of its shard it begins.
    pub(crate) fn new(timed: bool, clocked: bool, nth: u64, wave: u32) -> Self {
        let flags = (u64::from(timed) * Self::TIMED) | (u64::from(clocked) * Self::CLOCKED);
        Self(flags | ((nth & Self::NTH) << 2) | (u64::from(wave) << 32))
    }

    /// How many loads have begun since, of `begun` in all.
    pub(crate) fn since(self, begun: u64) -> u64 {
        begun.wrapping_sub(self.0 >> 2) & Self::NTH
    }

    /// Whether its time is to be taken.
    pub(crate) fn is_timed(self) -> bool {
        self.0 & Self::TIMED != 0
    }

    /// Whether its time by the cache's own clock is to be taken too, since it decides about the entry's renewal.
    pub(crate) fn is_clocked(self) -> bool {
        self.0 & Self::CLOCKED != 0
    }

    /// How many waves of loads of this key have failed before it.
    pub(crate) fn wave(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl<K, V> Gate<K, V> {
    /// A gate for the first load of a key.
    #[inline]
    pub(crate) fn new((hash, key): (u64, K), bare: bool, ask: &Ask<'_, V>, lead: &Lead) -> Self {
        // As `lead`, where there is nobody else.
        let (pulse, tags) = (lead.pulse.clone(), ask.tags.clone());
        let (ticket, joinable) = (lead.ticket, ask.coalesce);
        let first = Some(Run { ticket, joinable, renews: false, pulse, flight: None, tags });
        Self { hash, key, fence: if bare { BARE } else { BEGUN }, first, more: None }
    }

    /// A gate that is about to have its first load or writer.
    pub(crate) fn empty(hash: u64, key: K) -> Self {
        Self { hash, key, fence: BEGUN, first: None, more: None }
    }

    /// Whether a load is under way whose value will come to those who call now, so that no other needs to begin.
    pub(crate) fn is_loading(&self, cleared: u64) -> bool {
        self.runs().any(|run| {
            let stalled = run.pulse.as_ref().is_some_and(|pulse| pulse.is_stalled());
            let current = run.ticket > cleared && run.tags.are_current(run.ticket);
            (run.joinable || run.renews) && current && !stalled
        })
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

    fn runs(&self) -> impl Iterator<Item = &Run<V>> {
        self.first.iter().chain(self.more.iter().flat_map(|more| &more.runs))
    }

    fn runs_mut(&mut self) -> impl Iterator<Item = &mut Run<V>> {
        self.first.iter_mut().chain(self.more.iter_mut().flat_map(|more| &mut more.runs))
    }

    fn writers(&self) -> &[Writer] {
        self.more.as_ref().map_or(&[], |more| &more.writers)
    }

    #[inline]
    pub(crate) fn has(&self, ticket: u64) -> bool {
        self.first.as_ref().is_some_and(|run| run.ticket == ticket)
            || self.more.as_ref().is_some_and(|more| more.runs.iter().any(|run| run.ticket == ticket))
    }

    pub(crate) fn has_writer(&self, ticket: u64) -> bool {
        self.writers().iter().any(|writer| writer.ticket == ticket)
    }

    /// Whether `ticket` is the only load or writer under way.
    #[inline]
    pub(crate) fn has_only(&self, ticket: u64) -> bool {
        let only = |more: &More<V>| {
            more.runs.iter().all(|run| run.ticket == ticket)
                && more.writers.iter().all(|writer| writer.ticket == ticket)
        };
        self.first.as_ref().is_none_or(|run| run.ticket == ticket) && self.more.as_deref().is_none_or(only)
    }

    /// Whether nothing was invalidated or stored since a load that is under way began.
    pub(crate) fn is_current(&self, ticket: u64, cleared: u64) -> bool {
        let tags = self.runs().find(|run| run.ticket == ticket).map(|run| &run.tags);
        ticket > self.fence && ticket > cleared && tags.is_some_and(|tags| tags.are_current(ticket))
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
        let Some(at) = more.writers.iter().position(|writer| writer.ticket == ticket) else { return false };
        let writer = more.writers.swap_remove(at);
        !writer.contested && more.raised < ticket
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
        let (pulse, tags) = (lead.pulse.clone(), ask.tags.clone());
        self.push(Run { ticket: lead.ticket, joinable, renews: false, pulse, flight, tags });
    }

    fn joinable(&self) -> impl Iterator<Item = &Run<V>> {
        self.runs().filter(|run| run.joinable)
    }

    /// Detaches loads that nobody should wait for any more: from before a `clear` or the invalidation of a tag of theirs,
    /// stalled, given up on, or landed.
    ///
    /// Waiters share a flight, not a load: with one of its loads the whole flight goes. Otherwise a call that begins
    /// after a `clear` could join a newer load and be landed by the older one beside it, or join what has landed already.
    fn detach_lost(&mut self, ask: &Ask<'_, V>, cleared: u64) {
        let mut lost: Vec<Arc<Flight<V>>> = ask.given_up.cloned().into_iter().collect();
        for run in self.runs_mut().filter(|run| run.joinable) {
            let stalled = run.pulse.as_ref().is_some_and(|pulse| pulse.is_stalled());
            let landed = run.flight.as_ref().is_some_and(|flight| flight.landing().is_some());
            if stalled || landed || run.ticket <= cleared || !run.tags.are_current(run.ticket) {
                run.joinable = false;
                lost.extend(run.flight.clone());
            }
        }
        if lost.is_empty() {
            return;
        }
        for run in self.runs_mut() {
            if run.flight.as_ref().is_some_and(|flight| lost.iter().any(|lost| Arc::ptr_eq(lost, flight))) {
                run.joinable = false;
            }
        }
    }

    /// The flight of the loads that may be joined, which there are.
    fn flight(&mut self) -> Arc<Flight<V>> {
        let flight = self.joinable().find_map(|run| run.flight.clone()).unwrap_or_default();
        for run in self.runs_mut().filter(|run| run.joinable && run.flight.is_none()) {
            flight.add_leader(run.ticket, run.pulse.clone());
            run.flight = Some(Arc::clone(&flight));
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
        Some(Leave { tags, left: flight.map(|flight| self.left(flight, pulse.is_none())) })
    }

    /// The only load leaves: the gate's key, too.
    #[expect(clippy::inline_always, reason = "a gate that is moved once more takes a tenth of a miss")]
    #[inline(always)]
    pub(crate) fn end(self, ticket: u64) -> Option<(K, Leave<V>)> {
        let Self { key, first, more, .. } = self;
        let run = match more {
            None => first,
            Some(more) => first.into_iter().chain(more.runs).find(|run| run.ticket == ticket),
        };
        let Run { tags, flight, pulse, .. } = run?;
        let left = flight.map(|flight| Left { flight, others: false, last_sync: pulse.is_none() });
        Some((key, Leave { tags, left }))
    }

    #[inline]
    fn take(&mut self, ticket: u64) -> Option<Run<V>> {
        if self.first.as_ref().is_some_and(|run| run.ticket == ticket) {
            return self.first.take();
        }
        let runs = &mut self.more.as_mut()?.runs;
        let at = runs.iter().position(|run| run.ticket == ticket)?;
        Some(runs.swap_remove(at))
    }

    /// Whether others still work for the flight of a load that has left.
    #[cold]
    fn left(&self, flight: Arc<Flight<V>>, sync: bool) -> Left<V> {
        let mut others = self
            .runs()
            .filter(|other| other.flight.as_ref().is_some_and(|other| Arc::ptr_eq(other, &flight)))
            .peekable();
        let others_go_on = others.peek().is_some();
        let last_sync = sync && others.all(|other| other.pulse.is_some());
        Left { flight, others: others_go_on, last_sync }
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
