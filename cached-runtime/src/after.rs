//! What `#[invalidates]` and `#[updates]` do around a body: guards that act if nobody tells them how it went, and the wait
//! for what they began. Must never change what the function returns, and must never panic.
//!
//! A guard is made when the body is about to begin. If the body ends, the expansion says how: [`After::done`] or
//! [`After::leave`]. If it panics, or its future is dropped on the way, nobody can know whether it wrote: the drop of the
//! guard forgets, and what it began goes on without the caller.

use crate::acting::{Acting, Invalidation};
use crate::cache::Cache;
use crate::key::{CacheKey, LocalKey};
use crate::outcome::{CacheValue, KeptBy, LocalValue};
use crate::slot::Built;
use crate::store::{Engine, Local};
use crate::tags::invalidate_tags;
use crate::writers::{Forget, Write};

/// Something that a writer makes outdated.
pub trait Outdated {
    /// Forgets it. It has begun when this returns.
    fn forget_it(self) -> Invalidation;
}

impl<F: Forget> Outdated for F {
    fn forget_it(self) -> Invalidation {
        Invalidation::of(vec![self.forget()])
    }
}

/// All entries of a function, in this process.
#[derive(Debug)]
pub struct Clearing<F>(pub F);

impl<F: FnOnce()> Outdated for Clearing<F> {
    fn forget_it(self) -> Invalidation {
        (self.0)();
        Invalidation::default()
    }
}

/// All entries of a function whose cache has a type with a name, in this process. Asked for when it is cleared: what an
/// async writer holds must be `Send`, which a thread's own cache is not.
#[derive(Debug)]
pub struct ClearingOf<C>(pub fn() -> C);

impl<K: CacheKey, V: CacheValue, S: Built> Outdated for ClearingOf<&'static Cache<K, V, S>>
where
    S::Handle<K, V>: Engine<K, V>,
{
    fn forget_it(self) -> Invalidation {
        (self.0)().clear();
        Invalidation::default()
    }
}

impl<K: LocalKey, V: LocalValue> Outdated for ClearingOf<Cache<K, V, Local>> {
    fn forget_it(self) -> Invalidation {
        (self.0)().clear();
        Invalidation::default()
    }
}

/// All entries of a function, on a server.
#[derive(Debug)]
pub struct ClearingAfar<F>(pub F);

impl<F: FnOnce() -> Vec<Acting>> Outdated for ClearingAfar<F> {
    fn forget_it(self) -> Invalidation {
        Invalidation::of((self.0)())
    }
}

/// All entries of these tags.
#[derive(Debug)]
pub struct OfTags(pub Vec<String>);

impl Outdated for OfTags {
    fn forget_it(self) -> Invalidation {
        invalidate_tags(self.0)
    }
}

/// What only the result would have told.
#[derive(Debug)]
pub struct Nothing;

impl Outdated for Nothing {
    fn forget_it(self) -> Invalidation {
        Invalidation::default()
    }
}

/// Forgets when it is dropped, unless somebody said how the body went.
#[derive(Debug)]
pub struct After<T: Outdated>(Option<T>);

impl<T: Outdated> After<T> {
    /// The body is about to begin.
    pub fn new(outdated: T) -> Self {
        Self(Some(outdated))
    }

    /// It succeeded.
    pub fn done(mut self) -> Invalidation {
        self.0.take().map(Outdated::forget_it).unwrap_or_default()
    }

    /// It did not write.
    pub fn leave(mut self) {
        self.0 = None;
    }
}

impl<T: Outdated> Drop for After<T> {
    fn drop(&mut self) {
        // Nobody is there to wait for it: it goes on by itself, and a failure is queued by the store.
        drop(self.0.take().map(Outdated::forget_it));
    }
}

/// The body succeeded, and this is what it gave.
pub fn commit<R, W: Write<R>>(write: W, value: &impl KeptBy<R>) -> Invalidation {
    Invalidation::of(vec![write.commit(value)])
}

/// The body did not write.
pub fn release<R, W: Write<R>>(write: W) {
    // A ticket that could not be given back runs out.
    drop(write.release());
}

/// Waits for what has begun. A failure is queued, counted and logged by the store, and none of the function's own.
pub async fn settle<const N: usize>(begun: Option<[Invalidation; N]>) {
    for one in begun.into_iter().flatten() {
        let _ = one.await;
    }
}

/// As [`settle`], for sync code.
pub fn settle_now<const N: usize>(begun: Option<[Invalidation; N]>) {
    for one in begun.into_iter().flatten() {
        let _ = one.wait();
    }
}

/// What a body returned: whether it succeeded, told apart by type. The method on `Result` is inherent, and wins over that
/// of [`AnyWrote`].
#[derive(Debug)]
pub struct Wrote<'r, R>(pub &'r R);

impl<'r, T, E> Wrote<'r, Result<T, E>> {
    /// What is inside of `Ok`.
    pub fn __value(&self) -> Option<&'r T> {
        self.0.as_ref().ok()
    }
}

/// Whatever is no `Result` has succeeded once it is there.
pub trait AnyWrote<'r, R> {
    /// The value itself.
    fn __value(&self) -> Option<&'r R>;
}

impl<'r, R> AnyWrote<'r, R> for Wrote<'r, R> {
    fn __value(&self) -> Option<&'r R> {
        Some(self.0)
    }
}

/// Whether a body that returned has done its work. The method on what is a future is inherent, and wins over that of
/// [`AnyEnded`]: it is a mistake there.
#[derive(Debug)]
pub struct Ended<'r, R>(pub &'r R);

impl<R: Future> Ended<'_, R> {
    /// Of a future the work is still to come.
    pub fn __ended(&self)
    where
        R: DoneWhenItReturns,
    {
    }
}

/// What a future is not: no type has it.
#[diagnostic::on_unimplemented(
    message = "the attribute acts when the function returns, and this one returns a future before it has done its work",
    label = "a future: what it does is yet to come",
    note = "write `async fn`, or put the attribute on the function that this future is made of"
)]
pub trait DoneWhenItReturns {}

/// Whatever is no future is done.
pub trait AnyEnded {
    /// Nothing to object to.
    fn __ended(&self) {}
}

impl<R> AnyEnded for Ended<'_, R> {}

/// An argument of the writer, for what is done after a body that may move it.
pub fn again<T: Clone>(argument: &T) -> T {
    argument.clone()
}

/// A borrowed argument of the writer: cloned where it can be. The method on what is `Clone` is inherent, and wins.
#[derive(Debug)]
pub struct Again<'a, T>(pub &'a T);

impl<T: Clone> Again<'_, T> {
    /// A copy of its own.
    pub fn __again(&self) -> T {
        self.0.clone()
    }
}

/// What can't be cloned.
pub trait NotAgain<'a, T> {
    /// It stays borrowed.
    fn __again(&self) -> &'a T;
}

impl<'a, T> NotAgain<'a, T> for Again<'a, T> {
    fn __again(&self) -> &'a T {
        self.0
    }
}

/// Runs a sync body. A function, so that the closure may give away what it holds.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}
