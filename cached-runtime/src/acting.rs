//! What becomes of a write to a store: a thing to await or to wait for. Must never do the work itself, nor undo it when it
//! is dropped: what it speaks of has begun, and goes on whoever listens.

use crate::error::Error;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

/// An invalidation or a set that has begun: await it, or [`wait`](Self::wait) for it in sync code. Dropped, it goes on
/// all the same.
///
/// With the memory stores it is done already; with Redis it ends with the server's answer.
///
/// ```
/// use cached_runtime::invalidate_tag;
///
/// invalidate_tag("products").wait()?;
/// # Ok::<_, cached_runtime::Error>(())
/// ```
#[must_use = "await it, or call `.wait()`: a failed invalidation leaves old values in place"]
#[derive(Debug)]
pub struct Acting(Stage);

#[derive(Debug)]
enum Stage {
    /// It is known how it went.
    Over(Result<(), Error>),
    /// The driver will tell.
    #[cfg(feature = "redis")]
    Afar(tokio::sync::oneshot::Receiver<Result<(), Error>>),
}

impl Acting {
    /// It succeeded at once, as everything in memory does.
    pub(crate) fn done() -> Self {
        Self(Stage::Over(Ok(())))
    }

    /// It failed before it began.
    #[cfg(feature = "redis")]
    pub(crate) fn failed(error: Error) -> Self {
        Self(Stage::Over(Err(error)))
    }

    /// It is under way, and its end will be told.
    #[cfg(feature = "redis")]
    pub(crate) fn told(end: tokio::sync::oneshot::Receiver<Result<(), Error>>) -> Self {
        Self(Stage::Afar(end))
    }

    /// Blocks until it is done.
    ///
    /// # Errors
    ///
    /// What kept the server from doing it. It is tried again, as an invalidation, for as long as the process lives. None
    /// with the memory stores.
    pub fn wait(self) -> Result<(), Error> {
        match self.0 {
            Stage::Over(result) => result,
            #[cfg(feature = "redis")]
            Stage::Afar(_) => crate::redis::block_on(self),
        }
    }
}

impl Future for Acting {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _ = cx;
        match &mut self.0 {
            Stage::Over(result) => Poll::Ready(result.clone()),
            #[cfg(feature = "redis")]
            Stage::Afar(end) => Pin::new(end).poll(cx).map(|told| told.unwrap_or_else(|_| Err(lost()))),
        }
    }
}

#[cfg(feature = "redis")]
fn lost() -> Error {
    let kind = crate::error::ErrorKind::Unreachable;
    Error::new(kind, "the driver stopped in the middle of it; it was queued to be tried again")
}

/// What becomes of an invalidation of several caches: `.await` it, or [`wait`](Self::wait) for it in sync code.
///
/// The first error counts; none keeps the others from being invalidated.
#[derive(Debug, Default)]
#[must_use = "await it, or call `.wait()`, to learn whether it succeeded"]
pub struct Invalidation {
    /// What servers are doing. What memory had to do is done.
    acting: Vec<Acting>,
}

impl Invalidation {
    /// All of these together.
    pub(crate) fn of(acting: Vec<Acting>) -> Self {
        Self { acting }
    }

    /// Blocks until it is done.
    ///
    /// # Errors
    ///
    /// What kept a store from forgetting.
    pub fn wait(self) -> Result<(), Error> {
        self.acting.into_iter().map(Acting::wait).fold(Ok(()), Result::and)
    }
}

impl IntoFuture for Invalidation {
    type Output = Result<(), Error>;
    type IntoFuture = Invalidating;

    fn into_future(self) -> Invalidating {
        let mut acting = self.acting.into_iter();
        Invalidating { now: acting.next(), acting, result: Ok(()) }
    }
}

/// The future of an [`Invalidation`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Invalidating {
    acting: std::vec::IntoIter<Acting>,
    now: Option<Acting>,
    result: Result<(), Error>,
}

impl Future for Invalidating {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some(acting) = this.now.as_mut() {
            let result = std::task::ready!(Pin::new(acting).poll(cx));
            this.now = this.acting.next();
            if this.result.is_ok() {
                this.result = result;
            }
        }
        Poll::Ready(this.result.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn what_is_done_is_done() {
        assert!(Acting::done().wait().is_ok());
        assert!(Invalidation::default().wait().is_ok());
        let mut both = Invalidation::of(vec![Acting::done(), Acting::done()]).into_future();
        let polled = Pin::new(&mut both).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn the_first_error_counts_and_all_are_waited_for() {
        let failed = |text| Acting::failed(Error::new(crate::ErrorKind::Unreachable, text));
        let (tell, told) = tokio::sync::oneshot::channel();
        tell.send(Ok(())).unwrap();
        let all = vec![Acting::done(), failed("one"), failed("two"), Acting::told(told)];
        let error = crate::redis::block_on(Invalidation::of(all).into_future()).unwrap_err();
        assert!(error.to_string().contains("one"), "{error}");
        assert!(Invalidation::of(vec![failed("one"), Acting::done()]).wait().is_err());
    }
}
