//! A call for many ids, over Redis: one look for all, one run of the body with what is missing. Must never hold a lease while
//! it waits for the load of somebody else, and must never give an id a value that a single call could not have got.
//!
//! Each id that is missing is a load of its own, with all of a single call's protocol: gate, lease, fence, fill. What is
//! different is where its body comes from: it asks for its value (a [`Hand`]) and waits to be given it. All of them go on at
//! one time, so the leases of all go out together, and later the fills: commands that wait for one connection at one time
//! are one pipeline. The body runs when nobody is on the way to its lease any more:
//!
//! ```text
//! read        all, at once; hits end here
//! lead        those that nobody loads: leases, at one time         join: those that others load go on waiting meanwhile
//! body        once, with the ids that lead; their values are handed over, and each load ends as every load does: filled
//! rest        only now the others are waited for; what a load of theirs didn't bring leads, and the body runs once more
//! ```
//!
//! What is due for a renewal, and whose lock this call wins, is loaded by the same body; whoever doesn't win it has the old
//! values meanwhile. Where the body fails, and every one of its ids has an old value that is good for errors, they end with
//! those.
//!
//! No hold and wait: a lease is held from before the body until the fill, and in between nothing is waited for but the body.
//! So two processes that want the same ids in any order can't wait for one another in a circle.

use super::at::{Asked, Call};
use super::core::{RemoteKey, RemoteValue, count};
use super::load::{RemoteMiss, RunRemote};
use super::many::{SeenAll, read_calls};
use super::remote::Ticket;
use super::together::all;
use super::watched;
use crate::at::{At, Lookup};
use crate::bulk::{Bulk, Unsplit};
use crate::each::{InBulk, Start};
use crate::key::View;
use crate::outcome::{Outcome, Shared, Verdict};
use crate::scope::Mode;
use crate::stack::Inside;
use crate::store::Redis;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

/// A call for many ids.
pub struct Each<Id, O: Outcome> {
    items: Vec<(Id, Asked<O>)>,
    /// Whether all are loaded, whatever the server has.
    anew: bool,
}

impl<Id, P, O> InBulk<Id> for At<'_, P, O, Redis>
where
    P: View<Owned: RemoteKey>,
    O: Outcome<Value: RemoteValue>,
{
    type Each = Each<Id, O>;

    fn each(items: Vec<(Id, Self)>, start: Start) -> Self::Each {
        let items = items.into_iter().map(|(id, at)| (id, at.ask())).collect();
        Each { items, anew: start.is_anew() }
    }

    fn bypass(self) {
        count(&self.core().counts.bypassed);
    }
}

/// What is handed over: a value, or (`None`) that the body has failed.
type Given<O> = Option<<O as Outcome>::Ret>;

/// The outcome of one id's load.
#[derive(Clone, Copy)]
struct Handing<O>(O);

impl<O: Outcome> Outcome for Handing<O> {
    type Ret = Given<O>;
    type Value = O::Value;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        ret.as_ref().map_or(Verdict::Fail, |ret| self.0.judge(ret))
    }

    fn failed(&self, ret: &Self::Ret) -> bool {
        ret.as_ref().is_none_or(|ret| self.0.failed(ret))
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r O::Value> {
        ret.as_ref().and_then(|ret| self.0.value(ret))
    }

    fn ret(&self, value: O::Value) -> Self::Ret {
        Some(self.0.ret(value))
    }

    fn share(&self, ret: &Self::Ret) -> Shared<O::Value> {
        ret.as_ref().map_or(Shared::Nothing, |ret| self.0.share(ret))
    }

    fn unshare(&self, shared: &Shared<O::Value>) -> Option<Self::Ret> {
        self.0.unshare(shared).map(Some)
    }
}

/// Where a load's value is handed over.
enum Hand<R> {
    /// Its load has not come to the body.
    Idle,
    /// Its load waits for it.
    Wanted(Waker),
    Given(R),
    Taken,
}

/// The body of one id's load.
struct Handed<R>(Arc<Mutex<Hand<R>>>);

impl<R> Future for Handed<R> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let mut hand = self.0.lock();
        if let Hand::Given(value) = std::mem::replace(&mut *hand, Hand::Taken) {
            return Poll::Ready(value);
        }
        *hand = Hand::Wanted(cx.waker().clone());
        Poll::Pending
    }
}

type Running<O> = RunRemote<Handing<O>, Handed<Given<O>>>;

/// The load of one id.
struct Load<O>
where
    O: Outcome,
    O::Value: RemoteValue,
{
    /// Its place among the call's ids.
    at: usize,
    hand: Arc<Mutex<Hand<Given<O>>>>,
    /// Whether it can do without a value: it has an old one.
    falls_back: bool,
    /// Whether it waits for somebody else's load: of this process, or of another.
    joins: bool,
    waits: Arc<AtomicBool>,
    /// What tells calls from inside of the body that it is their own.
    ticket: Option<u64>,
    run: Pin<Box<Running<O>>>,
}

