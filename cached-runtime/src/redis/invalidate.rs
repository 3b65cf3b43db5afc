//! What changes entries from outside of a load: invalidate, set, clear. Must never report success before the server
//! acknowledged it, and must never leave the old value behind a failure without having queued its removal.
//!
//! Each acts in three steps. At once, on the caller's thread: loads of this process are detached, so that no call that
//! starts from here on joins them. On the driver, whether or not the caller stays to hear of it: the server. On the
//! acknowledgement: detached once more, since a load that began in between may have read what was there before.
//!
//! The loads of other processes need no telling: their fill finds another head than their ticket's, and their own calls
//! compare what they read with what their local load holds.

use super::core::{Core, RemoteValue};
use super::flights::Flights;
use super::keys::Name;
use super::queue::{self, Queue};
use super::remote::{Fresh, Remote};
use crate::error::{Error, ErrorKind};
use crate::outcome::{CacheValue, Outcome, Verdict};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// An invalidation or a set that is under way on the driver: await it, or [`wait`](Self::wait) for it in sync code.
/// Dropped, it goes on all the same.
#[must_use = "await it, or call `.wait()`: a failed invalidation leaves old values in place"]
#[derive(Debug)]
pub struct Acting(Result<oneshot::Receiver<Result<(), Error>>, Error>);

impl Acting {
    /// It failed before it began.
    pub(crate) fn failed(error: Error) -> Self {
        Self(Err(error))
    }

    /// It is under way, and its end will be told.
    pub(crate) fn told(end: oneshot::Receiver<Result<(), Error>>) -> Self {
        Self(Ok(end))
    }

    /// Blocks until it is done.
    ///
    /// # Errors
    ///
    /// What kept the server from doing it. It is tried again, as an invalidation, for as long as the process lives.
    pub fn wait(self) -> Result<(), Error> {
        super::driver::block_on(self)
    }
}

impl Future for Acting {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Err(error) => Poll::Ready(Err(error.clone())),
            Ok(result) => Pin::new(result).poll(cx).map(|told| told.unwrap_or_else(|_| Err(lost()))),
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unreachable, "the driver stopped in the middle of it; it was queued to be tried again")
}

/// Queues an invalidation if it is dropped before it is disarmed: the driver died, or is being shut down.
struct Queued<V: CacheValue> {
    queue: Arc<Queue>,
    remote: Arc<Remote>,
    flights: Arc<Flights<V>>,
    name: Option<Name>,
    armed: bool,
}

impl<V: CacheValue> Drop for Queued<V> {
    fn drop(&mut self) {
        if self.armed {
            queue::retry(&self.queue, &self.remote, &self.flights, self.name.take());
        }
    }
}

impl<V: CacheValue> Core<V> {
    /// Runs `work` on the driver; a failure of it, of whatever kind, is queued as an invalidation.
    fn act<W>(&self, name: Option<Name>, work: W) -> Acting
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.flights.detach_any(name.as_ref());
        let (tell, told) = oneshot::channel();
        let (queue, remote, flights) = (Arc::clone(&self.queue), Arc::clone(&self.remote), Arc::clone(&self.flights));
        let mut queued = Queued { queue, remote, flights, name, armed: true };
        self.remote.client.spawn(async move {
            let result = work.await;
            queued.armed = result.is_err();
            if result.is_ok() {
                queued.flights.detach_any(queued.name.as_ref());
            }
            drop(queued);
            // The caller may be gone.
            let _ = tell.send(result);
        });
        Acting(Ok(told))
    }

    /// Forgets a key.
    pub(crate) fn invalidate(&self, name: Name) -> Acting {
        let (remote, counts, of) = (Arc::clone(&self.remote), Arc::clone(&self.counts), name.clone());
        self.act(Some(name), async move {
            let removed = remote.unlink(&of, &remote.client.budget()).await?;
            counts.invalidations.fetch_add(removed, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Forgets everything, in all processes: entries and loads of the old generation are dead.
    pub(crate) fn clear(&self) -> Acting {
        let remote = Arc::clone(&self.remote);
        self.act(None, async move { remote.unlink_generation(&remote.client.budget()).await })
    }

    fn store(&self, name: Name, fresh: Fresh) -> Acting {
        let (remote, of) = (Arc::clone(&self.remote), name.clone());
        self.act(Some(name), async move {
            let budget = remote.client.budget();
            let ticket = remote.take_ticket(&of, &budget).await?;
            remote.commit(&of, &ticket, fresh, &budget).await.map(drop)
        })
    }
}

impl<V: RemoteValue> Core<V> {
    /// Stores a value as if it had been loaded; one that would not be kept removes what is there.
    pub(crate) fn set<O: Outcome<Value = V>>(&self, name: Name, outcome: O, ret: &O::Ret) -> Acting {
        let own = match outcome.judge(ret) {
            Verdict::Keep => None,
            Verdict::KeepFor(ttl) => Some(ttl),
            Verdict::Skip | Verdict::Fail => return self.invalidate(name),
        };
        let Some(value) = outcome.value(ret) else { return self.invalidate(name) };
        match self.encode(value, own, std::time::Duration::ZERO) {
            Ok(Some(fresh)) => self.store(name, fresh),
            Ok(None) => self.invalidate(name),
            Err(error) => {
                // The old value must not stay where a newer one can't be written. Should this fail as well, it is queued.
                drop(self.invalidate(name));
                Acting::failed(error)
            }
        }
    }
}
