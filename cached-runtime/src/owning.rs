//! Arguments of a load that may go on without its call: what is borrowed is cloned, where its type allows it; else the load
//! stays with the call. Decided by type, by method probes as in `key` and `outcome`. Must never clone what can't be sent.
//!
//! ```text
//! let own0 = Given(db).__own();             // Kept<Db> where Db: Clone + Send + Sync + 'static, else Lent<'_, Db>
//! let own1 = Moved(id);
//! let future = FutureOf::<_, false>::of(|| product::uncached(returns(), returns()));            // never called: for its type
//! let way = All((&future, (&own0, (&own1, ())))).__way();       // Away if all of them can go, else Here
//! way.run(miss, async move { product::uncached(own0.__lend(), own1.0).await }).await
//! ```
//!
//! A probe can't tell lifetimes apart; that none is in the types is seen by the macro.

use crate::bulk::Bulk;
use crate::each::Each;
use crate::key::CacheKey;
use crate::miss::Miss;
use crate::outcome::{CacheValue, Outcome};
#[cfg(feature = "redis")]
use crate::redis::{RemoteMiss, RemoteValue};
use crate::store::Engine;
use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;

/// A borrowed argument.
#[derive(Debug)]
pub struct Given<'a, T: ?Sized>(pub &'a T);

impl<T> Given<'_, T>
where
    T: ToOwned<Owned: Send + Sync + 'static> + Sync + ?Sized + 'static,
{
    /// A copy of its own.
    pub fn __own(&self) -> Kept<T> {
        Kept(self.0.to_owned())
    }
}

/// An argument that can't be owned.
pub trait GivenAway<'a, T: ?Sized> {
    /// It stays borrowed.
    fn __own(&self) -> Lent<'a, T>;
}

impl<'a, T: ?Sized> GivenAway<'a, T> for Given<'a, T> {
    fn __own(&self) -> Lent<'a, T> {
        Lent(self.0)
    }
}

/// What a load's body must be to go on without its call: probed by the type of its future. `AFAR` is in Redis, where its
/// result must go as well.
pub struct FutureOf<F, const AFAR: bool>(PhantomData<fn() -> F>);

impl<F, const AFAR: bool> FutureOf<F, AFAR> {
    /// Of what this would give.
    #[must_use]
    pub fn of(_: impl FnOnce() -> F) -> Self {
        Self(PhantomData)
    }
}

impl<F, const AFAR: bool> fmt::Debug for FutureOf<F, AFAR> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FutureOf")
    }
}

/// An id of many.
#[derive(Debug)]
pub struct IdOf<T>(PhantomData<fn() -> T>);

impl<T> IdOf<T> {
    /// An id of this type.
    #[must_use]
    pub fn of(_: &[T]) -> Self {
        Self(PhantomData)
    }
}

/// What is borrowed must be for a `soft_timeout`.
#[diagnostic::on_unimplemented(
    message = "after a `soft_timeout` the load goes on without the caller, and a borrowed `{Self}` can't go with it",
    label = "what is borrowed must be `Clone + Send + Sync`: it is cloned for the load",
    note = "derive `Clone` for it, take an `Arc` of it, or remove `soft_timeout`"
)]
pub trait BorrowedGoes {}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + Sync + 'static> + Sync + ?Sized + 'static> BorrowedGoes for T {}

/// What is owned must be for a `soft_timeout`.
#[diagnostic::on_unimplemented(
    message = "after a `soft_timeout` the load goes on without the caller, and `{Self}` can't go with it",
    label = "what the load takes along must be `Send`",
    note = "take what can be sent to another thread, such as an `Arc` in the place of an `Rc`, or remove `soft_timeout`"
)]
pub trait OwnedGoes {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> OwnedGoes for T {}

impl<T: ?Sized> Given<'_, T> {
    /// A borrowed argument of a function with `soft_timeout`.
    pub fn __must_be_cloned(&self)
    where
        T: BorrowedGoes,
    {
    }

    /// An owned argument of a function with `soft_timeout`.
    pub fn __must_go(&self)
    where
        T: OwnedGoes,
    {
    }
}

/// A borrowed argument, owned.
#[derive(Debug)]
pub struct Kept<T: ToOwned + ?Sized>(T::Owned);

impl<T: ToOwned + ?Sized> Kept<T> {
    /// As the function takes it.
    pub fn __lend(&self) -> &T {
        self.0.borrow()
    }
}

/// For a body that may run more than once.
impl<T: ToOwned + ?Sized> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.borrow().to_owned())
    }
}

/// A borrowed argument as it is.
#[derive(Debug)]
pub struct Lent<'a, T: ?Sized>(&'a T);

impl<T: ?Sized> Clone for Lent<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Lent<'_, T> {}

impl<'a, T: ?Sized> Lent<'a, T> {
    /// As the function takes it.
    pub fn __lend(&self) -> &'a T {
        self.0
    }
}

/// An argument that the call gives away.
#[derive(Clone, Debug)]
pub struct Moved<T>(pub T);

/// What can go to another thread without its call.
pub trait Goes {}

impl<T: ToOwned<Owned: Send + Sync + 'static> + Sync + ?Sized + 'static> Goes for Kept<T> {}
impl<T: Send + 'static> Goes for Moved<T> {}
impl<F: Send> Goes for FutureOf<F, false> {}
impl<F: Future<Output: Send + 'static> + Send> Goes for FutureOf<F, true> {}
impl<T: Send + 'static> Goes for IdOf<T> {}

