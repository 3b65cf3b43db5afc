//! Calls that are let go before the load they lead ends: renewals of values in Redis, and loads that take longer than
//! `soft_timeout` where an old value will do. Must never spawn what nobody waits for unless a value is served in its place.
//!
//! The load moves to a task of the runtime that the call runs on, never to the driver. If that runtime ends first, the
//! task is dropped, and with it the ticket, which frees the key.

use super::core::{RemoteValue, count};
use super::load::{How, RemoteMiss, is_good_unasked};
use crate::outcome::Outcome;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;

/// An old value, and how long to wait for the load before it is served: `None` not at all.
type Spare<R> = (R, Option<Duration>);

impl<O> RemoteMiss<O>
where
    O: Outcome<Ret: Send + 'static, Value: RemoteValue> + Send + Sync + 'static,
{
    /// As [`run_async`](Self::run_async), but a call that is to renew a value which may still be served returns that value
    /// at once, and the load goes on in the background; so does a load that takes longer than `soft_timeout` where an
    /// old value may be served on error. Outside of a tokio runtime it is `run_async`.
    pub async fn run_background<F>(self, body: F) -> O::Ret
    where
        F: Future<Output = O::Ret> + Send + 'static,
    {
        let (Ok(runtime), Some((old, wait))) = (Handle::try_current(), self.spare()) else {
            return self.run_async(body).await;
        };
        let How::Guarded { guide, .. } = &self.0 else { return self.run_async(body).await };
        let (core, past) = (std::sync::Arc::clone(&guide.core), guide.is_past());
        let late = wait.and_then(|_| Some((guide.name.clone(), guide.old.as_ref()?.entry.clone())));
        let mut load = runtime.spawn(self.run_async(body));
        if let (Some(after), Some((name, entry))) = (wait, late) {
            let mut over = pin!(core.remote.client.sleep(after));
            let mut ended = std::future::poll_fn(|cx| match Pin::new(&mut load).poll(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending => over.as_mut().poll(cx).map(|()| None),
            })
            .await;
            // By now it may have ended, or been invalidated by this process.
            if ended.is_none() && !is_good_unasked(&core, &name, &entry) {
                ended = Some(load.await);
            }
            match ended {
                Some(Ok(ret)) => return ret,
                Some(Err(error)) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
                None => {}
            }
        }
        if past {
            count(&core.counts.stale);
        }
        old
    }

    /// The old value that may stand in for the load, and from when.
    fn spare(&self) -> Option<Spare<O::Ret>> {
        let How::Guarded { guide, outcome, .. } = &self.0 else { return None };
        let old = guide.old.as_ref()?;
        let wait = if guide.ticket.is_some() { None } else { Some(guide.core.soft_timeout?) };
        Some((outcome.ret(old.value.clone()), wait))
    }
}
