//! Invalidation by pattern, on every Redis connection that takes part. Must never report success before all servers
//! acknowledged it, and must never forget one that failed.
//!
//! One that failed is walked again, for as long as the process lives, whether or not it has a function that is meant; until
//! then what matches is a miss in this process. Where walking is refused, what can be done without it is done, once: see
//! [`or_clear`].

use super::keys::Name;
use super::link::Topic;
use super::queue::Queue;
use super::retry::{self, Chore, Reach};
use super::scan::{self, Left, Matching};
use super::{Client, tags};
use crate::acting::Acting;
use crate::error::Error;
use crate::registry;
use std::sync::Arc;

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

    fn is_walk(&self, _: Option<&Arc<Matching>>) -> bool {
        true
    }

    async fn attempt(&self, what: Option<&Arc<Matching>>) -> Result<Reach, Error> {
        let swept = match what {
            Some(matching) => scan::run(self.0, &**matching).await,
            None => scan::run(self.0, &Matching::all(&self.0.settings().namespace)).await,
        };
        or_clear(self.0, swept).await
    }

    fn detach(&self, what: Option<&[Arc<Matching>]>) {
        match what {
            Some(matching) => matching.iter().for_each(|matching| detach(self.0, matching)),
            None => detach(self.0, &Matching::all(&self.0.settings().namespace)),
        }
    }
}

/// Where a server won't ever be walked over (its user may not, or it has no `SCAN`), what is meant would be a miss here for
/// as long as the process lives. All that the caches of this process can reach is removed instead.
pub(crate) async fn or_clear(client: Client, swept: Result<u64, Left>) -> Result<Reach, Error> {
    match swept {
        Ok(_) => return Ok(Reach::All),
        Err(left) if !left.refused => return Err(left.error),
        Err(_) => {}
    }
    let mut failed = Ok(());
    for cache in registry::all() {
        // Bare entries are not meant.
        if let Some(remote) = cache.remote().filter(|remote| remote.client.name() == client.name() && !remote.is_bare())
        {
            // One that fails keeps no other from being cleared.
            failed = failed.and(remote.remove_generation(&client.budget()).await);
        }
    }
    failed?;
    let line = "SCAN is refused, so the functions of this process were cleared instead of what was to be invalidated; other \
                processes may serve it up to its ttl";
    client.link()?.say_now_and_then(Topic::NoWalk, line);
    Ok(Reach::Here)
}

/// As an invalidation of one key does: detaches loads of this process at once, and again when the servers are done, since a
/// load that began in between may have read what was there before. Loads of other processes are stopped by what is gone.
fn matching(client: Client, pattern: &str) -> Acting {
    let matching = Arc::new(Matching::new(&client.settings().namespace, pattern));
    let walked = Arc::clone(&matching);
    retry::begin(
        Patterns(client),
        Some(vec![matching]),
        async move { Ok(scan::run(client, &*walked).await.map(drop)?) },
    )
}
