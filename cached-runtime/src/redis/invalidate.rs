//! What changes entries from outside of a load: invalidate, set, clear. Must never report success before the server
//! acknowledged it, and must never leave the old value behind a failure without having queued its removal, or said that
//! there is no room for it.
//!
//! Each acts in three steps. At once, on the caller's thread: loads of this process are detached, so that no call that
//! starts from here on joins them. On the driver, whether or not the caller stays to hear of it: the server. On the
//! acknowledgement: detached once more, since a load that began in between may have read what was there before.
//!
//! The loads of other processes need no telling: their fill finds another head than their ticket's, and their own calls
//! compare what they read with what their local load holds.

use super::core::{Core, RemoteValue, count};
use super::keys::Name;
use super::link::BULKY;
use super::remote::{Fresh, WriteTicket};
use super::{retry, watched};
use crate::acting::Acting;
use crate::error::{Error, ErrorKind};
use crate::events::{InvalidationCause, What};
use crate::outcome::{CacheValue, Outcome, Verdict};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl<V: CacheValue> Core<V> {
    /// Runs `work` on the driver; a failure of it, of whatever kind, is queued as an invalidation.
    fn act<W>(&self, name: Option<Name>, work: W) -> Acting
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let chore = retry::Keys::new(&self.queue, &self.remote, &self.flights);
        retry::begin(chore, name.map(|name| vec![name]), work)
    }

    /// Forgets a key.
    pub(crate) fn invalidate(&self, name: Name) -> Acting {
        watched::tell(&self.remote.source, Some(&name), What::Invalidated { cause: InvalidationCause::Key });
        let (remote, counts, of) = (Arc::clone(&self.remote), Arc::clone(&self.counts), name.clone());
        self.act(Some(name), async move {
            let removed = remote.unlink(&of, &remote.client.budget()).await?;
            counts.invalidations.fetch_add(removed, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Forgets everything, in all processes: entries and loads of the old generation are dead.
    pub(crate) fn clear(&self) -> Acting {
        if self.remote.is_bare() {
            let cause =
                "bare keys can't be cleared as a whole: others' keys may look like them; invalidate them one by one";
            return Acting::failed(Error::new(ErrorKind::Config, cause).of(&self.remote.cache, None));
        }
        watched::tell(&self.remote.source, None, What::Invalidated { cause: InvalidationCause::Clear });
        let remote = Arc::clone(&self.remote);
        self.act(None, async move { remote.unlink_generation(&remote.client.budget()).await })
    }

    /// Stores a value under a ticket that was taken before, or one that is taken now.
    fn store(&self, name: Name, fresh: Fresh, ticket: Option<WriteTicket>) -> Acting {
        let (remote, counts, of) = (Arc::clone(&self.remote), Arc::clone(&self.counts), name.clone());
        let client = remote.client;
        self.act(Some(name), async move {
            let budget = remote.client.budget();
            let ticket = match ticket {
                Some(ticket) => ticket,
                None => remote.take_ticket(&of, &budget).await?,
            };
            let large = fresh.payload.len() > BULKY;
            let prepare = {
                let (remote, of) = (Arc::clone(&remote), of.clone());
                move || remote.prepare(&of, &ticket, fresh)
            };
            let commit = if large {
                // Copying it would hold up all others on the driver. There is time left for the sending.
                let died = || Err(Error::new(ErrorKind::Unreachable, "the driver stopped in the middle of it"));
                client.apart(budget.left()? / 2, prepare).await.unwrap_or_else(died)?
            } else {
                prepare()?
            };
            let stored = remote.commit(&of, commit, &budget).await?;
            if !stored {
                count(&counts.fenced);
            }
            watched::tell(&remote.source, Some(&of), if stored { What::Inserted } else { What::Fenced });
            Ok(())
        })
    }
}

impl<V: RemoteValue> Core<V> {
    /// Stores a value as if it had been loaded; one that would not be kept removes what is there.
    pub(crate) fn set<O: Outcome<Value = V>>(
        &self,
        name: Name,
        outcome: O,
        ret: &O::Ret,
        ticket: Option<WriteTicket>,
    ) -> Acting {
        let own = match outcome.judge(ret) {
            Verdict::Keep => None,
            Verdict::KeepFor(ttl) => Some(ttl),
            Verdict::Skip | Verdict::Fail => return self.invalidate(name),
        };
        let Some(value) = outcome.value(ret) else { return self.invalidate(name) };
        match self.encode(value, own, std::time::Duration::ZERO, outcome.failed(ret)) {
            Ok(Some(fresh)) => self.store(name, fresh, ticket),
            Ok(None) => self.invalidate(name),
            Err(error) => {
                // The old value must not stay where a newer one can't be written. Should this fail as well, it is queued.
                drop(self.invalidate(name));
                Acting::failed(error)
            }
        }
    }
}
