//! Invalidation by pattern, on every Redis connection that takes part. Must never report success before all servers
//! acknowledged it.

use super::scan::{self, Matching};
use super::{Client, tags};
use crate::acting::Acting;
use crate::error::Error;
use crate::registry::{self, Listed};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Begins to invalidate what matches a pattern on every connection that takes part.
pub(crate) fn invalidate_matching(pattern: &str) -> Vec<Acting> {
    tags::taking_part().into_iter().map(|client| matching(client, pattern)).collect()
}

/// The caches of this process that use a connection.
fn of(client: Client) -> impl Iterator<Item = Arc<dyn Listed>> {
    registry::all().into_iter().filter(move |cache| cache.connection() == Some(client.name()))
}

/// Clears all caches of a connection if it is dropped before it is disarmed: the driver died. As after a walk that failed:
/// what matched is forgotten with the rest, and that is tried again for as long as the process lives.
struct Instead {
    client: Client,
    armed: bool,
}

impl Drop for Instead {
    fn drop(&mut self) {
        if self.armed {
            of(self.client).for_each(|cache| drop(cache.clear_afar()));
        }
    }
}

/// As an invalidation of one key does: detaches loads of this process at once, and again when the servers are done, since a
/// load that began in between may have read what was there before. Loads of other processes are stopped by what is gone.
fn matching(client: Client, pattern: &str) -> Acting {
    let sweep = Matching::new(&client.settings().namespace, pattern);
    of(client).for_each(|cache| cache.detach_matching(&sweep));
    let mut instead = Instead { client, armed: true };
    let (tell, told) = oneshot::channel::<Result<(), Error>>();
    client.spawn(async move {
        let result = scan::run(client, &sweep).await.map(drop);
        if result.is_ok() {
            of(client).for_each(|cache| cache.detach_matching(&sweep));
        } else {
            let clears: Vec<Acting> = of(client).filter_map(|cache| cache.clear_afar()).collect();
            for clear in clears {
                // Told before the caller hears of the failure: from then on it waits in the queue, and is a miss here.
                let _ = clear.await;
            }
        }
        instead.armed = false;
        drop(instead);
        // The caller may be gone.
        let _ = tell.send(result);
    });
    Acting::told(told)
}
