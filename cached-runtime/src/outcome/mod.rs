//! What a function returns, split into what is kept and what is not. Must never hold a lock, a store or a key.
//!
//! The kind of a return type is found by type, so that aliases (`io::Result`, your own) count. [`OutcomeOf`] probes at
//! value level and works in generic functions; [`Probe`] is a constant and names what is kept of a concrete type.

mod by_value;
mod cache_err;
mod cache_none;
mod kept_by;
mod kinds;
mod pick;
mod probe;

pub use by_value::*;
pub use cache_err::*;
pub use cache_none::*;
pub use kept_by::*;
pub(crate) use kinds::*;
pub use pick::*;
pub use probe::*;

use std::any::Any;
use std::fmt;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::AllThreads;

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
