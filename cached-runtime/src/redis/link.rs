//! A configured server: its connections, its breakers, and the way of one operation through them. Must never keep a caller
//! past the time it was given.

mod gates;
mod lanes;

use crate::error::{Error, ErrorKind, Refusal};
use crate::redis::breaker::Breaker;
use crate::redis::budget::{Budget, Charge};
use crate::redis::client::Kind;
use crate::redis::clock::Clock;
use crate::redis::config::Settings;
use crate::redis::connect::Ties;
use crate::redis::driver::{self, Driver};
use crate::redis::failure::{self, Failure};
use crate::redis::near::{Met, Plan};
use crate::redis::servers::Target;
use crate::redis::slots;
use crate::redis::watch::{Watch, Watches};
use crate::redis::wire::{Answers, Wire};
use parking_lot::{Mutex, RwLock};
use redis::{Arg, Cmd, Pipeline, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// Writes of more than this go over a connection of their own, so that small ones don't queue behind them.
const BULKY: usize = 256 * 1024;

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

pub(crate) struct Link {
    name: &'static str,
    pub(crate) settings: Arc<Settings>,
    target: Arc<Target>,
    driver: Driver,
    ties: Ties,
    /// The usual one, and the one for large writes.
    lanes: [RwLock<Lane>; 2],
    /// One; for a cluster one for each part of the slots, since a dead node must not close the others.
    gates: Box<[Gate]>,
    permits: Semaphore,
    connected_once: AtomicBool,
    /// When each sort of refusal was logged last.
    said: Mutex<Vec<(Refusal, Instant)>>,
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
        let gate = || Gate {
            calm: AtomicBool::new(true),
            state: Mutex::new(GateState { breaker: Breaker::new(settings.breaker), why: None }),
        };
        let gates = if settings.cluster { slots::PARTS } else { 1 };
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
            gates: (0..gates).map(|_| gate()).collect(),
            permits: Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS)),
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

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn server_now(&self) -> Option<Duration> {
        self.ties.clock.now()
    }

    pub(crate) fn watch(&self, key: &[u8]) -> Option<Watch> {
        match &*self.lanes[0].read() {
            Lane::Ready(wire) if wire.tracks => Some(self.ties.watches.watch(key)),
            _ => None,
        }
    }

    /// One operation, from its first look at the breaker to its answers.
    pub(crate) async fn operate(
        self: Arc<Self>,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> Result<Answers, Error> {
        self.operate_at(None, work, kind, budget).await
    }

    /// The same, at the master of a cluster that has this slot.
    pub(crate) async fn operate_at(
        self: Arc<Self>,
        node: Option<u16>,
        work: Pipeline,
        kind: Kind,
        budget: &Budget,
    ) -> Result<Answers, Error> {
        if work.is_empty() {
            return Ok(Answers::new());
        }
        let gate = match node {
            Some(slot) if self.gates.len() > 1 => slots::part_of_slot(slot.into()),
            _ => self.gate_of(&work),
        };
        let (_charge, start, left) = self.enter(gate, budget)?;
        self.through_driver((node, &work), kind, gate, (start, left), budget).await
    }

    /// One command that changes nothing, and for which any connection will do; not for a cluster.
    pub(crate) async fn look(self: Arc<Self>, command: Cmd, budget: &Budget) -> Result<Value, Error> {
        let (_charge, start, left) = self.enter(0, budget)?;
        if let Some(values) = self.near(&command, left, start).await {
            // The server is well; of the driver's own connection it says nothing.
            self.answered(0);
            if self.ties.clock.is_due(start) {
                self.ask_the_time();
            }
            return Ok(Value::Array(values));
        }
        let mut work = Pipeline::with_capacity(1);
        work.add_command(command);
        let answers = self.through_driver((None, &work), Kind::Read, 0, (start, left), budget).await?;
        answers.into_iter().next().unwrap_or_else(|| Err(self.gone()))
    }

    /// Past the breaker; gives what charges the budget, now, and what is left.
    fn enter(self: &Arc<Self>, gate: usize, budget: &Budget) -> Result<(Charge, Instant, Duration), Error> {
        self.pass(gate)?;
        if !self.connected_once.load(Ordering::Relaxed) {
            budget.at_least(self.settings.connect_deadline);
        }
        let left = budget.left()?;
        let start = Instant::now();
        Ok((budget.charge(start), start, left))
    }

    /// The values, if they can be had without the driver.
    async fn near(&self, command: &Cmd, left: Duration, start: Instant) -> Option<Vec<Value>> {
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
        let _permit = self.permits.try_acquire().ok()?;
        let (connecting, most) = (self.settings.connect_deadline, self.settings.near_connections);
        let plan = Plan { command, info, driver: &self.driver, start, patience, connecting, most, met: &self.met };
        wire.near.ask(&plan).await
    }

    async fn through_driver(
        self: &Arc<Self>,
        work: (Option<u16>, &Pipeline),
        kind: Kind,
        gate: usize,
        (start, left): (Instant, Duration),
        budget: &Budget,
    ) -> Result<Answers, Error> {
        let done = if left.is_zero() {
            Err(self.used_up(budget))
        } else {
            self.within_time(work, kind, gate, start + left).await
        };
        if let Err(error) = &done
            && error.kind() == ErrorKind::TimedOut
        {
            budget.end(error);
        }
        if self.ties.clock.is_due(start) {
            self.ask_the_time();
        }
        done
    }

    async fn within_time(
        self: &Arc<Self>,
        (node, work): (Option<u16>, &Pipeline),
        kind: Kind,
        gate: usize,
        end: Instant,
    ) -> Result<Answers, Error> {
        let address = &self.settings.address;
        let _permit = self.permit(end).await?;
        let lane = self.lane_for(work, kind);
        let mut again = kind == Kind::Read;
        loop {
            let wire = self.wire(lane, end).await?;
            let start = Instant::now();
            let limit = (start + self.deadline(kind)).min(end);
            match self.driver.within(limit, wire.send_to(node, work, address)).await {
                Ok(Ok(answers)) => {
                    self.worked(gate, &wire);
                    self.look_at(lane, &wire, &answers);
                    return Ok(answers);
                }
                Ok(Err(Failure::Lost(what))) => {
                    self.lost(lane, &wire);
                    if !std::mem::take(&mut again) {
                        let error = failure::lost(address, &what);
                        self.failed(gate, &error);
                        return Err(error);
                    }
                }
                Ok(Err(Failure::Refused(error))) => {
                    self.worked(gate, &wire);
                    self.refused(lane, &wire, &error);
                    return Err(error);
                }
                Ok(Err(Failure::Other(error))) => return Err(error),
                Err(driver::Late) => {
                    let error = failure::late(address, kind.name(), limit.saturating_duration_since(start));
                    self.timed_out(lane, &wire, gate, &error);
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

    fn lane_for(&self, work: &Pipeline, kind: Kind) -> usize {
        // A cluster has connections of its own for each node.
        if kind == Kind::Read || self.settings.cluster {
            return 0;
        }
        let sizes = work.cmd_iter().flat_map(redis::Cmd::args_iter).map(|arg| match arg {
            Arg::Simple(bytes) => bytes.len(),
            _ => 0,
        });
        usize::from(sizes.sum::<usize>() > BULKY)
    }

    fn gate_of(&self, work: &Pipeline) -> usize {
        if self.gates.len() == 1 { 0 } else { slots::part(work) }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.settings.address).finish_non_exhaustive()
    }
}
