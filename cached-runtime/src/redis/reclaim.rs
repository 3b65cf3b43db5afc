//! Memory of entries that nobody can reach any more, given back at once. Must never be needed: their time to live ends
//! them, too.

use super::remote::Remote;
use super::scan::{self, Dead};
use super::{Client, Kind};
use crate::error::{Error, ErrorKind};
use crate::registry;
use redis::{Pipeline, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// Frees the memory that entries of all Redis caches of this process still take on the servers, although nobody can reach
/// them any more: those of lower `version`s, and those that a `clear` left behind. (Not those that
/// [`invalidate_tag`](crate::invalidate_tag) did: an entry doesn't say which tags it had.)
///
/// It begins at once. Await the result, or call [`wait`](Reclaiming::wait), to learn how many keys were removed. Without it
/// they go when their time to live is over; with `ttl = never`, when the server's `maxmemory-policy` picks them. So call
/// it after a large `clear`, or after a deployment that raised a `version`, once no process of the older version runs.
///
/// It looks at all keys of the servers, on every master of a cluster: about a second for a million keys, in steps between
/// which the server serves others.
///
/// # Errors
///
/// What kept a server from it. Nothing is tried again.
///
/// ```no_run
/// let freed = cached_runtime::redis::reclaim().wait()?;
/// println!("{freed} keys");
/// # Ok::<_, cached_runtime::Error>(())
/// ```
pub fn reclaim() -> Reclaiming {
    let remotes: Vec<Arc<Remote>> = registry::all().into_iter().filter_map(|cache| cache.remote()).collect();
    let (tell, told) = oneshot::channel();
    let Some(first) = remotes.first() else {
        let _ = tell.send(Ok(0));
        return Reclaiming(told);
    };
    first.client.spawn(async move {
        let mut removed = Ok(0);
        for remote in &remotes {
            removed = match (removed, of(remote).await) {
                (Ok(before), Ok(more)) => Ok(before + more),
                // The first error counts; the others' memory is freed all the same.
                (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            };
        }
        // The caller may be gone.
        let _ = tell.send(removed);
    });
    Reclaiming(told)
}

async fn of(remote: &Remote) -> Result<u64, Error> {
    let client: Client = remote.client;
    let mut work = Pipeline::with_capacity(1);
    let stem = remote.with_prefix(|prefix| {
        for generation in prefix.generations() {
            work.cmd("GET").arg(generation);
        }
        prefix.stem().to_owned()
    });
    let read = client.call(work, Kind::Read, &client.budget()).await?;
    // Whatever carries one that is gone is dead. Should it be made anew just now, its first entries go as well.
    let generation = |value| match value {
        Value::BulkString(bytes) => bytes.try_into().ok(),
        _ => None,
    };
    let generations = read.into_iter().map(generation).collect();
    Ok(scan::run(client, &Dead::new(&stem, remote.version(), generations)).await?)
}

/// What becomes of a [`reclaim`]: `.await` it, or [`wait`](Self::wait) for it in sync code. Dropped, it goes on.
#[derive(Debug)]
#[must_use = "await it, or call `.wait()`, to learn whether it succeeded"]
pub struct Reclaiming(oneshot::Receiver<Result<u64, Error>>);

impl Reclaiming {
    /// Blocks until it is done; gives how many keys were removed.
    ///
    /// # Errors
    ///
    /// What kept a server from it.
    pub fn wait(self) -> Result<u64, Error> {
        super::block_on(self)
    }
}

impl Future for Reclaiming {
    type Output = Result<u64, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|told| told.unwrap_or_else(|_| Err(lost())))
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unreachable, "the driver stopped in the middle of it")
}
