//! What a function returns, split into what is kept and what is not. Must never hold a lock, a store or a key.
//!
//! The kind of a return type is found by type, so that aliases (`io::Result`, your own) count. [`OutcomeOf`] probes at
//! value level and works in generic functions; [`Probe`] is a constant and names what is kept of a concrete type.

#[cfg(feature = "redis")]
use crate::key::AllProcesses;
use crate::key::{AllThreads, OneThread};
#[cfg(feature = "redis")]
use crate::redis::RemoteValue;
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// What to do with what a load returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep it for the cache's own time to live.
    Keep,
    /// Keep it for this long.
    KeepFor(Duration),
    /// A success that is not kept.
    Skip,
    /// A failure.
    Fail,
}

/// What the waiters of a flight get of what its leader's body returned.
pub enum Shared<V> {
    /// A value, kept or not.
    Value(V),
    /// An [`Absent`], or an error that can be cloned.
    Other(Arc<dyn Any + Send + Sync>),
    /// Nothing that can be shared.
    Nothing,
}

impl<V: Clone> Clone for Shared<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Other(other) => Self::Other(Arc::clone(other)),
            Self::Nothing => Self::Nothing,
        }
    }
}

impl<V> fmt::Debug for Shared<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value",
            Self::Other(_) => "Other",
            Self::Nothing => "Nothing",
        })
    }
}

/// Stands for `None` in [`Shared::Other`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absent;

/// How a return value is kept, given back and shared.
pub trait Outcome: Copy {
    /// What the function returns.
    type Ret;
    /// What is kept of it.
    type Value: Clone + 'static;

    /// Whether what was returned is kept.
    fn judge(&self, ret: &Self::Ret) -> Verdict;

    /// Whether it is a failure, kept or not.
    fn failed(&self, ret: &Self::Ret) -> bool {
        self.judge(ret) == Verdict::Fail
    }

    /// What is kept of it: `Some` whenever it may be kept, also when `cache_if` said no.
    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Self::Value>;

    /// What a call returns for a kept value.
    fn ret(&self, value: Self::Value) -> Self::Ret;

    /// What the waiters of a flight get.
    fn share(&self, ret: &Self::Ret) -> Shared<Self::Value>;

    /// What a waiter returns; `None` when nothing could be shared.
    fn unshare(&self, shared: &Shared<Self::Value>) -> Option<Self::Ret>;
}

/// What a kept value of a cache that threads share must be: `Clone + Send + Sync + 'static`. Whatever is that is a
/// `CacheValue`; generic cached functions can ask for it in one word.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be kept in a cache",
    label = "a kept value must be `Clone + Send + Sync`",
    note = "derive `Clone` for it, or return an `Arc` of it",
    note = "what can't cross threads wants `backend = local`"
)]
pub trait CacheValue: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> CacheValue for T {}

/// What a value of a cache of one thread must be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be kept in a cache",
    label = "a kept value must be `Clone`",
    note = "derive `Clone` for it, or return an `Rc` or `Arc` of it"
)]
pub trait LocalValue: Clone + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + 'static> LocalValue for T {}

// ---------- the four kinds of return types ----------

/// How the errors of a function are shared: see [`Cloned`] and [`Unshared`].
pub trait ShareError<E> {
    /// The error for the waiters of a flight.
    fn share(error: &E) -> Option<Arc<dyn Any + Send + Sync>>;

    /// A waiter's own copy.
    fn unshare(other: &(dyn Any + Send + Sync)) -> Option<E>;
}

/// Errors that can be cloned go to all who wait.
#[derive(Clone, Copy, Debug)]
pub struct Cloned;

impl<E: Clone + Send + Sync + 'static> ShareError<E> for Cloned {
    fn share(error: &E) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(error.clone()))
    }

    fn unshare(other: &(dyn Any + Send + Sync)) -> Option<E> {
        other.downcast_ref().cloned()
    }
}

/// All other errors stay with the call that ran into them.
#[derive(Clone, Copy, Debug)]
pub struct Unshared;

impl<E> ShareError<E> for Unshared {
    fn share(_: &E) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    fn unshare(_: &(dyn Any + Send + Sync)) -> Option<E> {
        None
    }
}

