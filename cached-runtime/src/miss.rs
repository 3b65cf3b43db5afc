//! What a call does that found nothing: run the body, or wait for the call that does, and go on if that brings nothing.
//! Must never wait without a bound, and must never wait while it holds a lock.

use crate::builder::Coalesce;
use crate::flight::{Flight, Landing, Wait, Waited};
use crate::leading::{Leading, Within};
use crate::memory::entry::{ByKey, Find, Whichever};
use crate::memory::gate::{Ask, Purpose};
use crate::memory::shard::Begun;
use crate::outcome::Outcome;
use crate::pulse::Pulse;
use crate::scope::Found;
use crate::stack;
use crate::store::{Engine, Home};
use crate::tags::Tags;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A call that missed: [`run`](Self::run) it, or [`run_async`](Self::run_async).
pub struct Miss<K, O: Outcome, H: Engine<K, O::Value>> {
    pub(crate) outcome: O,
    pub(crate) turn: Turn<K, O::Value, H>,
    pub(crate) coalesce: Coalesce,
}

/// What a missed call does next.
pub(crate) enum Turn<K, V, H: Engine<K, V>> {
    /// Run the body.
    Lead(Leading<K, V, H>),
    /// Wait for a flight.
    Join(Joining<K, V, H>),
    /// The call comes from inside a key's or value's own code: run the body, without the cache.
    Past(Home<H>),
    /// Another call's load has answered meanwhile.
    Hit(V),
    /// The entry is past its time to live, and is served all the same.
    Aged(V),
    /// It has done all of that: the body alone is left.
    Done,
}

impl<K, V, H: Engine<K, V>> Turn<K, V, H> {
    /// To go on with, elsewhere.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Done)
    }

    /// What the look-up has found, for those who watch. A call that is to renew an entry has found it.
    pub(crate) fn found(&self) -> Found {
        match self {
            Self::Hit(_) => Found::Hit,
            Self::Aged(_) => Found::Stale,
            Self::Lead(leading) if leading.renews() => Found::Hit,
            Self::Lead(_) | Self::Join(_) | Self::Past(_) | Self::Done => Found::Miss,
        }
    }
}

/// A call that waits for another's load.
pub(crate) struct Joining<K, V, H: 'static> {
    handle: Home<H>,
    hash: u64,
    key: K,
    /// Of the load that it runs if the other's brings nothing.
    tags: Tags,
    pub(crate) flight: Arc<Flight<V>>,
    wave: u32,
}

impl<K: Eq + Clone, V, H: Engine<K, V>> Joining<K, V, H> {
    pub(crate) fn new(handle: Home<H>, (hash, key, tags): (u64, K, Tags), flight: Arc<Flight<V>>) -> Self {
        Self { handle, hash, key, tags, flight, wave: 0 }
    }

    /// An old value, where the load takes too long.
    #[cfg(feature = "tokio")]
    pub(crate) fn stale(&self) -> Option<V> {
        self.handle.stale(&Find { hash: self.hash, view: &ByKey(&self.key) })
    }

    /// How long to wait before an old value will do.
    #[cfg(feature = "tokio")]
    pub(crate) fn soft_timeout(&self) -> Option<Duration> {
        self.handle.soft_timeout().filter(|_| self.handle.has_stale())
    }

    /// What the flight's landing gives the caller, if it gives anything.
    pub(crate) fn landed<O: Outcome<Value = V>>(&mut self, outcome: O) -> Option<O::Ret> {
        match self.flight.landing()? {
            Landing::Shared(shared) => {
                let mut ret = outcome.unshare(shared);
                if ret.as_ref().is_some_and(|ret| outcome.failed(ret))
                    && self.handle.has_stale()
                    && let Some(old) = self.handle.stale(&Find { hash: self.hash, view: &ByKey(&self.key) })
                {
                    // It began as a `refresh`, whose own caller wanted to know.
                    ret = Some(outcome.ret(old));
                }
                match &ret {
                    Some(_) => self.handle.common().count_coalesced(),
                    // It landed with something that this caller's function can't return: another function's error, in a
                    // cache that both share.
                    None => self.wave += 1,
                }
                ret
            }
            Landing::Failed { wave } => {
                self.wave = self.wave.max(*wave);
                None
            }
        }
    }

