//! The hard limit on a load: it ends with an error of the function's own. Must never run a load to its end behind the
//! caller's back: what has run out of time is dropped.

#[cfg(feature = "tokio")]
use crate::alarm::Alarm;
#[cfg(feature = "tokio")]
use pin_project_lite::pin_project;
use std::fmt;
#[cfg(feature = "tokio")]
use std::future::Future;
use std::marker::PhantomData;
#[cfg(feature = "tokio")]
use std::pin::Pin;
#[cfg(feature = "tokio")]
use std::task::{Context, Poll};
use std::time::Duration;

/// A load ran longer than its `timeout`, and was dropped.
///
/// The function's own error type holds it by `From<TimedOut>`. `Box<dyn Error + Send + Sync>` and the like do already.
///
/// ```
/// use cached_runtime::TimedOut;
///
/// #[derive(Debug)]
/// enum DbError {
///     TimedOut(TimedOut),
/// }
///
/// impl From<TimedOut> for DbError {
///     fn from(error: TimedOut) -> Self {
///         Self::TimedOut(error)
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    after: Duration,
}

impl TimedOut {
    /// How long the load was let run.
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the load ran longer than {:?}, its `timeout`, and was dropped", self.after)
    }
}

impl std::error::Error for TimedOut {}

/// What a function with a `timeout` returns.
#[diagnostic::on_unimplemented(
    message = "`timeout` ends a load with an error, and `{Self}` can't hold it",
    label = "the function must return `Result<T, E>` where `E: From<cached_runtime::TimedOut>`",
    note = "implement `From<cached_runtime::TimedOut>` for the error, return a boxed error, or use `soft_timeout`"
)]
pub trait MayTimeOut {
    /// The error.
    fn timed_out(error: TimedOut) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<TimedOut>> MayTimeOut for Result<T, E> {
    fn timed_out(error: TimedOut) -> Self {
        Err(error.into())
    }
}

/// Stands for a function that returns `R`: how its error is made, told apart by type. The method on what can hold it is
/// inherent, and wins over that of [`NoTimeOut`], whose bound can't hold, and says so in our words.
#[derive(Debug)]
pub struct TimesOut<R>(PhantomData<fn() -> R>);

impl<R> TimesOut<R> {
    /// The probe of `R`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for TimesOut<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E: From<TimedOut>> TimesOut<Result<T, E>> {
    /// What makes the error.
    pub fn __error(&self) -> fn(TimedOut) -> Result<T, E> {
        MayTimeOut::timed_out
    }
}

/// All return types that have no place for it.
pub trait NoTimeOut<R> {
    /// Says why.
    fn __error(&self) -> fn(TimedOut) -> R
    where
        R: MayTimeOut;
}

impl<R> NoTimeOut<R> for TimesOut<R> {
    fn __error(&self) -> fn(TimedOut) -> R
    where
        R: MayTimeOut,
    {
        R::timed_out
    }
}

/// A load that ends after a while, whatever it is doing: in real time, by a timer of the crate's own, since a runtime may
/// have none.
#[cfg(feature = "tokio")]
pub fn limited<F: Future>(after: Duration, body: F, error: fn(TimedOut) -> F::Output) -> Limited<F> {
    Limited { after, error, body: Some(body), end: None }
}

#[cfg(feature = "tokio")]
pin_project! {
    /// The future of [`limited`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Limited<F: Future> {
        after: Duration,
        error: fn(TimedOut) -> F::Output,
        #[pin]
        body: Option<F>,
        // From the first poll on: the time runs from when the load does.
        end: Option<Alarm>,
    }
}

#[cfg(feature = "tokio")]
impl<F: Future> Future for Limited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let end = this.end.get_or_insert_with(|| Alarm::after(*this.after));
        if let Some(body) = this.body.as_mut().as_pin_mut()
            && let Poll::Ready(ret) = body.poll(cx)
        {
            return Poll::Ready(ret);
        }
        if !end.is_over(cx) {
            return Poll::Pending;
        }
        this.body.set(None);
        Poll::Ready((this.error)(TimedOut { after: *this.after }))
    }
}