macro_rules! kind {
    ($(#[$doc:meta])* $Name:ident<$($p:ident),*>) => {
        $(#[$doc])*
        pub struct $Name<$($p),*>(PhantomData<fn() -> ($($p,)*)>);

        impl<$($p),*> Clone for $Name<$($p),*> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($p),*> Copy for $Name<$($p),*> {}

        impl<$($p),*> fmt::Debug for $Name<$($p),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($Name))
            }
        }
    };
}
kind! {
    /// Any type that is neither `Result` nor `Option`.
    AsWhole<T>
}
kind! {
    /// `Option<T>`: `None` is tried again.
    AsOption<T>
}
kind! {
    /// `Result<T, E>`: `Err` is tried again.
    AsResult<T, E, S>
}
kind! {
    /// `Result<Option<T>, E>`: only `Ok(Some(_))` is kept.
    AsResultOption<T, E, S>
}

impl<T: Clone + 'static> Outcome for AsWhole<T> {
    type Ret = T;
    type Value = T;

    fn judge(&self, _: &T) -> Verdict {
        Verdict::Keep
    }

    fn value<'r>(&self, ret: &'r T) -> Option<&'r T> {
        Some(ret)
    }

    fn ret(&self, value: T) -> T {
        value
    }

    fn share(&self, ret: &T) -> Shared<T> {
        Shared::Value(ret.clone())
    }

    fn unshare(&self, shared: &Shared<T>) -> Option<T> {
        match shared {
            Shared::Value(value) => Some(value.clone()),
            Shared::Other(_) | Shared::Nothing => None,
        }
    }
}

impl<T: Clone + 'static> Outcome for AsOption<T> {
    type Ret = Option<T>;
    type Value = T;

    fn judge(&self, ret: &Option<T>) -> Verdict {
        if ret.is_some() { Verdict::Keep } else { Verdict::Skip }
    }

    fn value<'r>(&self, ret: &'r Option<T>) -> Option<&'r T> {
        ret.as_ref()
    }

    fn ret(&self, value: T) -> Option<T> {
        Some(value)
    }

    fn share(&self, ret: &Option<T>) -> Shared<T> {
        share_option(ret.as_ref())
    }

    fn unshare(&self, shared: &Shared<T>) -> Option<Option<T>> {
        match shared {
            Shared::Value(value) => Some(Some(value.clone())),
            Shared::Other(other) => other.is::<Absent>().then_some(None),
            Shared::Nothing => None,
        }
    }
}

impl<T: Clone + 'static, E, S: ShareError<E>> Outcome for AsResult<T, E, S> {
    type Ret = Result<T, E>;
    type Value = T;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        if ret.is_ok() { Verdict::Keep } else { Verdict::Fail }
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r T> {
        ret.as_ref().ok()
    }

    fn ret(&self, value: T) -> Self::Ret {
        Ok(value)
    }

    fn share(&self, ret: &Self::Ret) -> Shared<T> {
        match ret {
            Ok(value) => Shared::Value(value.clone()),
            Err(error) => share_error::<T, E, S>(error),
        }
    }

    fn unshare(&self, shared: &Shared<T>) -> Option<Self::Ret> {
        match shared {
            Shared::Value(value) => Some(Ok(value.clone())),
            Shared::Other(other) => S::unshare(&**other).map(Err),
            Shared::Nothing => None,
        }
    }
}

impl<T: Clone + 'static, E, S: ShareError<E>> Outcome for AsResultOption<T, E, S> {
    type Ret = Result<Option<T>, E>;
    type Value = T;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        match ret {
            Ok(Some(_)) => Verdict::Keep,
            Ok(None) => Verdict::Skip,
            Err(_) => Verdict::Fail,
        }
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r T> {
        ret.as_ref().ok().and_then(Option::as_ref)
    }

    fn ret(&self, value: T) -> Self::Ret {
        Ok(Some(value))
    }

    fn share(&self, ret: &Self::Ret) -> Shared<T> {
        match ret {
            Ok(option) => share_option(option.as_ref()),
            Err(error) => share_error::<T, E, S>(error),
        }
    }

    fn unshare(&self, shared: &Shared<T>) -> Option<Self::Ret> {
        match shared {
            Shared::Value(value) => Some(Ok(Some(value.clone()))),
            Shared::Other(other) if other.is::<Absent>() => Some(Ok(None)),
            Shared::Other(other) => S::unshare(&**other).map(Err),
            Shared::Nothing => None,
        }
    }
}