    /// Back to the shard, after a wait that brought nothing: there may be an entry by now, a flight to join, or a load
    /// to run.
    pub(crate) fn next(
        self,
        waited: &Waited,
        (asynchronous, pulse): (bool, Option<&Arc<Pulse>>),
        over: bool,
    ) -> Turn<K, V, H> {
        let given_up = matches!(waited, Waited::TimedOut).then_some(&self.flight);
        let now = over || matches!(waited, Waited::Cycle);
        let purpose = Purpose::Again;
        let ask: &dyn Fn() -> _ = &|| {
            let tags = self.tags.clone();
            Ask { purpose, coalesce: true, asynchronous, now, wave: self.wave, given_up, tags, pulse }
        };
        let own: &dyn Fn() -> K = &|| self.key.clone();
        let find = Find { hash: self.hash, view: &Whichever(&ByKey(&self.key)) };
        match self.handle.look(&find, purpose, own, ask) {
            Some(Begun::Hit(value) | Begun::Aged(value)) => {
                self.handle.common().count_coalesced();
                Turn::Hit(value)
            }
            Some(Begun::Lead(lead)) => Turn::Lead(Leading::new(self.handle, self.hash, lead, None)),
            Some(Begun::Stale(lead, old)) => Turn::Lead(Leading::new(self.handle, self.hash, lead, Some(old))),
            Some(Begun::Join(flight)) => Turn::Join(Self { flight, ..self }),
            None => Turn::Past(self.handle),
        }
    }
}

/// What a call is to do before or in the place of its body.
enum Next<R> {
    /// Run the body, inside of its load.
    Lead(Within),
    /// Run the body, without the cache.
    Past,
    Ret(R),
}

impl<K: Eq + Clone, O: Outcome, H: Engine<K, O::Value>> Miss<K, O, H> {
    /// To be held while listeners are told of it.
    pub(crate) fn inside(&self) -> Option<stack::Inside> {
        if let Turn::Lead(leading) = &self.turn { Some(leading.inside()) } else { None }
    }

    pub(crate) fn new(outcome: O, turn: Turn<K, O::Value, H>, coalesce: Coalesce) -> Self {
        Self { outcome, turn, coalesce }
    }

    /// Whether it waits for another call's load.
    #[cfg(feature = "redis")]
    pub(crate) fn joins(&self) -> bool {
        matches!(self.turn, Turn::Join(_))
    }

    /// The ticket of the load that it leads.
    #[cfg(feature = "redis")]
    pub(crate) fn ticket(&self) -> Option<u64> {
        match &self.turn {
            Turn::Lead(leading) => Some(leading.ticket()),
            _ => None,
        }
    }

    /// Runs the body, or waits for the call that does.
    ///
    /// As little as can be stands here: it is compiled anew for each function. The load stays where the look-up has put
    /// it, since moving it from one function to the next took as long as the rest.
    pub fn run(&mut self, body: impl FnOnce() -> O::Ret) -> O::Ret {
        match self.start() {
            Next::Lead(within) => {
                let ret = body();
                self.finish(within, ret)
            }
            Next::Ret(ret) => ret,
            Next::Past => body(),
        }
    }

    /// What a call does before its body may run.
    #[inline(never)]
    fn start(&mut self) -> Next<O::Ret> {
        match &mut self.turn {
            Turn::Lead(leading) => Next::Lead(leading.begin()),
            _ => self.wait(),
        }
    }

    /// The body has returned.
    #[inline(never)]
    fn finish(&mut self, (in_span, inside): Within, ret: O::Ret) -> O::Ret {
        in_span.leave();
        // Until the end: the user's `Clone` may call the function again, and must not wait for this very load.
        let _inside = inside;
        match &mut self.turn {
            Turn::Lead(leading) => leading.finish(self.outcome, ret),
            _ => ret,
        }
    }

    /// What a call that leads no load does, until it is given something or is to run the body.
    #[cold]
    fn wait(&mut self) -> Next<O::Ret> {
        let (outcome, mut bound) = (self.outcome, Bound::new(self.coalesce));
        loop {
            // Should something panic in here, there is nothing to end: a call that waits leads no load.
            self.turn = match self.turn.take() {
                Turn::Lead(leading) => {
                    self.turn = Turn::Lead(leading);
                    return self.start();
                }
                Turn::Hit(value) | Turn::Aged(value) => return Next::Ret(outcome.ret(value)),
                Turn::Past(handle) => {
                    handle.common().count_bypassed();
                    return Next::Past;
                }
                Turn::Done => return Next::Past,
                Turn::Join(mut joining) => {
                    let waited = joining.flight.wait(bound.deadline());
                    if let Some(ret) = joining.landed(outcome) {
                        return Next::Ret(ret);
                    }
                    joining.next(&waited, (false, None), bound.is_over())
                }
            };
        }
    }

    /// The same for an async function. Where another call's load answers, the body's future is dropped unpolled.
    pub fn run_async<F: Future<Output = O::Ret>>(self, body: F) -> RunAsync<K, O, O::Value, H, F> {
        let Self { outcome, turn, coalesce } = self;
        RunAsync { outcome, turn, wait: None, bound: Bound::new(coalesce), body }
    }
}

