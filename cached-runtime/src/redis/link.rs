//! A configured server: its connections, its breakers, and the way of one operation through them. Must never keep a caller
//! past the time it was given.

mod gates;
mod lanes;

use crate::error::{Error, ErrorKind, Refusal};
use crate::redis::breaker::Breaker;
use crate::redis::budget::{Budget, Charge};
use crate::redis::client::Kind;
use crate::redis::clock::Clock;
#[cfg(feature = "redis-cluster")]
use crate::redis::cluster::Nodes;
use crate::redis::config::Settings;
use crate::redis::connect::Ties;
use crate::redis::driver::{self, Driver};
use crate::redis::failure::{self, Failure};
use crate::redis::near::{Met, Plan};
use crate::redis::place::Place;
use crate::redis::servers::Target;
use crate::redis::watch::{Watch, Watches};
use crate::redis::wire::{self, Answers, Wire};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use redis::{Arg, Pipeline, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// Writes of more bytes than this go over a connection of their own, so that small ones don't queue behind them, and are
/// prepared beside the driver.
pub(crate) const BULKY: usize = 256 * 1024;

/// An answer without the driver is waited for this part of a read's deadline.
const PATIENCE: u32 = 4;

type Made = Option<Result<Arc<Wire>, Error>>;

/// One of the connections to the server.
enum Lane {
    Empty,
    Connecting(watch::Receiver<Made>),
    Ready(Arc<Wire>),
}

/// A breaker, and what opened it.
struct Gate {
    /// The breaker is closed and has nothing to forget: what is true nearly always, and is asked twice for each operation.
    /// Whoever reads it too late goes on for one operation more, or leaves one failure more in the row.
    calm: AtomicBool,
    state: Mutex<GateState>,
}

struct GateState {
    breaker: Breaker,
    why: Option<Error>,
}

/// What is logged now and then only, however often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Refused(Refusal),
    AnotherServer,
    NoWalk,
}

pub(crate) struct Link {
    name: &'static str,
    pub(crate) settings: Arc<Settings>,
    target: Arc<Target>,
    driver: Driver,
    ties: Ties,
    /// The usual one, and the one for large writes.
    lanes: [RwLock<Lane>; 2],
    gate: Gate,
    /// Of a cluster: its nodes, which have connections and breakers of their own.
    #[cfg(feature = "redis-cluster")]
    nodes: Option<Arc<Nodes>>,
    permits: Semaphore,
    /// Reads under way without the driver. A count of their own: nobody ever waits for a place among them, and a semaphore
    /// takes a lock for each that ends.
    near: AtomicUsize,
    connected_once: AtomicBool,
    /// When each of these was logged last.
    said: Mutex<Vec<(Topic, Instant)>>,
    turned_away: Mutex<Option<Instant>>,
    met: Arc<Met>,
    pub(crate) counts: Counts,
}

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) opened: AtomicU64,
}

