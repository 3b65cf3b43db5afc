//! Runs invalidations on the driver, and tries those that failed again, for as long as the process lives. Must never give up,
//! and must never let one that keeps failing hold up the others.
//!
//! All that waits is tried once, some at a time; then, if any of it failed, there is a pause, which grows while nothing
//! succeeds, and after walks is far longer than what they cost the servers. Whoever works on a queue may die with the driver,
//! or stay behind with the parent of a forked process: it is followed by another at once, or else by the next call that finds
//! its key in the queue.

use super::flights::Flights;
use super::keys::Name;
use super::queue::{Added, Queue};
use super::remote::Remote;
use super::together::all;
use super::{Client, driver, news};
use crate::acting::Acting;
use crate::error::{Error, ErrorKind};
use crate::outcome::CacheValue;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After walks over all keys there is a pause of this many times what they took, so that those that fail again and again take
/// a small share of the servers' time.
const REST: u32 = 10;
const LONGEST_REST: Duration = Duration::from_mins(10);

/// What the requests of a queue mean.
pub(crate) trait Chore: Clone + Send + Sync + 'static {
    type Key: Clone + Eq + Hash + Send + Sync;

    /// So many are tried at one time.
    const AT_ONCE: usize;

    fn client(&self) -> Client;

    fn queue(&self) -> &Queue<Self::Key>;

    /// Whether a try has the servers look at all of their keys.
    fn is_walk(&self, _what: Option<&Self::Key>) -> bool {
        false
    }

    /// One try, of one key or all.
    fn attempt(&self, what: Option<&Self::Key>) -> impl Future<Output = Result<Reach, Error>> + Send;

    /// It begins, or has succeeded: nobody shall join loads from here on that began before. (What began while it was under way
    /// did so without a ticket, or may have read what was there before.)
    fn detach(&self, what: Option<&[Self::Key]>);

    /// Counts an error.
    fn failed(&self, _: Error) {}
}

/// How much of what an attempt was for it has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    All,
    /// That of this process's caches, since nothing more can be done. It is not tried again.
    Here,
}

/// Begins an invalidation of some keys, or all, which `work` is: on the driver, whether or not the caller stays to hear of it.
/// A failure of it, of whatever kind, is queued before it is told: from then on what is meant is a miss here.
pub(crate) fn begin<C: Chore>(
    chore: C,
    what: Option<Vec<C::Key>>,
    work: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> Acting {
    chore.detach(what.as_deref());
    let client = chore.client();
    let mut queued = Queued { chore, what, armed: true };
    let (tell, told) = oneshot::channel();
    client.spawn(async move {
        let result = work.await;
        queued.armed = result.is_err();
        if result.is_ok() {
            queued.chore.detach(queued.what.as_deref());
        }
        drop(queued);
        // The caller may be gone.
        let _ = tell.send(result);
    });
    Acting::told(told)
}

/// Queues an invalidation if it is dropped before it is disarmed: it failed, or the driver died.
struct Queued<C: Chore> {
    chore: C,
    what: Option<Vec<C::Key>>,
    armed: bool,
}

impl<C: Chore> Drop for Queued<C> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        match self.what.take() {
            Some(keys) => keys.into_iter().for_each(|key| add(self.chore.clone(), Some(key))),
            None => add(self.chore.clone(), None),
        }
    }
}

/// Puts a request into the queue, and sees to it that somebody works on it.
fn add<C: Chore>(chore: C, what: Option<C::Key>) {
    match chore.queue().add(what) {
        Added::Attended => {}
        Added::Unattended => attend(chore, false),
        Added::Lost(first) => {
            let cause = "an invalidation that failed is lost: too many wait to be tried again";
            let error = Error::new(ErrorKind::Overloaded, cause);
            if let (true, Ok(driver)) = (first, driver::driver()) {
                let line = format!("Redis connection `{}`: {cause}; old values may be served", chore.client().name());
                news::tell(&driver, log::Level::Error, line);
            }
            chore.failed(error);
        }
    }
}

/// Sees to it that somebody works on what waits: for a call that found something there.
#[cold]
pub(crate) fn tend<C: Chore>(chore: C) {
    if chore.queue().is_left() {
        attend(chore, false);
    }
}

fn attend<C: Chore>(chore: C, again: bool) {
    let client = chore.client();
    client.spawn(Attending { chore, again, begun: false, ended: false }.work());
}

/// Somebody who works on a queue.
struct Attending<C: Chore> {
    chore: C,
    /// It follows one that died.
    again: bool,
    begun: bool,
    ended: bool,
}

impl<C: Chore> Drop for Attending<C> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.chore.queue().leave();
        // One that never began had no driver: the next call that finds something waiting tries again.
        if self.begun && self.chore.queue().is_left() {
            attend(self.chore.clone(), true);
        }
    }
}

