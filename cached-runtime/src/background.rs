//! Calls that are let go before the load they lead ends: renewals, and loads that take longer than `soft_timeout` where an
//! old value will do. Must never spawn what nobody waits for unless a value has been served in its place.
//!
//! The load moves to a task of the runtime that the call runs on. If that runtime ends first, the task is dropped, and
//! with it the load: the key is free again, as with any dropped future.

use crate::alarm::Alarm;
use crate::leading::Leading;
use crate::miss::{Miss, RunAsync, Turn};
use crate::outcome::{CacheValue, Outcome};
use crate::store::Engine;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

impl<K, O, H> Miss<K, O, H>
where
    K: Eq + Clone + 'static,
    O: Outcome<Value: CacheValue> + Send + 'static,
    H: Engine<K, O::Value> + Send + Sync + 'static,
{
    /// As [`run_async`](Self::run_async), but a call that is to renew a value which may still be served returns that value
    /// at once, and the load goes on in the background; so does a load that takes longer than `soft_timeout` where an
    /// old value may be served on error. Outside of a tokio runtime it is `run_async`.
    pub fn run_background<F>(self, body: F) -> Background<K, O, H, F>
    where
        F: Future<Output = O::Ret> + Send + 'static,
    {
        let outcome = self.outcome;
        Background { outcome, run: self.run_async(Movable(Some(Box::pin(body)))), begun: false, soft: None }
    }
}

/// A body that can be moved to another task after it was polled.
pub(crate) struct Movable<F>(Option<Pin<Box<F>>>);

impl<F: Future> Future for Movable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Once moved, it is not polled here any more: the call has returned.
        self.0.as_mut().map_or(Poll::Pending, |body| body.as_mut().poll(cx))
    }
}

/// The future of [`Miss::run_background`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Background<K, O: Outcome, H: Engine<K, O::Value>, F> {
    outcome: O,
    run: RunAsync<K, O, O::Value, H, Movable<F>>,
    begun: bool,
    /// When an old value will do.
    soft: Option<Alarm>,
}

// Nothing in it is pinned: the body is in a box, and the rest has no address to keep.
impl<K, O: Outcome, H: Engine<K, O::Value>, F> Unpin for Background<K, O, H, F> {}

impl<K, O, H, F> Future for Background<K, O, H, F>
where
    K: Eq + Clone + 'static,
    O: Outcome<Value: CacheValue> + Send + 'static,
    H: Engine<K, O::Value> + Send + Sync + 'static,
    F: Future<Output = O::Ret> + Send + 'static,
{
    type Output = O::Ret;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Ret> {
        let this = &mut *self;
        if !std::mem::replace(&mut this.begun, true)
            && let Ok(runtime) = Handle::try_current()
        {
            if let Some(ret) = this.let_go(&runtime, false) {
                return Poll::Ready(ret);
            }
            this.soft = this.soft_timeout();
        }
        if let Poll::Ready(ret) = Pin::new(&mut this.run).poll(cx) {
            return Poll::Ready(ret);
        }
        let over = this.soft.as_mut().is_some_and(|soft| soft.is_over(cx));
        if !over {
            return Poll::Pending;
        }
        this.soft = None;
        let old = Handle::try_current().ok().and_then(|runtime| this.let_go(&runtime, true));
        old.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<K, O, H, F> Background<K, O, H, F>
where
    K: Eq + Clone + 'static,
    O: Outcome<Value: CacheValue> + Send + 'static,
    H: Engine<K, O::Value> + Send + Sync + 'static,
    F: Future<Output = O::Ret> + Send + 'static,
{
    /// The old value, if it may be served now or (`late`) since the load takes long; the load goes on without the call.
    fn let_go(&mut self, runtime: &Handle, late: bool) -> Option<O::Ret> {
        let (turn, mut body) = Pin::new(&mut self.run).parts();
        let old = match turn {
            Turn::Lead(leading) => leading.old(late)?,
            Turn::Join(joining) if late => joining.stale()?,
            _ => return None,
        };
        let ret = self.outcome.ret(old);
        if let (Turn::Lead(leading), Some(body)) = (turn.take(), body.0.take()) {
            // Not awaited: the task ends with its load, or with its runtime.
            drop(runtime.spawn(Detached { leading, outcome: self.outcome, body }));
        }
        Some(ret)
    }

    fn soft_timeout(&mut self) -> Option<Alarm> {
        let (turn, _) = Pin::new(&mut self.run).parts();
        let after = match turn {
            Turn::Lead(leading) => leading.soft_timeout(),
            Turn::Join(joining) => joining.soft_timeout(),
            _ => None,
        };
        after.map(Alarm::after)
    }
}

/// A load whose call has returned.
struct Detached<K, O: Outcome, H: Engine<K, O::Value>, F> {
    // Before the body, so that a dropped load hands over before its body's own drops run.
    leading: Leading<K, O::Value, H>,
    outcome: O,
    body: Pin<Box<F>>,
}

impl<K, O: Outcome, H: Engine<K, O::Value>, F> Unpin for Detached<K, O, H, F> {}

impl<K, O, H, F> Future for Detached<K, O, H, F>
where
    O: Outcome,
    H: Engine<K, O::Value>,
    F: Future<Output = O::Ret>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.leading.poll(this.outcome, this.body.as_mut(), cx).map(drop)
    }
}
