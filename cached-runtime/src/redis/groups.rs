//! Invalidation by pattern, on every Redis connection that takes part. Must never report success before all servers
//! acknowledged it, and must never forget one that failed.
//!
//! One that failed is walked again, for as long as the process lives, whether or not it has a function that is meant; until
//! then what matches is a miss in this process.

use super::keys::Name;
use super::queue::Queue;
use super::retry::{self, Chore};
use super::scan::{self, Matching};
use super::{Client, tags};
use crate::acting::Acting;
use crate::error::Error;
use crate::registry;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Begins to invalidate what matches a pattern on every connection that takes part.
pub(crate) fn invalidate_matching(pattern: &str) -> Vec<Acting> {
    tags::taking_part().into_iter().map(|client| matching(client, pattern)).collect()
}

/// Whether an invalidation that this entry is meant by is still to be repeated.
pub(crate) fn is_pending(client: Client, name: &Name) -> bool {
    let pending = client.pending_patterns();
    if pending.len() == 0 {
        return false;
    }
    retry::tend(Patterns(client));
    pending.any(|matching| matching.is_meant(name))
}

/// New calls don't find the loads of this process that are meant.
pub(crate) fn detach(client: Client, matching: &Matching) {
    for cache in registry::all() {
        if cache.connection() == Some(client.name()) {
            cache.detach_matching(matching);
        }
    }
}

/// Queues the pattern if it is dropped before it is disarmed: it failed, or the driver died.
struct Queued {
    client: Client,
    matching: Arc<Matching>,
    armed: bool,
}

impl Drop for Queued {
    fn drop(&mut self) {
        if self.armed {
            retry::add(Patterns(self.client), Some(Arc::clone(&self.matching)));
        }
    }
}

/// The patterns whose invalidation failed.
#[derive(Clone, Copy)]
struct Patterns(Client);

impl Chore for Patterns {
    type Key = Arc<Matching>;

    // Each looks at all keys.
    const AT_ONCE: usize = 1;

    fn client(&self) -> Client {
        self.0
    }

    fn queue(&self) -> &Queue<Arc<Matching>> {
        self.0.pending_patterns()
    }

    async fn attempt(&self, what: Option<&Arc<Matching>>) -> Result<(), Error> {
        match what {
            Some(matching) => scan::run(self.0, &**matching).await.map(drop),
            None => scan::run(self.0, &Matching::all(&self.0.settings().namespace)).await.map(drop),
        }
    }

    fn detach(&self, what: Option<&Arc<Matching>>) {
        match what {
            Some(matching) => detach(self.0, matching),
            None => detach(self.0, &Matching::all(&self.0.settings().namespace)),
        }
    }
}

/// As an invalidation of one key does: detaches loads of this process at once, and again when the servers are done, since a
/// load that began in between may have read what was there before. Loads of other processes are stopped by what is gone.
fn matching(client: Client, pattern: &str) -> Acting {
    let matching = Arc::new(Matching::new(&client.settings().namespace, pattern));
    detach(client, &matching);
    let mut queued = Queued { client, matching, armed: true };
    let (tell, told) = oneshot::channel::<Result<(), Error>>();
    client.spawn(async move {
        let result = scan::run(client, &*queued.matching).await.map(drop);
        queued.armed = result.is_err();
        if result.is_ok() {
            detach(client, &queued.matching);
        }
        // Before the caller hears of the failure: from then on it waits in the queue, and what matches is a miss here.
        drop(queued);
        // The caller may be gone.
        let _ = tell.send(result);
    });
    Acting::told(told)
}