fn share_option<T: Clone>(option: Option<&T>) -> Shared<T> {
    match option {
        Some(value) => Shared::Value(value.clone()),
        None => Shared::Other(Arc::new(Absent)),
    }
}

fn share_error<T, E, S: ShareError<E>>(error: &E) -> Shared<T> {
    S::share(error).map_or(Shared::Nothing, Shared::Other)
}

// ---------- the probe: which of the four, by autoref depth ----------

/// Stands for a function that returns `R`, and whose values are `S`: shared by threads or not.
#[derive(Debug)]
pub struct OutcomeOf<R, S>(PhantomData<fn() -> (R, S)>);

impl<R, S> OutcomeOf<R, S> {
    /// The probe of `R`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R, S> Default for OutcomeOf<R, S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Stands for what can't be kept: so that the mistake is one error, at the type, and nothing follows from it.
pub struct NoValue<R>(PhantomData<fn() -> R>);

impl<R> Clone for NoValue<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for NoValue<R> {}

impl<R> Outcome for NoValue<R> {
    type Ret = R;
    type Value = ();

    fn judge(&self, _: &R) -> Verdict {
        Verdict::Fail
    }

    fn value<'r>(&self, _: &'r R) -> Option<&'r ()> {
        None
    }

    fn ret(&self, (): ()) -> R {
        unreachable!("its only expansion doesn't compile")
    }

    fn share(&self, _: &R) -> Shared<()> {
        Shared::Nothing
    }

    fn unshare(&self, _: &Shared<()>) -> Option<R> {
        None
    }
}

/// What can be kept: the probe's first steps.
pub trait Pick {
    /// The kind of the return type.
    type As;

    /// The kind of the return type.
    fn __pick(&self) -> Self::As;
}

/// What can't be kept by a cache that threads share: the probe's last steps.
pub trait NoPick<T, R> {
    /// Says why.
    fn __pick(&self) -> NoValue<R>
    where
        T: CacheValue,
    {
        NoValue(PhantomData)
    }
}

/// What can't be kept by a cache of one thread: the probe's last steps.
pub trait NoLocalPick<T, R> {
    /// Says why.
    fn __pick(&self) -> NoValue<R>
    where
        T: LocalValue,
    {
        NoValue(PhantomData)
    }
}

/// What can't be kept in Redis: the probe's last steps.
#[cfg(feature = "redis")]
pub trait NoRemotePick<T, R> {
    /// Says why.
    fn __pick(&self) -> NoValue<R>
    where
        T: RemoteValue,
    {
        NoValue(PhantomData)
    }
}

