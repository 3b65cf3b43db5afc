//! A call for many ids: hits, one body for what this call leads, then the loads of others. Must never wait for another
//! call while it leads a load: two that wait for each other's ids would never end.
//!
//! In rounds. The body runs once, with the ids that are missing and that nobody loads; its values land, and only then does
//! the call wait for the loads of others. What those did not bring (they failed, or took too long) is looked up once
//! more, all together: there may be entries by now, loads to join, or loads to lead, which are one more body.
//!
//! Entries that are due for a renewal which this call was chosen for are loaded by the same body, with those that are
//! missing; or, where the body may go on without the call, by a body of their own in the background, while the call has
//! the old values. If a body fails, each of its ids falls back on an old value, if it has one that is good enough.

#[cfg(feature = "tokio")]
mod background;

use crate::at::{At, HandleOf};
use crate::bulk::{Bulk, Unsplit};
use crate::flight::{Wait, Waited};
use crate::hooks::Key;
use crate::key::View;
use crate::leading::Leading;
use crate::memory::LocalCache;
use crate::miss::{Bound, Joining, Turn};
use crate::outcome::Outcome;
use crate::pulse::Pulse;
use crate::scope;
use crate::slot::{LocalAt, LocalTags};
use crate::stack::Inside;
use crate::store::{Engine, Home, InProcess};
use pin_project_lite::pin_project;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// A call for many ids, looked up: it borrows nothing of what its keys were made of.
pub struct Each<Id, K, O: Outcome, H: Engine<K, O::Value>>(Call<Id, K, O, H>);

impl<Id, K, O: Outcome, H: Engine<K, O::Value>> fmt::Debug for Each<Id, K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

/// How a call for many ids begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Whether it loads them whatever there is (`refresh`).
    anew: bool,
    /// Whether its body is polled.
    asynchronous: bool,
}

/// A place that can be one of many in a call.
pub trait InBulk<Id>: Sized {
    /// The call.
    type Each;

    /// A call for all of these.
    fn each(items: Vec<(Id, Self)>, start: Start) -> Self::Each;

    /// Counts a call that goes past the cache.
    fn bypass(self);
}

/// A call for many ids.
pub fn each<Id, A: InBulk<Id>>(items: Vec<(Id, A)>) -> A::Each {
    A::each(items, Start { anew: false, asynchronous: false })
}

/// The same of an async function.
pub fn each_async<Id, A: InBulk<Id>>(items: Vec<(Id, A)>) -> A::Each {
    A::each(items, Start { anew: false, asynchronous: true })
}

/// A load of many ids, whatever there is (`refresh`).
pub fn each_anew<Id, A: InBulk<Id>>(items: Vec<(Id, A)>) -> A::Each {
    A::each(items, Start { anew: true, asynchronous: false })
}

/// The same of an async function.
pub fn each_anew_async<Id, A: InBulk<Id>>(items: Vec<(Id, A)>) -> A::Each {
    A::each(items, Start { anew: true, asynchronous: true })
}

/// A call of all these that goes past the cache (`bypass_if`).
pub fn each_past<Id, A: InBulk<Id>>(items: Vec<(Id, A)>) {
    if let Some((_, place)) = items.into_iter().next() {
        place.bypass();
    }
}

impl Start {
    #[cfg(feature = "redis")]
    pub(crate) fn is_anew(self) -> bool {
        self.anew
    }
}

/// What a look-up for one of many gives: the engine, what to do, and, on a miss, the key.
pub(crate) struct Sought<K, O: Outcome, H: Engine<K, O::Value>> {
    pub(crate) handle: Home<H>,
    pub(crate) outcome: O,
    pub(crate) turn: Turn<K, O::Value, H>,
    pub(crate) key: Option<K>,
    pub(crate) bound: Bound,
    /// For those who watch: the key's hash, and what was found.
    pub(crate) looked: Option<(u64, scope::Found)>,
}

impl<Id, P, O, S> InBulk<Id> for At<'_, P, O, S>
where
    P: View,
    O: Outcome,
    S: InProcess,
    HandleOf<S, P, O>: Engine<P::Owned, O::Value>,
{
    type Each = Each<Id, P::Owned, O, HandleOf<S, P, O>>;

    fn each(items: Vec<(Id, Self)>, start: Start) -> Self::Each {
        Each(Call::new(items, start, |place, pulse| place.seek(pulse, start.anew)))
    }

    fn bypass(self) {
        self.past();
    }
}

