//! What the protocols stand on: one round trip on the driver, within the call's budget. Must never block the thread of
//! an async caller.

use crate::error::{Error, ErrorKind};
use crate::redis::budget::Budget;
use crate::redis::config::{Config, Settings};
use crate::redis::driver::{self, Driver};
use crate::redis::link::Link;
use crate::redis::queue::Queue;
use crate::redis::scan::Matching;
use crate::redis::watch::Watch;
use crate::redis::wire::Answers;
use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use redis::{Pipeline, Value};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The name of the connection that is meant when none is said.
pub(crate) const DEFAULT: &str = "default";

/// More patterns than this that are to be repeated become one that matches everything: each is compared with each key.
const PATTERNS: usize = 64;

/// All connections of the process. They are few and stay for ever, so that a client is no more than a reference.
static ALL: Mutex<Vec<&'static Named>> = Mutex::new(Vec::new());

/// A named connection. Configuration is looked up at the first use; an `install` later replaces it.
#[derive(Clone, Copy)]
pub(crate) struct Client(&'static Named);

struct Named {
    name: &'static str,
    /// Every call reads it, on all cores at once: so reading it writes nothing that they share, as a lock's count would be.
    state: ArcSwap<State>,
    /// Held by who replaces it.
    changing: Mutex<()>,
    /// The tags (their nonces' names) whose invalidation failed and is still to be repeated.
    tags: Queue<Arc<str>>,
    /// The same for patterns.
    patterns: Queue<Arc<Matching>>,
}

#[derive(Clone)]
enum State {
    /// Nobody used or installed it yet.
    Unknown,
    Linked(Arc<Link>),
    /// The configuration that was found can't be used.
    Unusable(Error, Arc<Settings>),
}

/// What an operation is for: its deadline, and what may be done when its connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes nothing: sent again, once, when its connection breaks.
    Read,
    /// Lease, fill, set.
    Write,
    /// Its failure is reported and retried.
    Invalidate,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "a read",
            Self::Write => "a write",
            Self::Invalidate => "an invalidation",
        }
    }
}

