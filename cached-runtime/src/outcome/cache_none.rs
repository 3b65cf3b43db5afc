//! `cache_none`: a `None` that is kept. Must say so where there is none.

use super::{AsOption, AsResultOption, ByValue, KeepFor, Outcome, ShareError, Shared, Verdict};
use std::sync::Arc;

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