impl<O> Load<O>
where
    O: Outcome,
    O::Value: RemoteValue,
{
    fn new(at: usize, miss: RemoteMiss<Handing<O>>) -> Self {
        let hand = Arc::new(Mutex::new(Hand::Idle));
        let (joins, ticket, waits) = miss.state();
        let falls_back = miss.has_old();
        let run = Box::pin(miss.run_async(Handed(Arc::clone(&hand))));
        Self { at, hand, falls_back, joins, waits, ticket, run }
    }

    fn is_wanted(&self) -> bool {
        matches!(&*self.hand.lock(), Hand::Wanted(_))
    }

    /// Whether it will soon be known if it leads: it talks to the server. (Once it was given its value it ends by itself.)
    fn is_on_its_way(&self) -> bool {
        let idle = matches!(&*self.hand.lock(), Hand::Idle);
        idle && !self.joins && !self.waits.load(Ordering::Relaxed)
    }

    fn give(&self, value: Given<O>) {
        let before = std::mem::replace(&mut *self.hand.lock(), Hand::Given(value));
        if let Hand::Wanted(waker) = before {
            waker.wake();
        }
    }
}

/// The loads that go on; those that end leave their values in `found`.
struct Loads<O>
where
    O: Outcome,
    O::Value: RemoteValue,
{
    going: Vec<Load<O>>,
    /// The places of ids that are loaded anew at another place of this call, and those: nobody joins such a load.
    twice: Vec<(usize, usize, O)>,
    /// One that was to fall back has found that it can't any more.
    failed: bool,
}

impl<O> Loads<O>
where
    O: Outcome,
    O::Value: RemoteValue,
{
    fn none() -> Self {
        Self { going: Vec::new(), twice: Vec::new(), failed: false }
    }

    /// Loads an id whatever there is, once in this call.
    fn anew(&mut self, at: usize, call: Call<Handing<O>>, known: &mut HashMap<Arc<str>, usize>, asynchronous: bool) {
        let first = *known.entry(Arc::clone(call.name.text())).or_insert(at);
        if first == at {
            self.going.push(Load::new(at, call.anew(asynchronous)));
        } else {
            self.twice.push((at, first, call.outcome.0));
        }
    }

    fn poll(&mut self, found: &mut [Option<O::Ret>], cx: &mut Context<'_>) {
        self.going.retain_mut(|load| match load.run.as_mut().poll(cx) {
            Poll::Ready(ret) => {
                self.failed |= ret.is_none();
                found[load.at] = ret;
                false
            }
            Poll::Pending => true,
        });
    }
}

impl<Id, O: Outcome> Each<Id, O> {
    /// For a call of these.
    pub fn new(items: Vec<(Id, Asked<O>)>) -> Self {
        Self { items, anew: false }
    }
}

