//! The four kinds of return types: a value, an option, a result, a result of an option. Must never choose among them: that
//! is the probes'.

use super::{Absent, Outcome, Shared, Verdict};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

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
        pub struct $Name<$($p),*>(pub(super) PhantomData<fn() -> ($($p,)*)>);

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