/// Arguments that all can go.
pub trait AllGo {}

impl AllGo for () {}
impl<T: Goes, R: AllGo> AllGo for (&T, R) {}

/// All arguments.
#[derive(Debug)]
pub struct All<A>(pub A);

impl<A: AllGo> All<A> {
    /// The load may go on without its call.
    pub fn __way(&self) -> Away {
        Away
    }

    /// What the body must be then. The name is in the compiler's message, which says what of it can't be sent.
    pub fn __after_a_soft_timeout_the_load_goes_on_in_another_task<F: Send>(&self, _: impl FnOnce() -> F) {}
}

/// At least one argument can't go.
pub trait NoWay {
    /// The load stays with its call.
    fn __way(&self) -> Here;

    /// What is wrong is said of the argument.
    fn __after_a_soft_timeout_the_load_goes_on_in_another_task<F>(&self, _: impl FnOnce() -> F) {}
}

impl<A> NoWay for All<A> {
    fn __way(&self) -> Here {
        Here
    }
}

/// Loads that may go on without their calls.
#[derive(Debug)]
pub struct Away;

/// Loads that stay with their calls.
#[derive(Debug)]
pub struct Here;

impl Here {
    /// Of many ids, in memory.
    pub fn run_each<Id, V, K, O, H, R, F>(
        self,
        each: Each<Id, K, O, H>,
        body: impl FnMut(Vec<Id>) -> F,
    ) -> impl Future<Output = R>
    where
        Id: Clone,
        V: Clone,
        K: Hash + Eq + Clone,
        O: Outcome<Ret = Option<V>>,
        H: Engine<K, O::Value>,
        R: Bulk<Id, V>,
        F: Future<Output = R>,
    {
        each.run_async(body)
    }

    /// In memory.
    pub fn run<K, O, H, F>(self, miss: Miss<K, O, H>, load: F) -> impl Future<Output = O::Ret> + use<K, O, H, F>
    where
        K: Eq + Clone,
        O: Outcome,
        H: Engine<K, O::Value>,
        F: Future<Output = O::Ret>,
    {
        miss.run_async(load)
    }

    /// In Redis.
    #[cfg(feature = "redis")]
    pub fn run_afar<O, F>(self, miss: RemoteMiss<O>, load: F) -> impl Future<Output = O::Ret> + use<O, F>
    where
        O: Outcome<Value: RemoteValue>,
        F: Future<Output = O::Ret>,
    {
        miss.run_async(load)
    }
}

impl Away {
    /// Of many ids, in memory.
    pub fn run_each<Id, V, K, O, H, R, F>(
        self,
        each: Each<Id, K, O, H>,
        body: impl FnMut(Vec<Id>) -> F + Clone + Send + 'static,
    ) -> impl Future<Output = R>
    where
        Id: Clone + Send + 'static,
        V: CacheValue,
        K: CacheKey,
        O: Outcome<Ret = Option<V>, Value: CacheValue> + Send + 'static,
        H: Engine<K, O::Value> + Send + Sync + 'static,
        R: Bulk<Id, V> + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        crate::__run_background!(each, body)
    }

    /// In memory.
    pub fn run<K, O, H, F>(self, miss: Miss<K, O, H>, load: F) -> impl Future<Output = O::Ret> + use<K, O, H, F>
    where
        K: Eq + Clone + 'static,
        O: Outcome<Value: CacheValue> + Send + 'static,
        H: Engine<K, O::Value> + Send + Sync + 'static,
        F: Future<Output = O::Ret> + Send + 'static,
    {
        crate::__run_background!(miss, load)
    }

    /// In Redis.
    #[cfg(feature = "redis")]
    pub fn run_afar<O, F>(self, miss: RemoteMiss<O>, load: F) -> impl Future<Output = O::Ret> + use<O, F>
    where
        O: Outcome<Ret: Send + 'static, Value: RemoteValue> + Send + Sync + 'static,
        F: Future<Output = O::Ret> + Send + 'static,
    {
        crate::__run_background!(miss, load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Unclonable;

    fn size<A>(_: &A, other: usize) -> usize {
        other
    }

    #[test]
    fn what_can_be_cloned_and_sent_is_kept() {
        let text = Given("abc").__own();
        let list = Given(&[1_u8, 2][..]).__own();
        let shared = Given(&Arc::new(Unclonable)).__own();
        let _: (&Kept<str>, &Kept<[u8]>, &Kept<Arc<Unclonable>>) = (&text, &list, &shared);
        assert_eq!((text.__lend(), list.__lend()), ("abc", &[1, 2][..]));
        let _: Away = All((&text, (&Moved(7), ()))).__way();
        let unclonable = Given(&Unclonable).__own();
        let _: &Lent<'_, Unclonable> = &unclonable;
        let cell = Cell::new(1_usize);
        let of_this_thread = Given(&cell).__own();
        let _: &Lent<'_, Cell<usize>> = &of_this_thread;
        let _: Here = All((&text, (&unclonable, ()))).__way();
        let _: Here = All((&Moved(std::rc::Rc::new(1)), ())).__way();
        let _: Away = All((&FutureOf::<_, false>::of(|| async { std::future::ready(1).await }), ())).__way();
        assert_eq!(size(&of_this_thread, of_this_thread.__lend().get()), 1);
    }
}