// As a path, the method has one lifetime; the entry needs any.
#[allow(clippy::redundant_closure_for_method_calls)]
impl<Id, P: View, O: Outcome, T: LocalTags> InBulk<Id> for LocalAt<P, O, T> {
    type Each = Each<Id, P::Owned, O, Rc<LocalCache<P::Owned, O::Value>>>;

    fn each(items: Vec<(Id, Self)>, start: Start) -> Self::Each {
        Each(Call::new(items, start, |place, pulse| place.with(|entry| entry.seek(pulse, start.anew))))
    }

    fn bypass(self) {
        LocalAt::bypass(self);
    }
}

impl<Id, V, K, O, H> Each<Id, K, O, H>
where
    Id: Clone,
    V: Clone,
    K: Hash + Eq + Clone,
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
{
    /// Runs the body for what is missing, and waits for the calls that load the rest.
    pub fn run<R: Bulk<Id, V>>(self, mut body: impl FnMut(Vec<Id>) -> R) -> R {
        let mut call = self.0;
        loop {
            let ids = call.wanted();
            if !ids.is_empty() {
                let _inside = call.begin();
                let ret = body(ids.clone());
                match call.settle(&ids, ret) {
                    Settled::Landed => {}
                    Settled::Return(ret) => return ret,
                    Settled::Past => return body(call.ids()),
                }
            }
            call.wait(R::ABSENT);
            if !call.look_again() {
                return R::join(call.found());
            }
        }
    }

    /// The same for async code. The body begins with the first poll.
    pub fn run_async<R, F, B>(self, body: B) -> EachAsync<Id, K, O, H, R, F, B>
    where
        R: Bulk<Id, V>,
        F: Future<Output = R>,
        B: FnMut(Vec<Id>) -> F,
    {
        EachAsync { call: self.0, wait: None, ids: Vec::new(), past: false, body, load: None }
    }
}

/// One id of a call.
struct Item<Id, K, O: Outcome, H: Engine<K, O::Value>> {
    id: Id,
    outcome: O,
    found: Found<K, O, H>,
}

enum Found<K, O: Outcome, H: Engine<K, O::Value>> {
    Here(O::Ret),
    /// The same key as an earlier item's.
    Same(usize),
    Lead(Leading<K, O::Value, H>),
    Join(Joining<K, O::Value, H>),
    /// A wait that brought nothing.
    Again(Joining<K, O::Value, H>, Waited),
    /// To be loaded without the cache.
    Past,
}

/// What became of a body's result.
enum Settled<R> {
    /// Its values are where they belong.
    Landed,
    /// The caller gets it as it is.
    Return(R),
    /// It doesn't fit: the body alone, for all ids.
    Past,
}

/// A call under way.
struct Call<Id, K, O: Outcome, H: Engine<K, O::Value>> {
    items: Vec<Item<Id, K, O, H>>,
    bound: Option<Bound>,
    pulse: Option<Arc<Pulse>>,
    handle: Option<Home<H>>,
}

impl<Id, K: Hash + Eq, O: Outcome, H: Engine<K, O::Value>> Call<Id, K, O, H> {
    fn new<A>(places: Vec<(Id, A)>, start: Start, seek: impl Fn(A, Option<&Arc<Pulse>>) -> Sought<K, O, H>) -> Self {
        let pulse = start.asynchronous.then(Arc::default);
        let mut call = Self { items: Vec::with_capacity(places.len()), bound: None, pulse, handle: None };
        let (mut firsts, mut found_out) = (HashMap::new(), Vec::new());
        for (id, place) in places {
            let Sought { handle, outcome, turn, key, bound, looked } = seek(place, call.pulse.as_ref());
            call.bound.get_or_insert(bound);
            found_out.extend(looked);
            call.handle.get_or_insert(handle);
            let at = call.items.len();
            let first = key.map_or(at, |key| *firsts.entry(key).or_insert(at));
            // A second load of the same key is dropped before it begins.
            let found = if first < at { Found::Same(first) } else { Self::turned(outcome, turn) };
            call.items.push(Item { id, outcome, found });
        }
        call.tell(found_out);
        call
    }