impl Link {
    pub(crate) fn new(name: &'static str, target: Arc<Target>, settings: Arc<Settings>) -> Result<Arc<Self>, Error> {
        #[cfg(feature = "redis-cluster")]
        let nodes = match &*target {
            Target::Cluster { nodes } => Some(Arc::new(Nodes::new(name, nodes, &settings)?)),
            _ => None,
        };
        Ok(Arc::new(Self {
            name,
            target,
            driver: driver::driver()?,
            ties: Ties {
                settings: Arc::clone(&settings),
                watches: Arc::new(Watches::default()),
                clock: Arc::new(Clock::new()),
            },
            lanes: [RwLock::new(Lane::Empty), RwLock::new(Lane::Empty)],
            gate: Gate {
                calm: AtomicBool::new(true),
                state: Mutex::new(GateState { breaker: Breaker::new(settings.breaker), why: None }),
            },
            #[cfg(feature = "redis-cluster")]
            nodes,
            permits: Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS)),
            near: AtomicUsize::new(0),
            connected_once: AtomicBool::new(false),
            said: Mutex::new(Vec::new()),
            turned_away: Mutex::new(None),
            met: Arc::default(),
            counts: Counts::default(),
            settings,
        }))
    }

    /// The same, with nothing connected and nothing remembered.
    pub(crate) fn anew(&self) -> Result<Arc<Self>, Error> {
        Self::new(self.name, Arc::clone(&self.target), Arc::clone(&self.settings))
    }

    /// False in a forked child, and after a death of the driver.
    pub(crate) fn is_alive(&self) -> bool {
        self.driver.is_alive()
    }

    /// It was made before a fork.
    pub(crate) fn is_of_another_process(&self) -> bool {
        self.driver.is_of_another_process()
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The clock of the server that has this key; in a cluster, while that is not known, of the first node that told it.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(unused_variables, reason = "without a cluster there is one clock")
    )]
    pub(crate) fn server_now(&self, key: &[u8]) -> Option<Duration> {
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            let its_own = nodes.of_key(key).and_then(|node| node.link.ties.clock.now());
            return its_own.or_else(|| nodes.in_use().iter().find_map(|node| node.link.ties.clock.now()));
        }
        self.ties.clock.now()
    }

    pub(crate) fn watch(&self, key: &[u8]) -> Option<Watch> {
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            return nodes.of_key(key)?.link.watch_alone(key);
        }
        self.watch_alone(key)
    }

    fn watch_alone(&self, key: &[u8]) -> Option<Watch> {
        match &*self.lanes[0].read() {
            Lane::Ready(wire) if wire.tracks => Some(self.ties.watches.watch(key)),
            _ => None,
        }
    }

    /// What happened so far, at all nodes together.
    pub(crate) fn counted(&self) -> [u64; 3] {
        let of = |counts: &Counts| {
            [&counts.connections, &counts.timeouts, &counts.opened].map(|count| count.load(Ordering::Relaxed))
        };
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            let sum = |sum: [u64; 3], next: [u64; 3]| std::array::from_fn(|at| sum[at] + next[at]);
            return nodes.all().iter().map(|node| of(&node.link.counts)).fold([0; 3], sum);
        }
        of(&self.counts)
    }

    /// A slot of each master of a cluster; none where there is no cluster.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(clippy::unused_async, reason = "as with the feature, where they are asked for")
    )]
    pub(crate) async fn masters(&self) -> Result<Vec<Option<u16>>, Error> {
        #[cfg(feature = "redis-cluster")]
        if let Some(nodes) = &self.nodes {
            let end = Instant::now() + self.settings.connect_deadline;
            return Ok(nodes.masters(end).await?.into_iter().map(Some).collect());
        }
        Ok(vec![None])
    }

    /// One operation, from its first look at the breaker to its answers: in a cluster at the master that has the slot
    /// `place`, or, if none is said, at those that have the commands' keys.
    pub(crate) async fn operate(
        self: Arc<Self>,
        place: Option<u16>,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> Result<Answers, Error> {
        if work.is_empty() {
            return Ok(Answers::new());
        }
        let (_charge, start, left) = self.enter(budget)?;
        let done =
            if left.is_zero() { Err(self.used_up(budget)) } else { self.go(place, &work, kind, start + left).await };
        Self::settle(&done, budget);
        done
    }

    /// What stands at these keys; not for a cluster.
    pub(crate) async fn look(self: Arc<Self>, keys: &[&[u8]], budget: &Budget) -> Result<Vec<Option<Bytes>>, Error> {
        let (_charge, start, left) = self.enter(budget)?;
        if let Some(values) = self.near(keys, left, start).await {
            // The server is well; of the driver's own connection it says nothing.
            self.answered();
            if self.ties.clock.is_due(start) {
                self.ask_the_time();
            }
            return Ok(values);
        }
        let mut work = Pipeline::with_capacity(1);
        work.cmd("MGET");
        for key in keys {
            work.arg(key);
        }
        let done = if left.is_zero() {
            Err(self.used_up(budget))
        } else {
            // What is large and rare is not part of every call's future.
            Box::pin(self.within_time(&work, Kind::Read, start + left)).await
        };
        Self::settle(&done, budget);
        match done?.into_iter().next() {
            Some(Ok(Value::Array(values))) => Ok(values.into_iter().map(wire::bytes).collect()),
            Some(Ok(one)) => Ok(vec![wire::bytes(one)]),
            Some(Err(error)) => Err(error),
            None => Err(self.gone()),
        }
    }

    /// Past the breaker (a cluster's nodes have one each); gives what charges the budget, now, and what is left.
    fn enter(self: &Arc<Self>, budget: &Budget) -> Result<(Charge, Instant, Duration), Error> {
        if !self.settings.cluster {
            self.pass()?;
        }
        if !self.connected_once.load(Ordering::Relaxed) {
            budget.at_least(self.settings.connect_deadline);
        }
        let left = budget.left()?;
        let start = Instant::now();
        Ok((budget.charge(start), start, left))
    }

    /// The values, if they can be had without the driver.
    async fn near(&self, keys: &[&[u8]], left: Duration, start: Instant) -> Option<Vec<Option<Bytes>>> {
        let Target::Single(info) = &*self.target else { return None };
        let patience = self.settings.read_deadline / PATIENCE;
        // What is left must do for the driver, too.
        if left <= patience * 2 {
            return None;
        }
        let wire = match &*self.lanes[0].read() {
            Lane::Ready(wire) if !wire.is_closed() => Arc::clone(wire),
            _ => return None,
        };
        let _place = Place::among(&self.near, self.settings.max_in_flight)?;
        let (connecting, most) = (self.settings.connect_deadline, self.settings.near_connections);
        let plan = Plan { keys, info, driver: &self.driver, start, patience, connecting, most, met: &self.met };
        wire.near.ask(&plan).await
    }

    /// Once something was late, the rest of the call asks no more.
    fn settle(done: &Result<Answers, Error>, budget: &Budget) {
        let late = |error: &&Error| error.kind() == ErrorKind::TimedOut;
        let ended = match done {
            Err(error) => Some(error).filter(late),
            // In a cluster one node of several may be late.
            Ok(answers) => answers.iter().filter_map(|one| one.as_ref().err()).find(late),
        };
        if let Some(error) = ended {
            budget.end(error);
        }
    }

    #[cfg(not(feature = "redis-cluster"))]
    async fn go(self: &Arc<Self>, _: Option<u16>, work: &Pipeline, kind: Kind, end: Instant) -> Result<Answers, Error> {
        self.within_time(work, kind, end).await
    }

    #[cfg(feature = "redis-cluster")]
    async fn go(
        self: &Arc<Self>,
        place: Option<u16>,
        work: &Pipeline,
        kind: Kind,
        end: Instant,
    ) -> Result<Answers, Error> {
        let Some(nodes) = &self.nodes else { return self.within_time(work, kind, end).await };
        let done = nodes.attempt(place, work, kind, end).await;
        if done.is_ok() && !self.connected_once.load(Ordering::Relaxed) {
            self.connected_once.store(true, Ordering::Relaxed);
        }
        done
    }

    /// One operation at one node of a cluster, until `end`.
    #[cfg(feature = "redis-cluster")]
    pub(crate) async fn attempt(self: &Arc<Self>, work: &Pipeline, kind: Kind, end: Instant) -> Result<Answers, Error> {
        self.pass()?;
        self.within_time(work, kind, end).await
    }

    async fn within_time(self: &Arc<Self>, work: &Pipeline, kind: Kind, end: Instant) -> Result<Answers, Error> {
        let address = &self.settings.address;
        let _permit = self.permit(end).await?;
        let lane = Self::lane_for(work, kind);
        let mut again = kind == Kind::Read;
        let begun = Instant::now();
        if self.ties.clock.is_due(begun) {
            self.ask_the_time();
        }
        loop {
            let wire = self.wire(lane, end).await?;
            let start = Instant::now();
            let limit = (start + self.deadline(kind)).min(end);
            match self.driver.within(limit, wire.send(work, address)).await {
                Ok(Ok(answers)) => {
                    self.worked(&wire);
                    self.look_at(lane, &wire, &answers);
                    return Ok(answers);
                }
                Ok(Err(Failure::Lost(what))) => {
                    self.drop_wire(lane, &wire);
                    if !std::mem::take(&mut again) {
                        let error = failure::lost(address, &what);
                        self.failed(&error);
                        return Err(error);
                    }
                }
                Ok(Err(Failure::Refused(error))) => {
                    self.worked(&wire);
                    self.refused(lane, &wire, &error);
                    return Err(error);
                }
                Ok(Err(Failure::Other(error))) => return Err(error),
                Err(driver::Late) => {
                    let given = limit.saturating_duration_since(start);
                    let error = failure::late(address, kind.name(), given);
                    // What had but the rest of a call's time says more of the call than of the server.
                    if given >= self.deadline(kind).min(self.settings.budget) / 2 {
                        self.timed_out(lane, &wire, &error);
                    } else {
                        self.counts.timeouts.fetch_add(1, Ordering::Relaxed);
                    }
                    return Err(error);
                }
            }
        }
    }

    fn deadline(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Read => self.settings.read_deadline,
            Kind::Write | Kind::Invalidate => self.settings.write_deadline,
        }
    }

    fn used_up(&self, budget: &Budget) -> Error {
        let total = budget.total().as_millis();
        let address = &self.settings.address;
        Error::new(ErrorKind::TimedOut, format!("the {total} ms that one call may spend on {address} are used up"))
    }

    async fn permit(&self, end: Instant) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        match self.driver.within(end, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::new(
                ErrorKind::Overloaded,
                format!("{} operations are under way at {}", self.settings.max_in_flight, self.settings.address),
            )),
        }
    }

    fn lane_for(work: &Pipeline, kind: Kind) -> usize {
        if kind == Kind::Read {
            return 0;
        }
        let sizes = work.cmd_iter().flat_map(redis::Cmd::args_iter).map(|arg| match arg {
            Arg::Simple(bytes) => bytes.len(),
            _ => 0,
        });
        usize::from(sizes.sum::<usize>() > BULKY)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.settings.address).finish_non_exhaustive()
    }
}