impl Client {
    /// The connection called `name`.
    pub(crate) fn named(name: &'static str) -> Self {
        let mut all = ALL.lock();
        let known = all.iter().copied().find(|known| known.name == name);
        Self(known.unwrap_or_else(|| {
            let new: &'static Named = Box::leak(Box::new(Named {
                name,
                state: ArcSwap::from_pointee(State::Unknown),
                changing: Mutex::new(()),
                tags: Queue::default(),
                patterns: Queue::up_to(PATTERNS),
            }));
            all.push(new);
            new
        }))
    }

    /// All that were named so far.
    pub(crate) fn all() -> Vec<Self> {
        ALL.lock().iter().copied().map(Self).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// The tags whose invalidation is still to be repeated.
    pub(crate) fn pending_tags(self) -> &'static Queue<Arc<str>> {
        &self.0.tags
    }

    /// The patterns whose invalidation is still to be repeated.
    pub(crate) fn pending_patterns(self) -> &'static Queue<Arc<Matching>> {
        &self.0.patterns
    }

    /// What is configured now; the defaults if nothing usable is (then [`call`](Self::call) says why).
    pub(crate) fn settings(self) -> Arc<Settings> {
        self.with_settings(Arc::clone)
    }

    /// The same for a glance, which must neither call nor wait for anything. Settings survive their link: whether that is
    /// alive is not asked, since it costs a system call.
    pub(crate) fn with_settings<R>(self, glance: impl FnOnce(&Arc<Settings>) -> R) -> R {
        match &**self.0.state.load() {
            State::Linked(link) => return glance(&link.settings),
            State::Unusable(_, settings) => return glance(settings),
            State::Unknown => {}
        }
        match self.state() {
            State::Linked(link) => glance(&link.settings),
            State::Unusable(_, settings) => glance(&settings),
            State::Unknown => glance(&Arc::default()),
        }
    }

    /// A budget of the configured size, for one call of a cached function.
    pub(crate) fn budget(self) -> Budget {
        Budget::new(self.with_settings(|settings| settings.budget))
    }

    /// One round trip: gives the commands' answers, or the first refusal if the server refused any of them.
    ///
    /// It is sent when the future is first polled. Dropping the future does not take it back.
    pub(crate) fn call(
        self,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> impl Future<Output = Result<Vec<Value>, Error>> + Send + 'static + use<> {
        let each = self.call_each(work, kind, budget);
        async move { each.await?.into_iter().collect() }
    }

    /// One round trip in which the server may answer some of the commands and refuse others.
    pub(crate) fn call_each(
        self,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> impl Future<Output = Result<Answers, Error>> + Send + 'static + use<> {
        let budget = budget.clone();
        async move { self.link()?.operate(None, work, kind, &budget).await }
    }

    /// What stands at these keys, over whatever connection; not for a cluster: see [`near`](super::near).
    pub(crate) async fn look(self, keys: &[&[u8]], budget: &Budget) -> Result<Vec<Option<Bytes>>, Error> {
        self.link()?.look(keys, budget).await
    }

    /// The same at one master of a cluster, whatever keys it is about: the one that has this slot.
    pub(crate) fn call_at(
        self,
        node: Option<u16>,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> impl Future<Output = Result<Answers, Error>> + Send + 'static + use<> {
        let budget = budget.clone();
        async move { self.link()?.operate(node, work, kind, &budget).await }
    }

    /// The masters, each by a slot that it has; one without a slot where there is no cluster.
    pub(crate) async fn masters(self) -> Result<Vec<Option<u16>>, Error> {
        self.link()?.masters().await
    }

    /// Runs `work` for a sync caller, on its own thread, inside a runtime or not.
    #[expect(clippy::unused_self, reason = "all ways to run something are the client's")]
    pub(crate) fn block_on<T>(self, work: impl Future<Output = T>) -> T {
        driver::block_on(work)
    }

    /// Runs `work` on the driver; nobody waits for it, and it survives the caller. It must not run a user's code.
    ///
    /// Without a driver (no thread could be started) it is dropped.
    pub(crate) fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(driver) = self.driver() {
            driver.spawn(work);
        }
    }

    /// Runs `work`, which takes a while and waits for nothing, on another thread of the driver's; if none is free within
    /// `patience`, here. `None` if the driver ended before it.
    pub(crate) async fn apart<T: Send + 'static>(
        self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let driver = self.driver().ok()?;
        let (tell, mut told) = oneshot::channel();
        let work = Arc::new(Mutex::new(Some(work)));
        let taken = Arc::clone(&work);
        driver.spawn_blocking(move || {
            let work = taken.lock().take();
            // Whoever waits for it may be gone.
            drop(work.map(|work| tell.send(work())));
        });
        if let Ok(done) = driver.within(Instant::now() + patience, &mut told).await {
            return done.ok();
        }
        let left = work.lock().take();
        match left {
            Some(work) => Some(work()),
            // It is at it.
            None => told.await.ok(),
        }
    }

    /// Ends after `duration`, on the driver's clock: fit for any runtime, or none.
    pub(crate) fn sleep(self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        let until = Instant::now() + duration;
        let driver = self.driver();
        async move {
            if let Ok(driver) = driver {
                let _ = driver.within(until, std::future::pending::<()>()).await;
            }
        }
    }

    /// Tells of changes of `key` from here on, if a read of it is sent as `CLIENT CACHING YES` and the read in one
    /// [`Kind::Read`] pipeline after this. None if the server won't tell (nothing connected yet, an old protocol,
    /// an ACL): poll.
    pub(crate) fn watch(self, key: &[u8]) -> Option<Watch> {
        self.link().ok()?.watch(key)
    }

    /// The clock of the server that has this key, since the epoch, as far as known.
    pub(crate) fn server_now(self, key: &[u8]) -> Option<Duration> {
        self.link().ok()?.server_now(key)
    }

    /// The configured server.
    pub(crate) fn link(self) -> Result<Arc<Link>, Error> {
        match self.state() {
            State::Linked(link) => Ok(link),
            State::Unusable(error, _) => Err(error),
            State::Unknown => Err(Error::new(ErrorKind::Config, "nothing is configured")),
        }
    }

    /// The configured server, if there is one already.
    pub(crate) fn peek(self) -> Option<Result<Arc<Link>, Error>> {
        match &**self.0.state.load() {
            State::Linked(link) => Some(Ok(Arc::clone(link))),
            State::Unusable(error, _) => Some(Err(error.clone())),
            State::Unknown => None,
        }
    }

    /// Starts over, with the same configuration and nothing connected.
    pub(crate) fn restart(self) {
        let _changing = self.0.changing.lock();
        if let State::Linked(link) = &**self.0.state.load() {
            self.0.replace(linked(link.anew(), &link.settings));
        }
    }

    fn driver(self) -> Result<Driver, Error> {
        self.link().map(|link| link.driver().clone()).or_else(|_| driver::driver())
    }

    /// Looks the configuration up if need be; never `Unknown`.
    fn state(self) -> State {
        if let Some(state) = self.0.state.load().usable() {
            return state;
        }
        let _changing = self.0.changing.lock();
        let state = self.0.state.load_full();
        if let Some(state) = state.usable() {
            return state;
        }
        let next = match &*state {
            // Forked, and the thread that drives the connections stayed behind; or it died.
            State::Linked(link) => linked(link.anew(), &link.settings),
            State::Unknown => {
                let found = Config::of_connection(self.0.name, |name| std::env::var(name).ok());
                let read = found.and_then(|config| read(self.0.name, &config));
                if let Err(error) = &read {
                    crate::redis::complain(self.0.name, error);
                }
                linked(read, &Arc::default())
            }
            State::Unusable(..) => return State::clone(&state),
        };
        self.0.replace(next.clone());
        next
    }
}

impl State {
    /// The same, if it need not be replaced.
    fn usable(&self) -> Option<Self> {
        match self {
            Self::Linked(link) if link.is_alive() => Some(self.clone()),
            Self::Unusable(..) => Some(self.clone()),
            _ => None,
        }
    }
}

impl Named {
    /// To be called by who holds `changing`. That no thread could be started changes nothing: the next call tries again.
    fn replace(&self, next: State) {
        if matches!(&next, State::Unusable(error, _) if error.kind() == ErrorKind::Unreachable) {
            return;
        }
        let before = self.state.swap(Arc::new(next));
        if matches!(&*before, State::Linked(link) if link.is_of_another_process()) {
            // Of a thread that stayed behind it may hold locks for ever, and its sockets are the other process's.
            std::mem::forget(before);
        }
    }
}

fn linked(link: Result<Arc<Link>, Error>, settings: &Arc<Settings>) -> State {
    match link {
        Ok(link) => State::Linked(link),
        Err(error) => State::Unusable(error, Arc::clone(settings)),
    }
}

fn read(name: &'static str, config: &Config) -> Result<Arc<Link>, Error> {
    let (target, settings) = config.parse()?;
    Link::new(name, Arc::new(target), Arc::new(settings))
}

/// Makes `config` that of the connection `name` from now on.
pub(crate) fn install(name: &'static str, config: &Config) -> Result<(), Error> {
    let link = read(name, config)?;
    let named = Client::named(name).0;
    let _changing = named.changing.lock();
    named.replace(State::Linked(link));
    Ok(())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.name).finish()
    }
}