macro_rules! pick {
    ([$($g:tt)*] $Of:ty => $As:ident<$($p:ty),*>) => {
        impl<$($g)*> Pick for $Of {
            type As = $As<$($p),*>;

            fn __pick(&self) -> Self::As {
                $As(PhantomData)
            }
        }
    };
}
// Method look-up tries the receiver with more references first, and an impl whose bounds fail is passed over.
macro_rules! kinds {
    ($Threads:ident $Value:ident $NoPick:ident) => {
        pick!([T: $Value, E: Clone + Send + Sync + 'static] &&&&&&&OutcomeOf<Result<Option<T>, E>, $Threads> => AsResultOption<T, E, Cloned>);
        pick!([T: $Value, E] &&&&&&OutcomeOf<Result<Option<T>, E>, $Threads> => AsResultOption<T, E, Unshared>);
        pick!([T: $Value, E: Clone + Send + Sync + 'static] &&&&&OutcomeOf<Result<T, E>, $Threads> => AsResult<T, E, Cloned>);
        pick!([T: $Value, E] &&&&OutcomeOf<Result<T, E>, $Threads> => AsResult<T, E, Unshared>);
        pick!([T: $Value] &&&&&OutcomeOf<Option<T>, $Threads> => AsOption<T>);
        pick!([T: $Value] &&&OutcomeOf<T, $Threads> => AsWhole<T>);
        impl<T, E> $NoPick<T, Result<Option<T>, E>> for &&OutcomeOf<Result<Option<T>, E>, $Threads> {}
        impl<T, E> $NoPick<T, Result<T, E>> for &OutcomeOf<Result<T, E>, $Threads> {}
        impl<T> $NoPick<T, Option<T>> for &OutcomeOf<Option<T>, $Threads> {}
        impl<T> $NoPick<T, T> for OutcomeOf<T, $Threads> {}
    };
}
kinds!(AllThreads CacheValue NoPick);
kinds!(OneThread LocalValue NoLocalPick);
#[cfg(feature = "redis")]
kinds!(AllProcesses RemoteValue NoRemotePick);

// ---------- options that change what is kept ----------

/// `cache_if` and `ttl = |value| ..`: the value itself says whether and for how long it is kept.
#[derive(Clone, Copy)]
pub struct ByValue<O, F> {
    outcome: O,
    judge: F,
}

/// `cache_if = |value| ..`: keeps only what satisfies it.
pub fn cache_if<O: Outcome, F>(outcome: O, keep: F) -> ByValue<O, impl Fn(&O::Value) -> Option<Verdict> + Copy>
where
    F: Fn(&O::Value) -> bool + Copy,
{
    ByValue { outcome, judge: move |value: &O::Value| if keep(value) { None } else { Some(Verdict::Skip) } }
}

/// `ttl = |value| ..`: each value has its own time to live.
pub fn ttl_of<O: Outcome, F>(outcome: O, ttl: F) -> ByValue<O, impl Fn(&O::Value) -> Option<Verdict> + Copy>
where
    F: Fn(&O::Value) -> Duration + Copy,
{
    ByValue { outcome, judge: move |value: &O::Value| Some(Verdict::KeepFor(ttl(value))) }
}

impl<O: Outcome, F: Fn(&O::Value) -> Option<Verdict> + Copy> Outcome for ByValue<O, F> {
    type Ret = O::Ret;
    type Value = O::Value;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        match (self.outcome.judge(ret), self.outcome.value(ret)) {
            (verdict @ (Verdict::Keep | Verdict::KeepFor(_)), Some(value)) => (self.judge)(value).unwrap_or(verdict),
            (verdict, _) => verdict,
        }
    }

    fn failed(&self, ret: &Self::Ret) -> bool {
        self.outcome.failed(ret)
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Self::Value> {
        self.outcome.value(ret)
    }

    fn ret(&self, value: Self::Value) -> Self::Ret {
        self.outcome.ret(value)
    }

    fn share(&self, ret: &Self::Ret) -> Shared<Self::Value> {
        self.outcome.share(ret)
    }

    fn unshare(&self, shared: &Shared<Self::Value>) -> Option<Self::Ret> {
        self.outcome.unshare(shared)
    }
}

/// How long a `None` or an `Err` is kept: `true` is as long as a value, a duration is its own.
#[derive(Clone, Copy, Debug)]
pub struct KeepFor(Option<Duration>);

impl KeepFor {
    fn verdict(self) -> Verdict {
        self.0.map_or(Verdict::Keep, Verdict::KeepFor)
    }
}

/// `cache_none = true`, `cache_err = true`: as long as a value.
pub const AS_LONG_AS_A_VALUE: KeepFor = KeepFor(None);

impl From<Duration> for KeepFor {
    fn from(ttl: Duration) -> Self {
        Self(Some(ttl))
    }
}

/// Return types with a `None`.
#[diagnostic::on_unimplemented(
    message = "`cache_none` keeps `None`, and this function returns none",
    label = "the function must return `Option<T>` or `Result<Option<T>, E>`",
    note = "remove `cache_none`"
)]
pub trait MayBeAbsent: Outcome<Value: Clone + 'static> {
    /// The option in what was returned, unless it failed.
    fn option<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Option<Self::Value>>;

    /// What a call returns for a kept option.
    fn ret_option(&self, option: Option<Self::Value>) -> Self::Ret;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + 'static> MayBeAbsent for AsOption<T> {
    fn option<'r>(&self, ret: &'r Option<T>) -> Option<&'r Option<T>> {
        Some(ret)
    }

    fn ret_option(&self, option: Option<T>) -> Option<T> {
        option
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + 'static, E, S: ShareError<E>> MayBeAbsent for AsResultOption<T, E, S> {
    fn option<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Option<T>> {
        ret.as_ref().ok()
    }

    fn ret_option(&self, option: Option<T>) -> Self::Ret {
        Ok(option)
    }
}

#[diagnostic::do_not_recommend]
impl<O: MayBeAbsent, F: Fn(&O::Value) -> Option<Verdict> + Copy> MayBeAbsent for ByValue<O, F> {
    fn option<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Option<Self::Value>> {
        self.outcome.option(ret)
    }

