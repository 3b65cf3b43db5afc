//! What happens in caches, told as it happens: per cache with [`Builder::listener`](crate::Builder::listener), for the
//! whole process with [`subscribe`] or [`stream`]. Must never tell a value, or a key that stands nowhere else.
//!
//! ```
//! use cached_runtime::{Cache, events::{self, What}};
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
//!
//! let evicted = Arc::new(AtomicU32::new(0));
//! let cache = Cache::builder().capacity(1).listener({
//!     let evicted = Arc::clone(&evicted);
//!     move |event| if let What::Evicted { .. } = event.what() { evicted.fetch_add(1, Ordering::Relaxed); }
//! }).build();
//! cache.set(1, "one");
//! cache.set(2, "two");
//! assert_eq!(evicted.load(Ordering::Relaxed), 1);
//! ```
//!
//! # When, and on which thread
//!
//! A listener is called on the thread of the call that caused the event, after the locks are released and before the call
//! returns: keep it short, or use a [`stream`]. What the sweeper expires is told on its thread, what happens on the way to
//! Redis without the caller on a few threads of the crate's (where thousands of events wait for them, more are dropped).
//! What happens inside of a key's or value's own code (`Clone`, `Eq`), under a lock, is told with the thread's next event.
//! What a listener itself causes is not told. A panic in a listener ends there.
//!
//! # What it costs
//!
//! Without anybody who listens, and outside of all [scopes](crate::scope), a hit pays one relaxed load of one number.
//! With somebody, each hit pays for the call of the listener; the [`Stats`](crate::Stats) are cheaper where counts are
//! all that is wanted.

use crate::error::Error;
use crate::hooks::{self, Note, Watching};
use parking_lot::{Condvar, Mutex};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What happened in a cache.
#[derive(Clone)]
pub struct Event<'a>(pub(crate) Cow<'a, Note>);

impl Event<'_> {
    /// The name of the cache.
    pub fn cache(&self) -> &str {
        &self.0.source.name
    }

    /// Where its entries live: as [`CacheInfo::backend`](crate::CacheInfo::backend).
    pub fn backend(&self) -> &'static str {
        self.0.source.backend
    }

    /// A hash of the key, by which its events can be told from another key's. In memory its seed is the cache's own, so it
    /// means nothing elsewhere. `None` where the event is about no one key, for loads, and in memory also for refreshes,
    /// values served stale, and entries that were evicted, expired or fenced.
    pub fn key_hash(&self) -> Option<u64> {
        self.0.hash
    }

    /// The name of the entry, for caches in Redis, where the event has a key: `cached:shop::product:v0:{product:7}`.
    pub fn key_text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// What happened.
    pub fn what(&self) -> &What {
        &self.0.what
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("cache", &self.cache())
            .field("backend", &self.backend())
            .field("key_hash", &self.key_hash())
            .field("what", self.what())
            .finish()
    }
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A call was answered from the cache.
    Hit,
    /// A call was not: it runs the function, or waits for a call that does.
    Miss,
    /// A load is over.
    #[non_exhaustive]
    Load {
        /// How long it ran.
        took: Option<Duration>,
        /// How it ended.
        ended: LoadEnd,
    },
    /// A value was stored, by a load or by `set`.
    Inserted,
    /// An entry went to make room.
    #[non_exhaustive]
    Evicted {
        /// For what.
        cause: EvictionCause,
    },
    /// An entry outlived its time.
    Expired,
    /// An entry was forgotten, or all of them.
    #[non_exhaustive]
    Invalidated {
        /// By what.
        cause: InvalidationCause,
    },
    /// A call got a value past its time, within its stale window: besides the hit, or in the place of a load that failed or
    /// takes long.
    StaleServed,
    /// A refresh of an entry begins while its old value is served.
    RefreshBegun,
    /// A refresh is over.
    #[non_exhaustive]
    RefreshEnded {
        /// How it ended.
        ended: LoadEnd,
    },
    /// An operation on a server failed.
    #[non_exhaustive]
    StoreError {
        /// Why.
        error: Error,
    },
    /// A load's value was not stored, since an invalidation or something newer came first.
    Fenced,
}

impl What {
    /// The kind in a word, as it stands in logs: `hit`, `evicted`, ...
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Load { .. } => "load",
            Self::Inserted => "inserted",
            Self::Evicted { .. } => "evicted",
            Self::Expired => "expired",
            Self::Invalidated { .. } => "invalidated",
            Self::StaleServed => "stale_served",
            Self::RefreshBegun => "refresh_begun",
            Self::RefreshEnded { .. } => "refresh_ended",
            Self::StoreError { .. } => "store_error",
            Self::Fenced => "fenced",
        }
    }
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadEnd {
    /// With a value, or with a failure that the cache keeps.
    Ok,
    /// With a failure.
    Error,
    /// In a panic.
    Panicked,
    /// Its future was dropped.
    Dropped,
}

