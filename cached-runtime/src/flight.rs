//! Single-flight, the waiters' side: a flight is what the calls that wait for another call's load share. Must never
//! know a store or a key, and must never hold a lock while it wakes somebody or runs a user's code.
//!
//! A flight exists only once somebody waits: an uncontended miss allocates none. It ends once, with what the load gave
//! or with a failure, and is then no more than a value that its waiters read. A waiter whose flight failed goes back to
//! the shard and starts over; there it leads or joins another flight, so that at no time a permission to lead is "in
//! the air" and could be lost with a cancelled waiter.
//!
//! Lost wake-ups: the outcome is set first, then the bell is rung under its lock; a waiter looks at the outcome under
//! that same lock before it goes to sleep (or leaves its waker). So it either sees the outcome or is rung.

use crate::outcome::Shared;
use crate::pulse::Pulse;
use crate::stack;
use crate::sync::{Condvar, Mutex};
use crate::watchdog;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// How a flight ended.
pub(crate) enum Landing<V> {
    /// With something that all waiters may have.
    Shared(Shared<V>),
    /// With nothing to share: an error that can't be cloned, a panic, or a leader that went away.
    Failed {
        /// How many loads of this key may run at once from here on, as a power of two: waiters of a failed load are
        /// let go in waves of 2, 4, 8 ..., never one after another.
        wave: u32,
    },
}

/// What a group of calls waits for.
pub struct Flight<V> {
    landing: OnceLock<Landing<V>>,
    bell: Arc<Bell>,
}

/// The part of a flight that knows no types: who leads it, who sleeps on it.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Default)]
struct BellState {
    leaders: Vec<Leader>,
    /// Moves on whenever waiters should think again, though the flight has not landed.
    epoch: u64,
    sleepers: Vec<Sleeper>,
    next_sleeper: u64,
    watched: bool,
}

struct Leader {
    ticket: u64,
    pulse: Option<Arc<Pulse>>,
}

struct Sleeper {
    id: u64,
    waker: Waker,
}

/// Why a wait ended.
pub(crate) enum Waited {
    /// The flight has landed.
    Landed,
    /// The bound on the wait has passed.
    TimedOut,
    /// Waiting would never end: the flight waits for the caller.
    Cycle,
    /// Something changed (a co-leader failed, a leader stalled): look at the shard again.
    Again,
}

impl<V> Default for Flight<V> {
    fn default() -> Self {
        Self { landing: OnceLock::new(), bell: Arc::default() }
    }
}

impl<V> Flight<V> {
    /// One more load works for this flight.
    pub(crate) fn add_leader(&self, ticket: u64, pulse: Option<Arc<Pulse>>) {
        self.bell.state.lock().leaders.push(Leader { ticket, pulse });
    }

    /// A load of this flight has ended without a result, but others go on. If none of those is sync, sync waiters must
    /// `think_again`: they wait for no async leader.
    pub(crate) fn remove_leader(&self, ticket: u64, think_again: bool) {
        self.bell.state.lock().leaders.retain(|leader| leader.ticket != ticket);
        if think_again {
            self.bell.ring();
        }
    }

    /// Ends the flight. Only the first landing counts.
    pub(crate) fn land(&self, landing: Landing<V>) {
        // Of two co-leaders that succeed at the same time, either value is right: both loads were under way.
        let _ = self.landing.set(landing);
        let leaders = std::mem::take(&mut self.bell.state.lock().leaders);
        drop(leaders);
        self.bell.ring();
    }

    pub(crate) fn landing(&self) -> Option<&Landing<V>> {
        self.landing.get()
    }

    /// Blocks until the flight lands, the deadline passes or there is something to think about.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Waited {
        let Some(_waiting) = stack::wait_for(&self.bell) else {
            return Waited::Cycle;
        };
        let mut state = self.bell.state.lock();
        let epoch = state.epoch;
        loop {
            if self.landing.get().is_some() {
                return Waited::Landed;
            }
            if state.epoch != epoch {
                return Waited::Again;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Waited::TimedOut;
            }
            state = self.bell.rung.wait_until(state, deadline);
        }
    }

    /// The same for async callers.
    pub(crate) fn wait_async(self: &Arc<Self>, deadline: Option<Instant>) -> Wait<V> {
        Wait { flight: Arc::clone(self), deadline, started: None }
    }
}

impl Bell {
    /// The tickets of the loads that may still land the flight.
    pub(crate) fn leaders(&self) -> Vec<u64> {
        self.state.lock().leaders.iter().map(|leader| leader.ticket).collect()
    }

    /// Wakes everybody who sleeps on this bell.
    pub(crate) fn ring(&self) {
        let mut state = self.state.lock();
        state.epoch += 1;
        let sleepers = std::mem::take(&mut state.sleepers);
        drop(state);
        self.rung.notify_all();
        for sleeper in sleepers {
            // Foreign code: should one panic, the others are woken all the same. (The panic hook has reported it.)
            let _ = catch_unwind(AssertUnwindSafe(|| sleeper.waker.wake()));
        }
    }

    /// Whether the caller is the first to ask: it registers the bell with the watchdog.
    pub(crate) fn needs_watching(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().watched, true)
    }
}

/// An async caller's wait for a flight. Dropping it leaves no trace.
pub(crate) struct Wait<V> {
    flight: Arc<Flight<V>>,
    deadline: Option<Instant>,
    started: Option<Started>,
}

struct Started {
    /// The sleeper's number, once it left its waker.
    sleeper: u64,
    _waiting: stack::Waiting,
}

impl<V> Future for Wait<V> {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited> {
        let this = &mut *self;
        let bell = &this.flight.bell;
        let fresh = this.started.is_none();
        if fresh {
            // The stack is that of this poll: the loads whose bodies hold this very future.
            let Some(waiting) = stack::wait_for(bell) else {
                return Poll::Ready(Waited::Cycle);
            };
            let mut state = bell.state.lock();
            state.next_sleeper += 1;
            this.started = Some(Started { sleeper: state.next_sleeper, _waiting: waiting });
        }
        let Some(started) = &this.started else { return Poll::Ready(Waited::Again) };
        // A waker is the executor's: its clone and its drop run without our lock.
        let mut waker = cx.waker().clone();
        let mut state = bell.state.lock();
        if this.flight.landing.get().is_some() {
            return Poll::Ready(Waited::Landed);
        }
        if this.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Poll::Ready(Waited::TimedOut);
        }
        let stalled = |leader: &Leader| leader.pulse.as_ref().is_some_and(|pulse| pulse.is_stalled());
        if state.leaders.is_empty() || state.leaders.iter().any(stalled) {
            return Poll::Ready(Waited::Again);
        }
        match state.sleepers.iter_mut().find(|sleeper| sleeper.id == started.sleeper) {
            Some(sleeper) => std::mem::swap(&mut sleeper.waker, &mut waker),
            None => state.sleepers.push(Sleeper { id: started.sleeper, waker }),
        }
        drop(state);
        if fresh && !watchdog::look_after(bell) {
            // Without a watchdog nobody would end this wait.
            return Poll::Ready(Waited::TimedOut);
        }
        Poll::Pending
    }
}

impl<V> Drop for Wait<V> {
    fn drop(&mut self) {
        if let Some(started) = &self.started {
            let mut state = self.flight.bell.state.lock();
            let at = state.sleepers.iter().position(|sleeper| sleeper.id == started.sleeper);
            let gone = at.map(|at| state.sleepers.swap_remove(at));
            drop(state);
            // The waker is the executor's: its code runs without our lock.
            drop(gone);
        }
    }
}
