//! `cache_if`, `ttl = |value| ..` and how long a `None` or an `Err` is kept. Must never keep what the outcome behind it does
//! not.

use super::{Outcome, Shared, Verdict};
use std::fmt;
use std::time::Duration;

/// `cache_if` and `ttl = |value| ..`: the value itself says whether and for how long it is kept.
#[derive(Clone, Copy)]
pub struct ByValue<O, F> {
    pub(super) outcome: O,
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
    pub(super) fn verdict(self) -> Verdict {
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

impl<O, F> fmt::Debug for ByValue<O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByValue")
    }
}
