//! Invalidations that failed, tried again for as long as the process lives. Must never grow without a bound, and must
//! never give up: until one succeeds, other processes may serve the old value.
//!
//! - A key is in it once, however often it was invalidated: the newest request counts, and one attempt that began after
//!   it is enough. (An attempt removes the request that it read, by number; a newer one stays.)
//! - A `set` that failed is in it as an invalidation: the value is gone with its caller, and the old one must not stay.
//! - Too many keys become a clear of the whole function.
//! - A key that is in it is a miss in this process: what stands in Redis is known to be outdated.
//!
//! A late attempt can only remove more than it should, never bring something back.

use super::flights::Flights;
use super::keys::Name;
use super::remote::Remote;
use crate::outcome::CacheValue;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// More keys than this become a clear.
const MOST: usize = 1024;
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The invalidations of one cache that failed, or those of tags (`K` is then the name of a nonce).
pub(crate) struct Queue<K = Name> {
    waiting: Mutex<Waiting<K>>,
    /// As many as wait, so that a hit takes no lock.
    count: AtomicU64,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        let waiting = Waiting { keys: HashMap::new(), clear: None, requests: 0, attended: false };
        Self { waiting: Mutex::new(waiting), count: AtomicU64::new(0) }
    }
}

struct Waiting<K> {
    keys: HashMap<K, u64>,
    /// The request for a clear.
    clear: Option<u64>,
    requests: u64,
    /// Whether somebody works on it.
    attended: bool,
}

impl<K> Waiting<K> {
    fn len(&self) -> u64 {
        u64::try_from(self.keys.len()).unwrap_or(u64::MAX) + u64::from(self.clear.is_some())
    }
}

impl<K: Eq + Hash + Clone> Queue<K> {
    /// How many wait.
    pub(crate) fn len(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Whether what stands at this key in Redis is known to be outdated.
    pub(crate) fn is_pending(&self, name: &K) -> bool {
        if self.len() == 0 {
            return false;
        }
        let waiting = self.waiting.lock();
        waiting.clear.is_some() || waiting.keys.contains_key(name)
    }

    /// One key, or `None` for all. Whether the caller is to see to it that somebody works on it.
    pub(crate) fn add(&self, name: Option<K>) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.requests += 1;
        let request = waiting.requests;
        match name {
            Some(name) if waiting.keys.len() < MOST || waiting.keys.contains_key(&name) => {
                waiting.keys.insert(name, request);
            }
            _ => waiting.clear = Some(request),
        }
        self.changed(&waiting);
        !std::mem::replace(&mut waiting.attended, true)
    }

    fn changed(&self, waiting: &Waiting<K>) {
        self.count.store(waiting.len(), Ordering::Release);
    }

    /// The next to try: a clear first, which settles the keys as well.
    pub(crate) fn next(&self) -> Option<(Option<K>, u64)> {
        let mut waiting = self.waiting.lock();
        if let Some(request) = waiting.clear {
            return Some((None, request));
        }
        if let Some((name, request)) = waiting.keys.iter().next() {
            return Some((Some(name.clone()), *request));
        }
        waiting.attended = false;
        None
    }

    /// An attempt that began when `request` was the newest for this key has succeeded.
    pub(crate) fn done(&self, name: Option<&K>, request: u64) {
        let mut waiting = self.waiting.lock();
        if let Some(name) = name {
            if waiting.keys.get(name) == Some(&request) {
                waiting.keys.remove(name);
            }
        } else {
            if waiting.clear == Some(request) {
                waiting.clear = None;
            }
            // The dead generation takes along what was invalidated before the clear.
            waiting.keys.retain(|_, of_key| *of_key > request);
        }
        self.changed(&waiting);
    }
}

/// Queues an invalidation that failed: of one key, or of all.
pub(crate) fn retry<V: CacheValue>(
    queue: &Arc<Queue>,
    remote: &Arc<Remote>,
    flights: &Arc<Flights<V>>,
    name: Option<Name>,
) {
    if queue.add(name) {
        let (queue, remote, flights) = (Arc::clone(queue), Arc::clone(remote), Arc::downgrade(flights));
        let client = remote.client;
        client.spawn(work(queue, remote, flights));
    }
}

/// Tries until nothing is left.
async fn work<V: CacheValue>(queue: Arc<Queue>, remote: Arc<Remote>, flights: Weak<Flights<V>>) {
    let mut pause = FIRST_PAUSE;
    // Looked for after the pause, too: a request that comes just before the end finds nobody to attend to it otherwise.
    while let Some((name, request)) = queue.next() {
        let budget = remote.client.budget();
        let tried = match &name {
            Some(name) => remote.unlink(name, &budget).await.map(drop),
            None => remote.unlink_generation(&budget).await,
        };
        if tried.is_ok() {
            // What began meanwhile did so without a ticket; nobody shall join it from here on.
            if let Some(flights) = flights.upgrade() {
                flights.detach_any(name.as_ref());
            }
            queue.done(name.as_ref(), request);
            pause = FIRST_PAUSE;
        } else {
            remote.client.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{Form, Prefix};
    use super::*;

    fn name(key: u32) -> Name {
        Prefix::new("", "f", 0, Form::Json).name(&key).unwrap()
    }

    #[test]
    fn a_key_waits_once_and_the_newest_request_counts() {
        let queue = Queue::<Name>::default();
        assert!(queue.add(Some(name(1))));
        assert!(!queue.add(Some(name(1))));
        assert_eq!(queue.len(), 1);
        let (next, request) = queue.next().unwrap();
        queue.add(Some(name(1)));
        queue.done(next.as_ref(), request);
        assert!(queue.is_pending(&name(1)) && !queue.is_pending(&name(2)));
        let (next, request) = queue.next().unwrap();
        queue.done(next.as_ref(), request);
        assert!(queue.next().is_none() && queue.len() == 0);
        assert!(queue.add(None), "nobody attends any more");
    }

    #[test]
    fn too_many_keys_become_a_clear() {
        let queue = Queue::<Name>::default();
        for key in 0..5000 {
            queue.add(Some(name(key)));
        }
        assert_eq!(queue.len(), MOST as u64 + 1);
        assert!(queue.is_pending(&name(9_999_999)));
        let (None, request) = queue.next().unwrap() else { panic!() };
        queue.add(Some(name(7)));
        queue.done(None, request);
        assert_eq!(queue.len(), 1);
        assert!(queue.is_pending(&name(7)));
    }
}