    fn ret_option(&self, option: Option<Self::Value>) -> Self::Ret {
        self.outcome.ret_option(option)
    }
}

/// `cache_none`: also keeps `None`.
#[derive(Clone, Copy, Debug)]
pub struct CacheNone<O> {
    outcome: O,
    keep: KeepFor,
}

/// An outcome that an option changes, if it can; and where its values go.
#[derive(Clone, Copy, Debug)]
pub struct Change<O, S>(pub O, pub S);

/// `cache_none = true`, or a duration.
pub trait ChangeNone<O> {
    /// Keeps `None` too.
    fn cache_none(self, keep: impl Into<KeepFor>) -> CacheNone<O>;
}

impl<O: MayBeAbsent, S> ChangeNone<O> for Change<O, S> {
    fn cache_none(self, keep: impl Into<KeepFor>) -> CacheNone<O> {
        CacheNone { outcome: self.0, keep: keep.into() }
    }
}

/// Where there is no `None`.
pub trait NoChangeNone<O> {
    /// Says why.
    fn cache_none(self, keep: impl Into<KeepFor>) -> O
    where
        O: MayBeAbsent;
}

impl<O: Outcome, S> NoChangeNone<O> for &Change<O, S> {
    fn cache_none(self, _: impl Into<KeepFor>) -> O
    where
        O: MayBeAbsent,
    {
        self.0
    }
}

impl<O: MayBeAbsent> Outcome for CacheNone<O> {
    type Ret = O::Ret;
    type Value = Option<O::Value>;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        match self.outcome.option(ret) {
            Some(None) => self.keep.verdict(),
            _ => self.outcome.judge(ret),
        }
    }

    fn failed(&self, ret: &Self::Ret) -> bool {
        self.outcome.failed(ret)
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Self::Value> {
        self.outcome.option(ret)
    }

    fn ret(&self, value: Self::Value) -> Self::Ret {
        self.outcome.ret_option(value)
    }

    fn share(&self, ret: &Self::Ret) -> Shared<Self::Value> {
        match self.outcome.option(ret) {
            Some(option) => Shared::Value(option.clone()),
            None => match self.outcome.share(ret) {
                Shared::Value(value) => Shared::Value(Some(value)),
                Shared::Other(other) => Shared::Other(other),
                Shared::Nothing => Shared::Nothing,
            },
        }
    }

    fn unshare(&self, shared: &Shared<Self::Value>) -> Option<Self::Ret> {
        match shared {
            Shared::Value(option) => Some(self.outcome.ret_option(option.clone())),
            Shared::Other(other) => self.outcome.unshare(&Shared::Other(Arc::clone(other))),
            Shared::Nothing => None,
        }
    }
}

/// Return types with an `Err`.
#[diagnostic::on_unimplemented(
    message = "`cache_err` keeps `Err`, and this function returns none",
    label = "the function must return `Result<T, E>`",
    note = "remove `cache_err`; `cache_none` is the option for `Option`"
)]
pub trait MayFail: Outcome {}

#[diagnostic::do_not_recommend]
impl<T: Clone + 'static, E, S: ShareError<E>> MayFail for AsResult<T, E, S> {}
#[diagnostic::do_not_recommend]
impl<T: Clone + 'static, E, S: ShareError<E>> MayFail for AsResultOption<T, E, S> {}
#[diagnostic::do_not_recommend]
impl<O: MayFail, F: Fn(&O::Value) -> Option<Verdict> + Copy> MayFail for ByValue<O, F> {}
#[diagnostic::do_not_recommend]
impl<O: MayFail + MayBeAbsent> MayFail for CacheNone<O> {}

/// What a function must return for `cache_err`.
#[diagnostic::on_unimplemented(
    message = "`cache_err` needs an error that can be kept, and `{Self}` can't be",
    label = "the whole result is kept: the error must be what the value must be",
    note = "derive `Clone` for the error, and for Redis `serde::Serialize` and `serde::Deserialize`; wrap it in an `Arc`, or remove `cache_err`"
)]
pub trait KeptWhole<S>: Clone + 'static {}

