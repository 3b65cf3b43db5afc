//! A load that this call runs, from the moment its gate counts it until those who wait for it are told. Must leave
//! nothing behind, whatever becomes of the call: its drop ends the load.

use crate::clock::{self, Nanos};
use crate::events::LoadEnd;
use crate::flight::Landing;
use crate::memory::bin::drop_quietly;
use crate::memory::gate::Lead;
use crate::memory::loads::Left;
use crate::memory::shard::{Ending, Keep, Old};
use crate::outcome::{Outcome, Shared, Verdict};
use crate::stack::Inside;
use crate::store::{Engine, Home, Took};
use crate::trace::{InSpan, LoadSpan};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

/// See the file's head. A panic, a dropped future, a panic in the user's `Clone`: all end in [`Drop`], where the gate is
/// left and those who wait take over.
pub(crate) struct Leading<K, V, H: Engine<K, V>> {
    handle: Home<H>,
    hash: u64,
    lead: Lead,
    /// The value that it is to replace, to fall back on.
    old: Option<Box<Old<V>>>,
    state: State<V>,
    /// A poll of the body has begun and not ended: if this is dropped so, the body panicked.
    polling: bool,
    span: LoadSpan,
    key: PhantomData<fn() -> K>,
}

/// That this thread is inside of a load's span, and of its body. In this order: what listens to the end of the span may
/// call the function again, and must not wait for this very load.
pub(crate) type Within = (InSpan, Inside);

/// How far a load has come.
enum State<V> {
    /// The gate counts it; its body does not run yet.
    Ready,
    /// Its body runs; since when, if its time is taken, and since when by the cache's clock, if that matters.
    Running(Option<Instant>, Option<Nanos>),
    /// The gate is left; those who wait, if there are any, have not been told.
    Left(Option<Left<V>>),
    /// All is done.
    Done,
}

impl<K, V, H: Engine<K, V>> Leading<K, V, H> {
    pub(crate) fn new(handle: Home<H>, hash: u64, lead: Lead, old: Option<Box<Old<V>>>) -> Self {
        Self {
            handle,
            hash,
            lead,
            old,
            state: State::Ready,
            polling: false,
            span: LoadSpan::default(),
            key: PhantomData,
        }
    }

    /// The value that it is to replace, for a call that is let go before the load ends: where it may be served at once, or
    /// `late`, because the load takes long.
    #[cfg(feature = "tokio")]
    pub(crate) fn old(&self, late: bool) -> Option<V>
    where
        V: Clone,
    {
        let old = self.old.as_ref().filter(|old| old.at_once || late)?;
        let now = clock::now();
        // What was looked up just now is good; later it may have been invalidated.
        let at = (self.hash, self.lead.ticket);
        let good = now < old.worth.life.ends && (!late || self.handle.is_worth(at, &old.worth));
        if good && now >= old.worth.life.fresh_until {
            self.handle.common().count_stale();
            crate::watched::stale_served(self.handle.common(), self.hash);
        }
        good.then(|| old.value.clone())
    }

    /// Whether it renews an entry that is served meanwhile.
    pub(crate) fn renews(&self) -> bool {
        self.old.as_ref().is_some_and(|old| old.at_once)
    }

    /// How long its call waits before the old value will do.
    #[cfg(feature = "tokio")]
    pub(crate) fn soft_timeout(&self) -> Option<std::time::Duration> {
        self.handle.soft_timeout().filter(|_| self.old.is_some())
    }

    /// For what runs between the look-up and the body: a call of the same key from there must not wait for this load.
    pub(crate) fn inside(&self) -> Inside {
        Inside::enter(self.lead.ticket)
    }

    /// What tells calls from inside of its body that it is their own.
    #[cfg(feature = "redis")]
    pub(crate) fn ticket(&self) -> u64 {
        self.lead.ticket
    }

    fn start(&mut self) {
        if matches!(self.state, State::Ready) {
            let how = self.lead.how;
            self.state = State::Running(how.is_timed().then(Instant::now), how.is_clocked().then(clock::now));
            self.span = LoadSpan::begin(self.handle.common().source(), self.hash);
        }
    }

    /// The body of a sync function begins: [`finish`](Self::finish) when it has returned. What this gives is held until
    /// then, or until it panics.
    #[inline]
    pub(crate) fn begin(&mut self) -> Within {
        self.start();
        let inside = Inside::enter(self.lead.ticket);
        (self.span.enter(), inside)
    }

