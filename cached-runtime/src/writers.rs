//! What a function that writes holds while its body runs: the entry it will forget, or the entry that its value becomes.
//! Must never judge the body's success: who calls it does, and what nobody told it about counts as unknown.
//!
//! An invalidation after the body is all that correctness takes. Storing the body's value instead needs to know that no
//! other writer of the key was at work at the same time: two may have committed to the source in one order and come here
//! in the other. Hence the ticket before the body: see `memory::loads` and `memory::outside`.

use crate::acting::Acting;
use crate::at::At;
use crate::key::{Val, View};
use crate::memory::LocalCache;
use crate::memory::entry::{ByKey, Find};
use crate::memory::outside::Written;
use crate::memory::shard::Keep;
use crate::outcome::{KeptBy, Outcome, Verdict};
use crate::slot::{LocalAt, LocalTags};
use crate::store::{Engine, InProcess, Memory, Store};
use crate::tags::Tags;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::rc::Rc;

/// An entry that is to be forgotten once a body has succeeded. Dropped, it does nothing.
pub trait Forget {
    /// Forgets it. It has begun when this returns, and goes on whether or not anybody waits.
    fn forget(self) -> Acting;
}

/// An entry that is to become what a body returns. Its ticket is drawn before the body; dropped, it
/// [abandons](Self::abandon).
pub trait Write<Ret>: Sized {
    /// To be called before a sync body: waits until the ticket counts. In memory it does from the start; with a server,
    /// what is committed without this is an invalidation.
    fn begin(&mut self) {}

    /// As [`begin`](Self::begin), for async bodies.
    fn begin_async(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The body succeeded: its value becomes the entry, unless another writer of the key was at work meanwhile, or
    /// something was invalidated: then there is none. So is it with a value that the function would not keep.
    fn commit<T: KeptBy<Ret>>(self, value: &T) -> Acting;

    /// Nobody knows whether the body wrote: it panicked, or was dropped on its way. The entry is forgotten.
    fn abandon(self) -> Acting;

    /// The body did not write: it returned an error, or never began. The entry stays.
    fn release(self) -> Acting;
}

/// See [`Forget`]; in memory.
pub struct Forgetting<K, V, H> {
    handle: H,
    hash: u64,
    key: K,
    value: PhantomData<fn() -> V>,
}

/// That of a function's own cache.
pub type Forgets<K, V, S = Memory> = Forgetting<K, V, <S as Store>::Handle<K, V>>;

impl<K: Clone, V, H: Clone> Clone for Forgetting<K, V, H> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), hash: self.hash, key: self.key.clone(), value: PhantomData }
    }
}

impl<K, V, H> fmt::Debug for Forgetting<K, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forgetting")
    }
}

impl<K: Eq, V, H: Engine<K, V>> Forget for Forgetting<K, V, H> {
    fn forget(self) -> Acting {
        crate::watched::invalidate(&self.handle, &Find { hash: self.hash, view: &ByKey(&self.key) });
        Acting::done()
    }
}

/// See [`Write`]; in memory.
pub struct Writing<K: Eq, O: Outcome, H: Engine<K, O::Value>> {
    handle: H,
    hash: u64,
    key: K,
    outcome: O,
    tags: Tags,
    /// `None` where this thread could not wait for the lock: the entry is forgotten whatever comes. Taken at the end.
    ticket: Option<u64>,
    ended: bool,
}

impl<K: Eq, O: Outcome, H: Engine<K, O::Value>> fmt::Debug for Writing<K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}

impl<K: Eq, O: Outcome, H: Engine<K, O::Value>> Writing<K, O, H> {
    fn end(&mut self, written: Written<O::Value>) -> Acting {
        self.ended = true;
        match (self.ticket, written) {
            (Some(ticket), written) => {
                let forgets = matches!(written, Written::Forgets);
                self.handle.end_write((self.hash, ticket), written);
                if forgets {
                    crate::watched::forgotten_key(self.handle.common().source(), self.hash);
                }
            }
            (None, Written::Nothing) => {}
            (None, _) => {
                crate::watched::invalidate(&self.handle, &Find { hash: self.hash, view: &ByKey(&self.key) });
            }
        }
        Acting::done()
    }
}

impl<K: Eq, O: Outcome, H: Engine<K, O::Value>> Write<O::Ret> for Writing<K, O, H> {
    fn commit<T: KeptBy<O::Ret>>(mut self, value: &T) -> Acting {
        // The user's code (`Clone`, `cache_if`) first: should it panic, the drop of `self` forgets the entry.
        let ret = value.to_ret();
        let own = match self.outcome.judge(&ret) {
            Verdict::Keep => None,
            Verdict::KeepFor(ttl) => Some(ttl),
            Verdict::Skip | Verdict::Fail => return self.end(Written::Forgets),
        };
        let tags = std::mem::take(&mut self.tags);
        let written = match self.outcome.value(&ret) {
            Some(value) => Written::Stores(Keep::given(value.clone(), own), tags),
            None => Written::Forgets,
        };
        self.end(written)
    }

    fn abandon(mut self) -> Acting {
        self.end(Written::Forgets)
    }

    fn release(mut self) -> Acting {
        self.end(Written::Nothing)
    }
}

impl<K: Eq, O: Outcome, H: Engine<K, O::Value>> Drop for Writing<K, O, H> {
    fn drop(&mut self) {
        if !self.ended {
            // In memory it is done at once.
            drop(self.end(Written::Forgets));
        }
    }
}

/// The engine behind a place's cache.
type HandleOf<S, K, O> = <S as Store>::Handle<K, <O as Outcome>::Value>;

impl<K, O, S> At<'_, Val<K>, O, S>
where
    K: Hash + Eq + Clone + 'static,
    O: Outcome,
    S: InProcess,
    HandleOf<S, K, O>: Engine<K, O::Value>,
{
    /// What a function needs that will make this entry invalid.
    pub fn forgetting(self) -> Forgetting<K, O::Value, HandleOf<S, K, O>> {
        let handle = self.cache.handle.clone();
        let hash = handle.hash(&self.view);
        Forgetting { handle, hash, key: self.view.own(), value: PhantomData }
    }

    /// What a function needs whose value will become this entry. To be drawn before its body begins.
    pub fn writing(self) -> Writing<K, O, HandleOf<S, K, O>> {
        let handle = self.cache.handle.clone();
        let find = Find { hash: handle.hash(&self.view), view: &self.view };
        let (tags, key) = (self.slots(), self.view.own());
        let ticket = handle.begin_write(&find, || key.clone());
        Writing { handle, hash: find.hash, key, outcome: self.outcome, tags, ticket, ended: false }
    }
}

/// The engine of a thread's cache.
type LocalHandle<K, O> = Rc<LocalCache<K, <O as Outcome>::Value>>;

// As paths, the methods have one lifetime; the entry needs any.
#[allow(clippy::redundant_closure_for_method_calls)]
impl<K, O, T> LocalAt<Val<K>, O, T>
where
    K: Hash + Eq + Clone + 'static,
    O: Outcome,
    T: LocalTags,
{
    /// As [`At::forgetting`].
    pub fn forgetting(self) -> Forgetting<K, O::Value, LocalHandle<K, O>> {
        self.with(|entry| entry.forgetting())
    }

    /// As [`At::writing`].
    pub fn writing(self) -> Writing<K, O, LocalHandle<K, O>> {
        self.with(|entry| entry.writing())
    }
}