#[diagnostic::do_not_recommend]
impl<T: CacheValue> KeptWhole<AllThreads> for T {}
#[diagnostic::do_not_recommend]
impl<T: LocalValue> KeptWhole<OneThread> for T {}
#[cfg(feature = "redis")]
#[diagnostic::do_not_recommend]
impl<T: RemoteValue> KeptWhole<AllProcesses> for T {}

/// `cache_err`: also keeps `Err`.
#[derive(Clone, Copy, Debug)]
pub struct CacheErr<O> {
    outcome: O,
    keep: KeepFor,
}

/// `cache_err = true`, or a duration.
pub trait ChangeErr<O> {
    /// Keeps `Err` too.
    fn cache_err(self, keep: impl Into<KeepFor>) -> CacheErr<O>;
}

impl<O: MayFail<Ret: KeptWhole<S>>, S> ChangeErr<O> for Change<O, S> {
    fn cache_err(self, keep: impl Into<KeepFor>) -> CacheErr<O> {
        CacheErr { outcome: self.0, keep: keep.into() }
    }
}

/// Where there is no `Err`.
pub trait NoChangeErr<O> {
    /// Says why.
    fn cache_err(self, keep: impl Into<KeepFor>) -> O
    where
        O: MayFail;
}

impl<O: Outcome<Ret: KeptWhole<S>>, S> NoChangeErr<O> for &Change<O, S> {
    fn cache_err(self, _: impl Into<KeepFor>) -> O
    where
        O: MayFail,
    {
        self.0
    }
}

/// Where the `Err` can't be kept.
pub trait NoKeptErr<O: Outcome, S> {
    /// Says why.
    fn cache_err(self, keep: impl Into<KeepFor>) -> O
    where
        O::Ret: KeptWhole<S>;
}

impl<O: Outcome, S> NoKeptErr<O, S> for &mut Change<O, S> {
    fn cache_err(self, _: impl Into<KeepFor>) -> O
    where
        O::Ret: KeptWhole<S>,
    {
        self.0
    }
}

impl<O: MayFail<Ret: Clone + 'static>> Outcome for CacheErr<O> {
    type Ret = O::Ret;
    type Value = O::Ret;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        match self.outcome.judge(ret) {
            Verdict::Fail => self.keep.verdict(),
            verdict => verdict,
        }
    }

    fn failed(&self, ret: &Self::Ret) -> bool {
        self.outcome.failed(ret)
    }

    fn value<'r>(&self, ret: &'r Self::Ret) -> Option<&'r Self::Value> {
        Some(ret)
    }

    fn ret(&self, value: Self::Value) -> Self::Ret {
        value
    }

    fn share(&self, ret: &Self::Ret) -> Shared<Self::Value> {
        Shared::Value(ret.clone())
    }

    fn unshare(&self, shared: &Shared<Self::Value>) -> Option<Self::Ret> {
        match shared {
            Shared::Value(ret) => Some(ret.clone()),
            Shared::Other(_) | Shared::Nothing => None,
        }
    }
}

impl<O, F> fmt::Debug for ByValue<O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByValue")
    }
}

// ---------- what `set` takes ----------

/// What `set` takes for a function that returns `R`: the value, or what the function returns.
#[diagnostic::on_unimplemented(
    message = "`set` takes the value or what the function returns, not `{Self}`",
    label = "the function returns `{R}`"
)]
pub trait KeptBy<R>: Clone {
    /// What the function would have returned.
    fn to_ret(&self) -> R;
}

impl<T: Clone> KeptBy<T> for T {
    fn to_ret(&self) -> T {
        self.clone()
    }
}

impl<T: Clone> KeptBy<Option<T>> for T {
    fn to_ret(&self) -> Option<T> {
        Some(self.clone())
    }
}

impl<T: Clone, E> KeptBy<Result<T, E>> for T {
    fn to_ret(&self) -> Result<T, E> {
        Ok(self.clone())
    }
}

impl<T: Clone, E> KeptBy<Result<Option<T>, E>> for T {
    fn to_ret(&self) -> Result<Option<T>, E> {
        Ok(Some(self.clone()))
    }
}

// ---------- the name of what is kept, for concrete types ----------

/// Tells in constants what a return type is, and what of it can be kept: an inherent constant wins over that of
/// [`Otherwise`].
#[derive(Debug)]
pub struct Probe<R, S>(PhantomData<(R, S)>);

const OTHER: u8 = 0;
const RESULT: u8 = 1;
const OPTION: u8 = 2;
const RESULT_OPTION: u8 = 3;
const NOTHING: u8 = 4;

