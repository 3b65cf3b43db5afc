//! A call for many ids that has old values for those that are due, while one body loads these in the background. Must
//! never spawn what nobody waits for unless a value has been served in its place.

use super::{Bulk, Call, Each, Found, Item, poll_load};
use crate::key::CacheKey;
use crate::outcome::{CacheValue, Outcome};
use crate::store::Engine;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;

impl<Id, V, K, O, H> Each<Id, K, O, H>
where
    Id: Clone + Send + 'static,
    V: CacheValue,
    K: CacheKey,
    O: Outcome<Ret = Option<V>, Value: CacheValue> + Send + 'static,
    H: Engine<K, O::Value> + Send + Sync + 'static,
{
    /// As [`run_async`](Self::run_async), but the ids whose entries are due for a renewal are given their old values, and
    /// are loaded by a body of their own in the background. Outside of a tokio runtime it is `run_async`.
    pub async fn run_background<R, F, B>(mut self, body: B) -> R
    where
        R: Bulk<Id, V> + 'static,
        F: Future<Output = R> + Send + 'static,
        B: FnMut(Vec<Id>) -> F + Clone + Send + 'static,
    {
        if let Ok(runtime) = Handle::try_current()
            && let Some(call) = self.0.let_go()
        {
            let ids = call.wanted();
            let body = body.clone();
            // Not awaited: the task ends with its loads, or with its runtime.
            drop(runtime.spawn(Renewing { call, ids, body, load: None, values: PhantomData }));
        }
        self.run_async(body).await
    }
}

impl<Id: Clone, K, O: Outcome, H: Engine<K, O::Value>> Call<Id, K, O, H> {
    /// The loads of what is due, as a call of their own; this one has the old values.
    fn let_go(&mut self) -> Option<Self> {
        let mut items = Vec::new();
        for item in &mut self.items {
            let Found::Lead(leading) = &item.found else { continue };
            let Some(old) = leading.old(false) else { continue };
            let found = std::mem::replace(&mut item.found, Found::Here(item.outcome.ret(old)));
            items.push(Item { id: item.id.clone(), outcome: item.outcome, found });
        }
        if items.is_empty() {
            return None;
        }
        // A pulse is of one body: the other's wake-ups would be lost. Without one nobody notices that a task of the
        // runtime is polled no more, and those who wait for it go on when their bound is over.
        let alone = !self.items.iter().any(|item| matches!(item.found, Found::Lead(_)));
        let pulse = if alone { self.pulse.replace(Arc::default()) } else { None };
        Some(Self { items, bound: None, pulse, handle: None })
    }
}

/// Loads whose call has returned.
struct Renewing<Id, V, K, O: Outcome, H: Engine<K, O::Value>, F, B> {
    // Before the body, so that dropped loads hand over before its own drops run.
    call: Call<Id, K, O, H>,
    ids: Vec<Id>,
    load: Option<Pin<Box<F>>>,
    body: B,
    values: PhantomData<fn() -> V>,
}

// Nothing in it is pinned: the load is in a box, and the rest has no address to keep.
impl<Id, V, K, O: Outcome, H: Engine<K, O::Value>, F, B> Unpin for Renewing<Id, V, K, O, H, F, B> {}

impl<Id, V, K, O, H, R, F, B> Future for Renewing<Id, V, K, O, H, F, B>
where
    Id: Clone,
    V: Clone,
    K: CacheKey,
    O: Outcome<Ret = Option<V>>,
    H: Engine<K, O::Value>,
    R: Bulk<Id, V>,
    F: Future<Output = R>,
    B: FnMut(Vec<Id>) -> F,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { call, ids, load, body, .. } = &mut *self;
        let _inside = call.begin();
        let load = load.get_or_insert_with(|| Box::pin(body(ids.clone())));
        let ret = ready!(poll_load(call, load.as_mut(), cx));
        // What failed keeps its old value; what doesn't fit is nobody's.
        drop(call.settle(ids, ret));
        Poll::Ready(())
    }
}
