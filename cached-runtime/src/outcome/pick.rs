//! Which of the four kinds a return type is, found at value level: by method look-up, one reference after the other. Must
//! never need a name for the type: it may be generic, or opaque.

use super::{
    AsOption, AsResult, AsResultOption, AsWhole, CacheValue, Cloned, LocalValue, Outcome, Shared, Unshared, Verdict,
};
use crate::key::{AllThreads, OneThread};
use std::marker::PhantomData;
#[cfg(feature = "redis")]
use {crate::key::AllProcesses, crate::redis::RemoteValue};

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