impl<C: Chore> Attending<C> {
    async fn work(mut self) {
        self.begun = true;
        if self.again {
            // Whatever killed the last may be in the queue.
            self.chore.client().sleep(FIRST_PAUSE).await;
        }
        let (mut pause, mut first) = (FIRST_PAUSE, 0);
        // Looked for after the pause, too: a request that comes just before the end finds nobody to attend to it otherwise.
        while let Some(round) = self.chore.queue().round() {
            let mut tries = Tries::default();
            if let Some(request) = round.clear {
                let begun = Instant::now();
                self.settle(None, request, self.chore.attempt(None).await, &mut tries);
                tries.walked(self.chore.is_walk(None), begun);
            }
            // Where the server soon refuses all, each has its turn to be the first.
            let stopped = match self.some(first, round.newest, &mut tries).await {
                None => self.some(0, first, &mut tries).await,
                stopped => stopped,
            };
            first = stopped.unwrap_or(0);
            if let Some(error) = tries.error {
                self.chore.failed(error);
                pause = if tries.any { FIRST_PAUSE } else { pause };
                let rest = (tries.walks * REST).min(LONGEST_REST);
                self.chore.client().sleep(pause.max(rest)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = FIRST_PAUSE;
            }
        }
        self.ended = true;
    }

    /// Tries those that were requested after `after`, up to `last`, some at one time. Gives where it stopped, since the server
    /// isn't asked at all.
    async fn some(&self, mut after: u64, last: u64, tries: &mut Tries) -> Option<u64> {
        loop {
            let some = self.chore.queue().some(after, last, C::AT_ONCE);
            after = some.last()?.1;
            let begun = Instant::now();
            let trying =
                some.iter().map(async |(what, request)| (what, *request, self.chore.attempt(Some(what)).await));
            for (what, request, result) in all(trying.collect()).await {
                tries.walked(self.chore.is_walk(Some(what)), begun);
                self.settle(Some(what), request, result, tries);
            }
            if tries.in_vain && !self.chore.client().with_settings(|settings| settings.cluster) {
                return Some(after);
            }
        }
    }

    fn settle(&self, what: Option<&C::Key>, request: u64, result: Result<Reach, Error>, tries: &mut Tries) {
        match result {
            Ok(reach) => {
                self.chore.detach(what.map(std::slice::from_ref));
                self.chore.queue().done(what, request, reach);
                tries.any = true;
            }
            Err(error) => {
                tries.in_vain |= matches!(error.kind(), ErrorKind::BreakerOpen | ErrorKind::Unreachable);
                tries.error.get_or_insert(error);
            }
        }
    }
}

/// How the tries of one round went.
#[derive(Default)]
struct Tries {
    any: bool,
    /// The server isn't asked at all.
    in_vain: bool,
    /// The first.
    error: Option<Error>,
    /// How long walks took.
    walks: Duration,
}

impl Tries {
    fn walked(&mut self, is_walk: bool, since: Instant) {
        if is_walk {
            self.walks += since.elapsed();
        }
    }
}

/// The failed invalidations of one cache.
pub(crate) struct Keys<V: 'static> {
    queue: Arc<Queue>,
    remote: Arc<Remote>,
    flights: Weak<Flights<V>>,
}

impl<V> Keys<V> {
    pub(crate) fn new(queue: &Arc<Queue>, remote: &Arc<Remote>, flights: &Arc<Flights<V>>) -> Self {
        Self { queue: Arc::clone(queue), remote: Arc::clone(remote), flights: Arc::downgrade(flights) }
    }
}

impl<V> Clone for Keys<V> {
    fn clone(&self) -> Self {
        let Self { queue, remote, flights } = self;
        Self { queue: Arc::clone(queue), remote: Arc::clone(remote), flights: Weak::clone(flights) }
    }
}

impl<V: CacheValue> Chore for Keys<V> {
    type Key = Name;

    const AT_ONCE: usize = 32;

    fn client(&self) -> Client {
        self.remote.client
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }

    async fn attempt(&self, what: Option<&Name>) -> Result<Reach, Error> {
        let budget = self.remote.client.budget();
        match what {
            Some(name) => self.remote.remove(name, &budget).await.map(drop)?,
            None => self.remote.remove_generation(&budget).await?,
        }
        Ok(Reach::All)
    }

    fn detach(&self, what: Option<&[Name]>) {
        let Some(flights) = self.flights.upgrade() else { return };
        match what {
            Some(names) => names.iter().for_each(|name| flights.detach_any(Some(name))),
            None => flights.detach_any(None),
        }
    }

    fn failed(&self, error: Error) {
        self.remote.failed(error, None);
    }
}