    /// Tells those who watch what was found: once all is looked up, since what a listener calls is inside of these loads.
    fn tell(&self, looked: Vec<(u64, scope::Found)>) {
        let Some(source) = self.handle.as_ref().map(|handle| handle.common().source()) else { return };
        if looked.is_empty() {
            return;
        }
        let inside = |item: &Item<Id, K, O, H>| match &item.found {
            Found::Lead(leading) => Some(leading.inside()),
            _ => None,
        };
        let _inside: Vec<Inside> = self.items.iter().filter_map(inside).collect();
        for (hash, found) in looked {
            source.looked(Key::hash(hash), found);
        }
    }

    fn turned(outcome: O, turn: Turn<K, O::Value, H>) -> Found<K, O, H> {
        match turn {
            Turn::Hit(value) | Turn::Aged(value) => Found::Here(outcome.ret(value)),
            Turn::Lead(leading) => Found::Lead(leading),
            Turn::Join(joining) => Found::Join(joining),
            Turn::Past(handle) => {
                handle.common().count_bypassed();
                Found::Past
            }
            Turn::Done => Found::Past,
        }
    }
}

impl<Id, V, K, O, H> Call<Id, K, O, H>
where
    Id: Clone,
    V: Clone,
    K: Hash + Eq + Clone,
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
{
    /// The ids that the body is to load now.
    fn wanted(&self) -> Vec<Id> {
        let wanted = |item: &&Item<Id, K, O, H>| matches!(item.found, Found::Lead(_) | Found::Past);
        self.items.iter().filter(wanted).map(|item| item.id.clone()).collect()
    }

    /// All ids, as they were given.
    fn ids(&self) -> Vec<Id> {
        self.items.iter().map(|item| item.id.clone()).collect()
    }

    fn leads(&mut self) -> impl Iterator<Item = &mut Leading<K, O::Value, H>> {
        self.items.iter_mut().filter_map(|item| match &mut item.found {
            Found::Lead(leading) => Some(leading),
            _ => None,
        })
    }

    /// The body begins, or is polled again: this thread is inside of all these loads.
    fn begin(&mut self) -> Vec<Inside> {
        // One body: one of the loads counts as its run.
        self.leads().enumerate().map(|(nth, leading)| leading.go(nth == 0)).collect()
    }

    fn pause(&mut self) {
        self.leads().for_each(Leading::pause);
    }

    /// The body has returned.
    fn settle<R: Bulk<Id, V>>(&mut self, ids: &[Id], ret: R) -> Settled<R> {
        let values = match ret.split(ids) {
            Ok(values) if values.len() == ids.len() => values,
            Err(Unsplit::Failed(ret)) => {
                self.fail();
                return if self.wanted().is_empty() { Settled::Landed } else { Settled::Return(ret) };
            }
            Ok(_) | Err(Unsplit::Length) => {
                self.fail();
                if let Some(handle) = &self.handle {
                    handle.common().count_bypassed();
                }
                return Settled::Past;
            }
        };
        let wanted = |item: &&mut Item<Id, K, O, H>| matches!(item.found, Found::Lead(_) | Found::Past);
        for (item, value) in self.items.iter_mut().filter(wanted).zip(values) {
            // Taken out only once it has landed: a panic in the user's `Clone` ends it where it stands.
            let value = match &mut item.found {
                Found::Lead(leading) => leading.finish(item.outcome, value),
                _ => value,
            };
            item.found = Found::Here(value);
        }
        Settled::Landed
    }

    /// No load of this call brings anything: what has an old value that is good enough has that.
    fn fail(&mut self) {
        for item in &mut self.items {
            if let Found::Lead(leading) = &mut item.found
                && let Some(old) = leading.fail_as_one(item.outcome)
            {
                item.found = Found::Here(old);
            }
        }
    }

    /// What the load that an item waits for gave it.
    fn landed(item: &mut Item<Id, K, O, H>, waited: Waited, absent: bool) {
        let Found::Join(mut joining) = std::mem::replace(&mut item.found, Found::Past) else { return };
        item.found = match joining.landed(item.outcome) {
            Some(ret) if ret.is_some() || absent => Found::Here(ret),
            // Nothing, where this function must have something: its own body shall say.
            Some(_) => Found::Past,
            None => Found::Again(joining, waited),
        };
    }

    /// Waits for the loads of others, one after the other; there is one bound for all.
    fn wait(&mut self, absent: bool) {
        for at in 0..self.items.len() {
            if let Found::Join(joining) = &self.items[at].found {
                let waited = joining.flight.wait(self.bound.as_mut().and_then(Bound::deadline));
                Self::landed(&mut self.items[at], waited, absent);
            }
        }
    }

    /// Looks up once more what the waits did not bring; whether there is anything left to do.
    fn look_again(&mut self) -> bool {
        let over = self.bound.as_ref().is_some_and(Bound::is_over);
        for item in &mut self.items {
            item.found = match std::mem::replace(&mut item.found, Found::Past) {
                Found::Again(joining, waited) => {
                    Self::turned(item.outcome, joining.next(&waited, (self.pulse.is_some(), self.pulse.as_ref()), over))
                }
                found => found,
            };
        }
        self.items.iter().any(|item| !matches!(item.found, Found::Here(_) | Found::Same(_)))
    }

    /// All values, once nothing is left to do.
    fn found(&mut self) -> Vec<(Id, Option<V>)> {
        let mut found: Vec<(Id, Option<V>)> = Vec::with_capacity(self.items.len());
        for item in self.items.drain(..) {
            let value = match item.found {
                Found::Here(value) => value,
                Found::Same(at) => found.get(at).and_then(|(_, value)| value.clone()),
                _ => None,
            };
            found.push((item.id, value));
        }
        found
    }
}