impl<T, E, S> Probe<Result<T, E>, S> {
    /// What this type is.
    pub const OUTER: u8 = RESULT;
}

impl<T, S> Probe<Option<T>, S> {
    /// What this type is.
    pub const OUTER: u8 = OPTION;
}

impl<T, E, S> Probe<Result<Option<T>, E>, S> {
    /// Whether there is an option inside of a result.
    pub const NESTED: bool = true;
}

macro_rules! keepable {
    ($Threads:ident $Value:ident) => {
        impl<T: $Value> Probe<T, $Threads> {
            /// It can be kept as it is.
            pub const WHOLE_OK: bool = true;
        }

        impl<T: $Value> Probe<Option<T>, $Threads> {
            /// What is inside can be kept.
            pub const INNER_OK: bool = true;
        }

        // Of an option inside, what that is made of must do: both or neither can be kept.
        impl<T: $Value, E> Probe<Result<T, E>, $Threads> {
            /// What is inside can be kept.
            pub const INNER_OK: bool = true;
        }
    };
}
keepable!(AllThreads CacheValue);
keepable!(OneThread LocalValue);
#[cfg(feature = "redis")]
keepable!(AllProcesses RemoteValue);

/// All types that none of these constants is made for.
pub trait Otherwise {
    /// See [`Probe`].
    const OUTER: u8 = OTHER;
    /// See [`Probe`].
    const NESTED: bool = false;
    /// See [`Probe`].
    const WHOLE_OK: bool = false;
    /// See [`Probe`].
    const INNER_OK: bool = false;
}

impl<R, S> Otherwise for Probe<R, S> {}

/// What is kept of a return type: the parameter of [`Kept`]. `all` and `inner` say whether the whole can be kept, and what
/// is inside of it; `none` and `err` are `cache_none` and `cache_err`.
#[must_use]
pub const fn kept(outer: u8, nested: bool, [all, inner]: [bool; 2], [none, err]: [bool; 2]) -> u8 {
    match outer {
        _ if err && all => OTHER,
        RESULT if !inner => NOTHING,
        RESULT if nested && !none => RESULT_OPTION,
        RESULT => RESULT,
        OPTION if !none && inner => OPTION,
        _ if all && (none || outer != OPTION) => OTHER,
        _ => NOTHING,
    }
}

/// What is kept of a return type, by what [`kept`] says.
pub trait Kept<const KIND: u8> {
    /// `()` where nothing can be kept, which is an error elsewhere.
    type Value;
}

impl<T> Kept<OTHER> for T {
    type Value = T;
}

impl<T, E> Kept<RESULT> for Result<T, E> {
    type Value = T;
}

impl<T> Kept<OPTION> for Option<T> {
    type Value = T;
}

impl<T, E> Kept<RESULT_OPTION> for Result<Option<T>, E> {
    type Value = T;
}

impl<R> Kept<NOTHING> for R {
    type Value = ();
}

// ---------- for the front door, which needs no probe ----------

/// The outcome of a loader that may be without a value.
#[cfg(feature = "redis")]
pub(crate) fn option<T>() -> AsOption<T> {
    AsOption(PhantomData)
}

/// A value as it is.
pub(crate) fn whole<T>() -> AsWhole<T> {
    AsWhole(PhantomData)
}