impl<Id, V, O> Each<Id, O>
where
    Id: Clone,
    O: Outcome<Ret = Option<V>>,
    O::Value: RemoteValue,
{
    /// Runs the body, once, with the ids that are missing and that nobody else loads; waits for the others' loads then.
    /// If one of those brings nothing, once more with their ids.
    pub fn run<R: Bulk<Id, V>>(self, mut body: impl FnMut(Vec<Id>) -> R) -> R {
        super::block_on(self.go(false, move |ids| std::future::ready(body(ids))))
    }

    /// The same for an async function.
    pub fn run_async<R, F>(self, body: impl FnMut(Vec<Id>) -> F) -> impl Future<Output = R>
    where
        R: Bulk<Id, V>,
        F: Future<Output = R>,
    {
        self.go(true, body)
    }

    async fn go<R, F>(self, asynchronous: bool, mut body: impl FnMut(Vec<Id>) -> F) -> R
    where
        R: Bulk<Id, V>,
        F: Future<Output = R>,
    {
        let (ids, asked): (Vec<Id>, Vec<Asked<O>>) = self.items.into_iter().unzip();
        let (mut found, mut loads, mut bare) =
            if self.anew { all_anew(asked, asynchronous) } else { look(asked, asynchronous).await };
        let mut failure = None;
        loop {
            std::future::poll_fn(|cx| {
                loads.poll(&mut found, cx);
                // Nobody is on the way to its lease, and there is something to do: the body, or nothing more.
                let settled = !loads.going.iter().any(Load::is_on_its_way);
                let wanted = !bare.is_empty() || loads.going.iter().any(Load::is_wanted);
                if loads.going.is_empty() || (settled && wanted) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            let led: Vec<usize> = (0..loads.going.len()).filter(|at| loads.going[*at].is_wanted()).collect();
            if led.is_empty() && bare.is_empty() {
                break;
            }
            let all_fall_back = bare.is_empty() && led.iter().all(|at| loads.going[*at].falls_back);
            let mut places: Vec<usize> = led.iter().map(|at| loads.going[*at].at).collect();
            places.append(&mut bare);
            let missing: Vec<Id> = places.iter().map(|place| ids[*place].clone()).collect();
            let tickets: Vec<u64> = led.iter().filter_map(|at| loads.going[*at].ticket).collect();
            match within(&tickets, || body(missing.clone())).await.split(&missing) {
                Ok(values) => {
                    for (place, value) in places.into_iter().zip(values) {
                        match loads.going.iter().find(|load| load.at == place) {
                            Some(load) => load.give(Some(value)),
                            None => found[place] = Some(value),
                        }
                    }
                }
                Err(Unsplit::Failed(error)) if all_fall_back => {
                    failure = Some(error);
                    for at in led {
                        loads.going[at].give(None);
                    }
                }
                // Who waits for these loads goes on at once: they are dropped, and handed over.
                Err(Unsplit::Failed(error)) => return error,
                Err(Unsplit::Length) => {
                    drop(loads);
                    return body(ids).await;
                }
            }
        }
        if loads.failed
            && let Some(error) = failure
        {
            return error;
        }
        for (place, first, outcome) in loads.twice {
            let value = found[first].as_ref().and_then(|ret| outcome.value(ret));
            found[place] = value.map(|value| outcome.ret(value.clone()));
        }
        if !R::ABSENT && found.iter().any(|value| !matches!(value, Some(Some(_)))) {
            // Another function's load, which may be without a value where this one may not.
            return body(ids).await;
        }
        R::join(ids.into_iter().zip(found.into_iter().map(Option::flatten)).collect())
    }
}

/// What a look finds: values, loads, and the places of those that have no text, which go past the cache.
type Looked<O> = (Vec<Option<<O as Outcome>::Ret>>, Loads<O>, Vec<usize>);

async fn look<O: Outcome>(asked: Vec<Asked<O>>, asynchronous: bool) -> Looked<O>
where
    O::Value: RemoteValue,
{
    let mut found: Vec<Option<O::Ret>> = asked.iter().map(|_| None).collect();
    let (mut bare, mut places, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    let (mut loads, mut known) = (Loads::none(), HashMap::new());
    for (at, asked) in asked.into_iter().enumerate() {
        let Ok(call) = asked.0 else {
            bare.push(at);
            continue;
        };
        let call = call.through(Handing);
        if known.contains_key(call.name.text()) {
            loads.anew(at, call, &mut known, asynchronous);
            continue;
        }
        match watched::mode(&call.core.remote.source, &call.name) {
            Mode::Usual => {
                places.push(at);
                calls.push(call);
            }
            Mode::Bypass => loads.going.push(Load::new(at, call.past())),
            Mode::Fresh => loads.anew(at, call, &mut known, asynchronous),
        }
    }
    let asking: Vec<&Call<Handing<O>>> = calls.iter().collect();
    let seen = read_calls(&asking).await;
    let tickets = renew(&asking, &seen).await;
    for (((at, call), seen), ticket) in places.into_iter().zip(calls).zip(seen).zip(tickets) {
        match call.found(seen.map(|seen| (seen, ticket)), asynchronous) {
            Lookup::Hit(ret) => found[at] = ret,
            Lookup::Miss(miss) => loads.going.push(Load::new(at, miss)),
        }
    }
    (found, loads, bare)
}

/// The locks of those that are due for a renewal and that nobody renews, in the calls' order: all are asked for at one time.
async fn renew<O: Outcome>(calls: &[&Call<O>], seen: &SeenAll) -> Vec<Option<Ticket>>
where
    O::Value: RemoteValue,
{
    let mut tickets: Vec<Option<Ticket>> = calls.iter().map(|_| None).collect();
    let asked = calls.iter().zip(seen).map(|(call, seen)| call.renewing(seen.as_ref().ok()?));
    let due = asked.enumerate().filter_map(|(at, asked)| Some((at, asked?)));
    let (places, asked): (Vec<usize>, Vec<_>) = due.unzip();
    for (at, ticket) in places.into_iter().zip(all(asked).await) {
        tickets[at] = ticket;
    }
    tickets
}

/// Loads of all of them, without a look.
fn all_anew<O: Outcome>(asked: Vec<Asked<O>>, asynchronous: bool) -> Looked<O>
where
    O::Value: RemoteValue,
{
    let found = asked.iter().map(|_| None).collect();
    let (mut loads, mut bare) = (Loads::none(), Vec::new());
    let mut known = HashMap::new();
    for (at, asked) in asked.into_iter().enumerate() {
        match asked.0 {
            Err(_) => bare.push(at),
            Ok(call) => loads.anew(at, call.through(Handing), &mut known, asynchronous),
        }
    }
    (found, loads, bare)
}

/// Runs a body as what runs inside of these loads: a call that it makes of one of its own ids goes to the body. That of a
/// sync function is run as it is called, hence the closure.
async fn within<F: Future>(tickets: &[u64], body: impl FnOnce() -> F) -> F::Output {
    let enter = || tickets.iter().map(|ticket| Inside::enter(*ticket)).collect::<Vec<_>>();
    let mut body = pin!({
        let _inside = enter();
        body()
    });
    std::future::poll_fn(|cx| {
        let _inside = enter();
        body.as_mut().poll(cx)
    })
    .await
}