impl LoadEnd {
    /// In a word, as it stands in logs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
        }
    }
}

/// What an entry made room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionCause {
    /// There were as many entries as the capacity.
    Capacity,
    /// They weighed too much.
    Weight,
}

/// What forgot an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidationCause {
    /// `invalidate` of its key, whether or not there was an entry; in Redis told when the call begins.
    Key,
    /// `clear` of its cache, or `clear_all`: told once, for all entries.
    Clear,
    /// A tag: told once for the whole application, as of a cache named `*`.
    Tag,
    /// A predicate over all entries of a cache: told once.
    Where,
}

/// Has `listener` called with every event of every cache in the process, until what it gives is dropped.
///
/// ```
/// use cached_runtime::{Cache, events::{self, What}};
/// use std::sync::{Arc, Mutex};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let subscription = events::subscribe({
///     let seen = Arc::clone(&seen);
///     move |event| seen.lock().unwrap().push((event.cache().to_owned(), event.what().name()))
/// });
/// let cache = Cache::builder().name("watched").build();
/// cache.get_or_load(1, || "one");
/// drop(subscription);
/// cache.get(&1);
/// let seen: Vec<_> = seen.lock().unwrap().iter().filter(|(name, _)| name == "watched").map(|(_, what)| *what).collect();
/// assert_eq!(seen, ["miss", "load", "inserted"]);
/// ```
pub fn subscribe(listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Subscription {
    let id = hooks::subscribe(Arc::new(listener));
    Subscription { id, _watching: Watching::begin() }
}

/// Somebody listens, until this is dropped. A call of the listener that is under way then may still end a moment later.
#[must_use = "it unsubscribes when it is dropped"]
#[derive(Debug)]
pub struct Subscription {
    id: u64,
    _watching: Watching,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        hooks::unsubscribe(self.id);
    }
}

/// All events of the process, kept until they are taken: at most `capacity` of them. What comes while it is full is
/// dropped and counted.
///
/// ```
/// use cached_runtime::{Cache, events};
///
/// let stream = events::stream(100);
/// let cache = Cache::builder().name("streamed").build();
/// cache.get_or_load(1, || "one");
/// let kinds: Vec<_> =
///     std::iter::from_fn(|| stream.try_recv()).filter(|e| e.cache() == "streamed").map(|e| e.what().name()).collect();
/// assert_eq!(kinds, ["miss", "load", "inserted"]);
/// assert_eq!(stream.dropped(), 0);
/// ```
pub fn stream(capacity: usize) -> Stream {
    let queue = Arc::new(Queue { capacity, state: Mutex::default(), more: Condvar::new() });
    let subscription = subscribe({
        let queue = Arc::clone(&queue);
        move |event| queue.push(event)
    });
    Stream { queue, _subscription: subscription }
}

/// See [`stream`]. Its iterator blocks until the next event; it never ends.
#[derive(Debug)]
pub struct Stream {
    queue: Arc<Queue>,
    _subscription: Subscription,
}

struct Queue {
    capacity: usize,
    state: Mutex<(VecDeque<Event<'static>>, u64)>,
    more: Condvar,
}

impl Queue {
    fn push(&self, event: &Event<'_>) {
        let mut state = self.state.lock();
        if state.0.len() < self.capacity {
            state.0.push_back(event.clone().into_owned());
            drop(state);
            self.more.notify_one();
        } else {
            state.1 += 1;
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl Stream {
    /// The next event, if there is one already.
    pub fn try_recv(&self) -> Option<Event<'static>> {
        self.queue.state.lock().0.pop_front()
    }

    /// The next event, waiting for it up to `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Event<'static>> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.queue.state.lock();
        loop {
            if let Some(event) = state.0.pop_front() {
                return Some(event);
            }
            match deadline {
                Some(deadline) if self.queue.more.wait_until(&mut state, deadline).timed_out() => {
                    return state.0.pop_front();
                }
                Some(_) => {}
                None => self.queue.more.wait(&mut state),
            }
        }
    }

    /// How many events came while it was full.
    pub fn dropped(&self) -> u64 {
        self.queue.state.lock().1
    }
}

impl Iterator for Stream {
    type Item = Event<'static>;

    fn next(&mut self) -> Option<Event<'static>> {
        self.recv_timeout(Duration::MAX)
    }
}
