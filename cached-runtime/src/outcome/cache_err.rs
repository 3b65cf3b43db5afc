//! `cache_err`: an `Err` that is kept. Must say so where there is none, or where it can't be kept.

use super::{
    AsResult, AsResultOption, ByValue, CacheNone, CacheValue, Change, KeepFor, LocalValue, MayBeAbsent, Outcome,
    ShareError, Shared, Verdict,
};
use crate::key::{AllThreads, OneThread};
#[cfg(feature = "redis")]
use {crate::key::AllProcesses, crate::redis::RemoteValue};

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