impl<K, O, V, H, F> RunAsync<K, O, V, H, F>
where
    O: Outcome<Value = V>,
    H: Engine<K, V>,
{
    /// A body that waits for its miss: [`begin`](Self::begin) before the first poll.
    pub(crate) fn idle(outcome: O, body: F) -> Self {
        RunAsync { outcome, turn: Turn::Done, wait: None, bound: Bound::new(Coalesce(None)), body }
    }

    /// What it does next, and its body: to go on elsewhere.
    #[cfg(feature = "tokio")]
    pub(crate) fn parts(self: Pin<&mut Self>) -> (&mut Turn<K, V, H>, Pin<&mut F>) {
        let this = self.project();
        (this.turn, this.body)
    }

    /// The look-up has missed.
    pub(crate) fn begin(self: Pin<&mut Self>, miss: Miss<K, O, H>) {
        let this = self.project();
        *this.turn = miss.turn;
        *this.bound = Bound::new(miss.coalesce);
    }
}

/// The bounds on the waits of one call.
///
/// All of them together end after `coalesce`. A call that is itself inside of a load also gives up on a flight after a
/// second, since others wait for it in turn and a cycle through a spawned task can't be seen; the next time after two,
/// then four: whoever gives up first runs the body, the others wait for that, and a slow load is not run by all of them.
pub(crate) struct Bound {
    coalesce: Option<Duration>,
    /// When the last wait ends: set by the first. `None` until then, or if it lies beyond what the clock can tell.
    end: Option<Instant>,
    rounds: u32,
}

impl Bound {
    pub(crate) fn new(coalesce: Coalesce) -> Self {
        Self { coalesce: coalesce.0, end: None, rounds: 0 }
    }

    /// When the wait that begins now ends.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if let Some(coalesce) = self.coalesce.take() {
            self.end = now.checked_add(coalesce);
        }
        if !stack::is_inside_any() {
            return self.end;
        }
        let round = now.checked_add(Duration::from_secs(1) * 2_u32.saturating_pow(self.rounds.min(16)));
        self.rounds += 1;
        self.end.into_iter().chain(round).min()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }
}

pin_project! {
    /// The future of [`Miss::run_async`].
    ///
    /// Written by hand, since an `async` block would hold the body's future twice, and twice again for each cached
    /// function that calls another.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct RunAsync<K, O, V, H, F>
    where
        O: Outcome<Value = V>,
        H: Engine<K, V>,
    {
        outcome: O,
        // Before the body, so that a dropped leader hands over before its body's own drops run.
        turn: Turn<K, V, H>,
        wait: Option<Wait<V>>,
        bound: Bound,
        #[pin]
        body: F,
    }
}

impl<K, O, V, H, F> Future for RunAsync<K, O, V, H, F>
where
    K: Eq + Clone,
    V: Clone,
    O: Outcome<Value = V>,
    H: Engine<K, V>,
    F: Future<Output = O::Ret>,
{
    type Output = O::Ret;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Ret> {
        let this = self.project();
        Course { turn: this.turn, wait: this.wait, bound: this.bound, outcome: *this.outcome }.poll(this.body, cx)
    }
}

/// What [`RunAsync`] does, whatever its body's type: that is another one for each function, and all of this would be compiled
/// once more for it.
struct Course<'a, K, O, V, H: Engine<K, V>> {
    turn: &'a mut Turn<K, V, H>,
    wait: &'a mut Option<Wait<V>>,
    bound: &'a mut Bound,
    outcome: O,
}

impl<K, O, V, H> Course<'_, K, O, V, H>
where
    K: Eq + Clone,
    V: Clone,
    O: Outcome<Value = V>,
    H: Engine<K, V>,
{
    fn poll(self, mut body: Pin<&mut dyn Future<Output = O::Ret>>, cx: &mut Context<'_>) -> Poll<O::Ret> {
        let Self { turn, wait, bound, outcome } = self;
        loop {
            match turn.take() {
                Turn::Lead(mut leading) => {
                    let polled = leading.poll(outcome, body.as_mut(), cx);
                    if polled.is_pending() {
                        *turn = Turn::Lead(leading);
                    }
                    return polled;
                }
                Turn::Hit(value) | Turn::Aged(value) => return Poll::Ready(outcome.ret(value)),
                Turn::Past(handle) => handle.common().count_bypassed(),
                Turn::Join(mut joining) => {
                    let waiting = wait.get_or_insert_with(|| joining.flight.wait_async(bound.deadline()));
                    let Poll::Ready(waited) = Pin::new(waiting).poll(cx) else {
                        *turn = Turn::Join(joining);
                        return Poll::Pending;
                    };
                    *wait = None;
                    if let Some(ret) = joining.landed(outcome) {
                        return Poll::Ready(ret);
                    }
                    *turn = joining.next(&waited, (true, None), bound.is_over());
                }
                // Past the cache: the body alone. (Polled again after it is ready, it answers as its author chose.)
                Turn::Done => return body.as_mut().poll(cx),
            }
        }
    }
}
