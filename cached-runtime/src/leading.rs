//! A load that this call runs, from the moment its gate counts it until those who wait for it are told. Must leave
//! nothing behind, whatever becomes of the call: its drop ends the load.

use crate::flight::Landing;
use crate::memory::gate::{Lead, Left};
use crate::memory::shard::Ending;
use crate::outcome::{Outcome, Shared, Verdict};
use crate::stack::Inside;
use crate::store::{Engine, Took};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

/// See the file's head. A panic, a dropped future, a panic in the user's `Clone`: all end in [`Drop`], where the gate is
/// left and those who wait take over.
pub(crate) struct Leading<K, V, H: Engine<K, V>> {
    handle: H,
    hash: u64,
    lead: Lead,
    state: State<V>,
    /// A poll of the body has begun and not ended: if this is dropped so, the body panicked.
    polling: bool,
    key: PhantomData<fn() -> K>,
}

/// How far a load has come.
enum State<V> {
    /// The gate counts it; its body does not run yet.
    Ready,
    /// Its body runs; since when, if its time is taken.
    Running(Option<Instant>),
    /// The gate is left; those who wait, if there are any, have not been told.
    Left(Option<Left<V>>),
    /// All is done.
    Done,
}

impl<K, V, H: Engine<K, V>> Leading<K, V, H> {
    pub(crate) fn new(handle: H, hash: u64, lead: Lead) -> Self {
        Self { handle, hash, lead, state: State::Ready, polling: false, key: PhantomData }
    }

    fn start(&mut self) {
        if matches!(self.state, State::Ready) {
            self.state = State::Running(self.lead.timed.then(Instant::now));
        }
    }

    /// Runs the body of a sync function.
    pub(crate) fn run<O>(mut self, outcome: O, body: impl FnOnce() -> O::Ret) -> O::Ret
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        self.start();
        // Until the end: the user's `Clone` may call the function again, and must not wait for this very load.
        let _inside = Inside::enter(self.lead.ticket);
        let ret = body();
        self.finish(outcome, &ret);
        ret
    }

    /// Polls the body of an async function, and notes its wake-ups.
    pub(crate) fn poll<O, F>(&mut self, outcome: O, body: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<O::Ret>
    where
        O: Outcome<Value = V>,
        V: Clone,
        F: Future<Output = O::Ret>,
    {
        self.start();
        self.polling = true;
        let _inside = Inside::enter(self.lead.ticket);
        let polled = match &self.lead.pulse {
            None => body.poll(cx),
            Some(pulse) => {
                let _polling = pulse.poll(cx.waker());
                body.poll(&mut Context::from_waker(&Waker::from(pulse.clone())))
            }
        };
        self.polling = false;
        let ret = ready!(polled);
        self.finish(outcome, &ret);
        Poll::Ready(ret)
    }

    /// The body has returned: keeps its value if it is to be kept, then tells those who wait.
    ///
    /// The user's code (`cache_if`, `Clone`) runs outside of the lock; should it panic, the drop of `self` ends the load.
    fn finish<O>(&mut self, outcome: O, ret: &O::Ret)
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        let verdict = outcome.judge(ret);
        let ending = match (verdict, outcome.value(ret)) {
            (Verdict::Fail, _) => Ending::Fail,
            (Verdict::Keep, Some(value)) => Ending::Keep(value.clone(), None),
            (Verdict::KeepFor(ttl), Some(value)) => Ending::Keep(value.clone(), Some(ttl)),
            _ => Ending::Skip,
        };
        self.leave(ending);
        let State::Left(Some(left)) = &self.state else {
            self.state = State::Done;
            return;
        };
        // Cloned while `state` still holds the flight: a panic in `Clone` fails it.
        match outcome.share(ret) {
            Shared::Nothing => self.fail(true),
            shared => {
                left.flight.land(Landing::Shared(shared));
                self.state = State::Done;
            }
        }
    }

    /// Ends the load in the store; from here on those who wait are in `state`.
    fn leave(&mut self, ending: Ending<V>) {
        let took = match self.state {
            State::Ready => None,
            State::Running(since) => Some(Took(since.map(|since| since.elapsed()))),
            State::Left(_) | State::Done => return,
        };
        let at = (self.hash, self.lead.ticket);
        let mut leaving = Leaving { left: None, state: &mut self.state };
        self.handle.end(at, ending, took, &mut leaving.left);
    }

    /// Tells those who wait that this load gives them nothing. After a failure they go on in waves; after a leader that
    /// merely went away the next one takes over.
    fn fail(&mut self, failure: bool) {
        if let State::Left(Some(left)) = std::mem::replace(&mut self.state, State::Done) {
            if left.others {
                left.flight.remove_leader(self.lead.ticket, left.last_sync);
            } else {
                left.flight.land(Landing::Failed { wave: self.lead.wave + u32::from(failure) });
            }
        }
    }
}

impl<K, V, H: Engine<K, V>> Drop for Leading<K, V, H> {
    fn drop(&mut self) {
        if !matches!(self.state, State::Done) {
            let panicked = self.polling || std::thread::panicking();
            if !panicked && matches!(self.state, State::Running(_)) {
                // Dropped before its end: neither a load nor a failed one.
                crate::watched::load_dropped(self.handle.common(), self.hash);
                self.state = State::Ready;
            }
            self.leave(Ending::Fail);
            self.fail(panicked);
        }
    }
}

/// Moves what `end` gives into the state of the load, also when the user's code panics inside of `end`.
struct Leaving<'a, V> {
    left: Option<Left<V>>,
    state: &'a mut State<V>,
}

impl<V> Drop for Leaving<'_, V> {
    fn drop(&mut self) {
        *self.state = State::Left(self.left.take());
    }
}