/// A result whose errors stay with the call that ran into them: any error will do.
pub(crate) fn result<T, E>() -> AsResult<T, E, Unshared> {
    AsResult(PhantomData)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! outcome {
        ($R:ty) => {
            (&&&&&&&&OutcomeOf::<$R, AllThreads>::new()).__pick()
        };
    }
    type Answer<T> = Result<Option<T>, String>;
    /// An error without `Clone`.
    #[derive(Debug)]
    struct Odd;

    #[test]
    fn the_kind_is_found_through_aliases() {
        let shared = outcome!(Answer<u8>);
        assert_eq!(shared.judge(&Ok(Some(1))), Verdict::Keep);
        assert_eq!(shared.judge(&Ok(None)), Verdict::Skip);
        assert_eq!(shared.judge(&Err(String::new())), Verdict::Fail);
        let again = |ret: Answer<u8>| shared.unshare(&shared.share(&ret)).as_ref() == Some(&ret);
        assert!(again(Ok(Some(1))) && again(Ok(None)) && again(Err("no".into())));

        let io = outcome!(std::io::Result<u8>);
        assert_eq!(io.value(&Ok(3)), Some(&3));
        assert!(matches!(io.share(&Err(std::io::ErrorKind::NotFound.into())), Shared::Nothing));
        let odd = outcome!(Result<Option<u8>, Odd>);
        assert!(matches!(odd.share(&Err(Odd)), Shared::Nothing));
        assert!(matches!(odd.unshare(&odd.share(&Ok(None))), Some(Ok(None))));

        let option = outcome!(Option<Vec<u8>>);
        assert_eq!((option.judge(&None), option.ret(vec![])), (Verdict::Skip, Some(vec![])));
        assert_eq!(outcome!(u8).value(&9), Some(&9));
    }

    #[test]
    fn wrappers_change_what_is_kept() {
        let minute = Duration::from_mins(1);
        let some = cache_if(outcome!(Answer<u8>), |value| *value > 3);
        assert_eq!((some.judge(&Ok(Some(3))), some.judge(&Ok(Some(4)))), (Verdict::Skip, Verdict::Keep));
        assert_eq!(some.value(&Ok(Some(3))), Some(&3));
        let none = Change(some, AllThreads).cache_none(minute);
        assert_eq!((none.judge(&Ok(None)), none.judge(&Ok(Some(1)))), (Verdict::KeepFor(minute), Verdict::Skip));
        assert_eq!((none.judge(&Err("x".into())), none.value(&Err("x".into()))), (Verdict::Fail, None));
        assert_eq!(none.ret(None), Ok(None));
        assert_eq!(none.unshare(&none.share(&Err("x".into()))), Some(Err("x".into())));
        let all = Change(none, AllThreads).cache_err(AS_LONG_AS_A_VALUE);
        assert_eq!((all.judge(&Err("x".into())), all.judge(&Ok(None))), (Verdict::Keep, Verdict::KeepFor(minute)));
        assert_eq!(all.value(&Err("x".into())), Some(&Err("x".into())));
    }

    #[test]
    fn set_takes_the_value_or_the_return() {
        fn set<R>(value: &impl KeptBy<R>) -> R {
            value.to_ret()
        }
        assert_eq!(set::<Answer<u8>>(&7), Ok(Some(7)));
        assert_eq!(set::<Answer<u8>>(&Ok(Some(7))), Ok(Some(7)));
        assert_eq!(set::<Option<u8>>(&7), Some(7));
        assert_eq!(set::<u8>(&7), 7);
    }
}

/// Apart from the other tests: the macro brings its traits along.
#[cfg(test)]
#[expect(
    unused_imports,
    reason = "an inherent constant wins: then the macro's trait is not used, which only shows in its own crate"
)]
mod names {
    use crate::key::AllThreads;
    use std::cell::Cell;

    type Answer<T> = Result<Option<T>, String>;

    macro_rules! kept {
        ($R:ty) => {
            crate::__value_type!($R, false, false, AllThreads)
        };
    }
    macro_rules! all_kept {
        ($R:ty, $none:literal, $err:literal) => {
            crate::__value_type!($R, $none, $err, AllThreads)
        };
    }

    #[test]
    fn what_is_kept_has_a_name() {
        let _: kept!(Answer<u8>) = 1_u8;
        let _: kept!(std::io::Result<u16>) = 1_u16;
        let _: kept!(Option<u32>) = 1_u32;
        let _: kept!(Result<Result<u8, u16>, u32>) = Ok::<u8, u16>(1);
        let _: kept!(char) = 'x';
    }

    #[test]
    fn options_change_what_is_kept() {
        let _: all_kept!(Answer<u8>, true, false) = Some(1_u8);
        let _: all_kept!(Option<u8>, true, false) = Some(1_u8);
        let _: all_kept!(u8, true, false) = 1_u8;
        let _: all_kept!(Answer<u8>, false, true) = Answer::<u8>::Ok(None);
        let _: all_kept!(Result<u8, Cell<u8>>, false, true) = 1_u8;
    }

    #[test]
    fn what_can_not_be_kept_is_nothing() {
        let () = <kept!(Cell<u8>)>::default();
        let () = <kept!(Option<Cell<u8>>)>::default();
        let () = <kept!(Result<Option<Cell<u8>>, u8>)>::default();
    }
}