pin_project! {
    /// The future of [`Each::run_async`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct EachAsync<Id, K, O: Outcome, H: Engine<K, O::Value>, R, F: Future<Output = R>, B> {
        // Before the body, so that dropped leads hand over before its own drops run.
        call: Call<Id, K, O, H>,
        wait: Option<Wait<O::Value>>,
        ids: Vec<Id>,
        past: bool,
        body: B,
        #[pin]
        load: Option<F>,
    }
}

impl<Id, V, K, O, H, R, F, B> Future for EachAsync<Id, K, O, H, R, F, B>
where
    Id: Clone,
    V: Clone,
    K: Hash + Eq + Clone,
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
    R: Bulk<Id, V>,
    F: Future<Output = R>,
    B: FnMut(Vec<Id>) -> F,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let mut this = self.project();
        let call = this.call;
        loop {
            if let Some(load) = this.load.as_mut().as_pin_mut() {
                if *this.past {
                    return load.poll(cx);
                }
                let _inside = call.begin();
                let ret = ready!(poll_load(call, load, cx));
                let settled = call.settle(this.ids, ret);
                this.load.set(None);
                match settled {
                    Settled::Landed => {}
                    Settled::Return(ret) => return Poll::Ready(ret),
                    Settled::Past => {
                        *this.past = true;
                        this.load.set(Some((this.body)(call.ids())));
                        continue;
                    }
                }
            } else {
                *this.ids = call.wanted();
                if !this.ids.is_empty() {
                    let _inside = call.begin();
                    this.load.set(Some((this.body)(this.ids.clone())));
                    continue;
                }
            }
            ready!(poll_waits(call, this.wait, R::ABSENT, cx));
            if !call.look_again() {
                return Poll::Ready(R::join(call.found()));
            }
        }
    }
}

/// Polls the body, and notes its wake-ups for all keys that it loads.
fn poll_load<Id: Clone, V: Clone, K: Hash + Eq + Clone, O, H, F>(
    call: &mut Call<Id, K, O, H>,
    load: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<F::Output>
where
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
    F: Future,
{
    let polled = match call.pulse.clone() {
        None => load.poll(cx),
        Some(pulse) => {
            let _polling = pulse.poll(cx.waker());
            load.poll(&mut Context::from_waker(&Waker::from(Arc::clone(&pulse))))
        }
    };
    call.pause();
    polled
}

/// Waits for the loads of others, one after the other.
fn poll_waits<Id: Clone, V: Clone, K: Hash + Eq + Clone, O, H>(
    call: &mut Call<Id, K, O, H>,
    wait: &mut Option<Wait<O::Value>>,
    absent: bool,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
{
    for at in 0..call.items.len() {
        let Found::Join(joining) = &call.items[at].found else { continue };
        let begin = || joining.flight.wait_async(call.bound.as_mut().and_then(Bound::deadline));
        let waiting = wait.get_or_insert_with(begin);
        let waited = ready!(Pin::new(waiting).poll(cx));
        *wait = None;
        Call::landed(&mut call.items[at], waited, absent);
    }
    Poll::Ready(())
}