    /// Polls the body of an async function, and notes its wake-ups.
    pub(crate) fn poll<O>(
        &mut self,
        outcome: O,
        body: Pin<&mut dyn Future<Output = O::Ret>>,
        cx: &mut Context<'_>,
    ) -> Poll<O::Ret>
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        self.start();
        self.polling = true;
        let _inside = Inside::enter(self.lead.ticket);
        let in_span = self.span.enter();
        let polled = match &self.lead.pulse {
            None => body.poll(cx),
            Some(pulse) => {
                let _polling = pulse.poll(cx.waker());
                body.poll(&mut Context::from_waker(&Waker::from(pulse.clone())))
            }
        };
        self.polling = false;
        in_span.leave();
        let ret = ready!(polled);
        Poll::Ready(self.finish(outcome, ret))
    }

    /// A body that loads several keys begins, or is polled again. One of the loads counts as its run.
    pub(crate) fn go(&mut self, counts: bool) -> Inside {
        if counts {
            self.start();
        }
        self.polling = true;
        Inside::enter(self.lead.ticket)
    }

    /// That body has left its poll without a panic.
    pub(crate) fn pause(&mut self) {
        self.polling = false;
    }

    /// That body has failed for all its keys. What this key's call returns all the same: the old value, where that may be
    /// served on error.
    pub(crate) fn fail_as_one<O>(&mut self, outcome: O) -> Option<O::Ret>
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        self.polling = false;
        let good = self.old.as_ref().map(|old| &old.worth).filter(|old| clock::now() < old.life.ends);
        if self.leave(Ending::Fail(good.cloned()))
            && let Some(old) = self.old.take()
        {
            let ret = outcome.ret(old.value);
            self.tell(outcome, &ret);
            return Some(ret);
        }
        self.fail(true);
        None
    }

    /// The body has returned: keeps its value if it is to be kept, then tells those who wait. What the call returns: if
    /// the load failed, the old value, where that may be served on error.
    ///
    /// The user's code (`cache_if`, `Clone`) runs outside of the lock; should it panic, the drop of `self` ends the load.
    #[inline]
    pub(crate) fn finish<O>(&mut self, outcome: O, ret: O::Ret) -> O::Ret
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        if self.leave(self.ending(outcome, &ret))
            && let Some(old) = self.old.take()
        {
            let ret = outcome.ret(old.value);
            self.tell(outcome, &ret);
            return ret;
        }
        self.tell(outcome, &ret);
        ret
    }

    /// What becomes of a value.
    fn ending<O>(&self, outcome: O, ret: &O::Ret) -> Ending<V>
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
        if let Some(old) = &self.old
            && clock::now() < old.worth.life.ends
            && outcome.failed(ret)
        {
            // Also an error that would be kept: it must not push out a value that is good enough.
            return Ending::Fail(Some(old.worth.clone()));
        }
        let keep = |value: &V, ttl| {
            let load_time = match self.state {
                State::Running(_, Some(since)) => clock::now().saturating_sub(since),
                _ => 0,
            };
            Ending::Keep(Keep { value: Some(value.clone()), ttl, failed: outcome.failed(ret), load_time })
        };
        match (outcome.judge(ret), outcome.value(ret)) {
            (Verdict::Fail, _) => Ending::Fail(None),
            (Verdict::Keep, Some(value)) => keep(value, None),
            (Verdict::KeepFor(ttl), Some(value)) => keep(value, Some(ttl)),
            _ => Ending::Skip,
        }
    }

    /// Tells those who wait what they are given.
    fn tell<O>(&mut self, outcome: O, ret: &O::Ret)
    where
        O: Outcome<Value = V>,
        V: Clone,
    {
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

    /// Ends the load in the store; from here on those who wait are in `state`. Whether the old value may be served.
    fn leave(&mut self, mut ending: Ending<V>) -> bool {
        let ended = |ending: &Ending<V>| match ending {
            _ if std::thread::panicking() => LoadEnd::Panicked,
            Ending::Fail(_) => LoadEnd::Error,
            Ending::Gone => LoadEnd::Dropped,
            _ => LoadEnd::Ok,
        };
        let took = match self.state {
            // Not begun, dropped, or of a body that counts as another key's load.
            State::Ready => None,
            State::Running(since, _) => {
                self.span.ended(ended(&ending));
                Some(Took(since.map(|since| since.elapsed()), self.lead.how))
            }
            State::Left(_) | State::Done => return false,
        };
        // Before the user's code can panic in there: who waits must be told in any case.
        self.state = State::Left(None);
        let State::Left(left) = &mut self.state else { return false };
        let serves_old = self.handle.end((self.hash, self.lead.ticket), &mut ending, took, left);
        if self.renews() {
            crate::watched::refresh_ended(self.handle.common(), self.hash, ended(&ending));
        }
        match ending {
            // Mostly nothing is left of it, and nothing has to be caught.
            Ending::Keep(Keep { value: None, .. }) | Ending::Skip | Ending::Gone | Ending::Fail(None) => {}
            ending => drop_quietly(ending),
        }
        serves_old
    }

    /// Tells those who wait that this load gives them nothing. After a failure they go on in waves; after a leader that
    /// merely went away the next one takes over.
    fn fail(&mut self, failure: bool) {
        if let State::Left(Some(left)) = std::mem::replace(&mut self.state, State::Done) {
            if left.others {
                left.flight.remove_leader(self.lead.ticket, left.last_sync);
            } else {
                left.flight.land(Landing::Failed { wave: self.lead.how.wave() + u32::from(failure) });
            }
        }
    }
}

impl<K, V, H: Engine<K, V>> Drop for Leading<K, V, H> {
    fn drop(&mut self) {
        if !matches!(self.state, State::Done) {
            let mut dropped = false;
            let panicked = self.polling || std::thread::panicking();
            if !panicked && matches!(self.state, State::Running(..)) {
                // Dropped before its end: neither a load nor a failed one.
                self.state = State::Ready;
                self.span.ended(LoadEnd::Dropped);
                dropped = true;
            }
            self.leave(if panicked { Ending::Fail(None) } else { Ending::Gone });
            self.fail(panicked);
            if dropped {
                crate::watched::load_dropped(self.handle.common(), self.hash);
            }
        }
    }
}
