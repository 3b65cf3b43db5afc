//! A cluster: which node has which slots, and each operation cut into what each node has to do. Must never let a node that
//! is down cost the others' keys anything.
//!
//! Each master is a server like any other, with connections, a breaker and a watchdog of its own ([`Link`]). What is here
//! only knows where the slots are. It asks for them at the first use, and again in the background when a node said that a
//! slot has moved, or failed (a replica may have been promoted): never in the way of a call. Between the two a redirection
//! is followed: `MOVED` to the node that has the slot now, `ASK` to the one that is just taking it over, for this once.
//!
//! What goes to one node stays together and in order. A redirected command goes out alone and later; no protocol of this
//! crate depends on the order of commands about different keys, and scripts are one command.

use crate::error::{Error, ErrorKind, Refusal};
use crate::redis::client::Kind;
use crate::redis::config::Settings;
use crate::redis::failure;
use crate::redis::link::Link;
use crate::redis::servers::{Target, at, host_and_port};
use crate::redis::slots;
use crate::redis::together::all;
use crate::redis::topology::{self, Master};
use crate::redis::wire::Answers;
use parking_lot::{Mutex, RwLock};
use redis::{Cmd, ConnectionAddr, ConnectionInfo, Pipeline, ServerErrorKind, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Redirections of one command that are followed; the time is the caller's in any case.
const HOPS: usize = 4;
/// The slots are asked for at most this often because something is wrong.
const AGAIN: Duration = Duration::from_millis(250);

/// A server of the cluster.
pub(crate) struct Node {
    host: String,
    port: u16,
    pub(crate) link: Arc<Link>,
}

/// Which node has which slots.
struct Map {
    nodes: Vec<Arc<Node>>,
    /// For each range of slots its first, its last, and its node's place.
    ranges: Vec<(u16, u16, usize)>,
}

/// All that is known of the cluster.
pub(crate) struct Nodes {
    name: &'static str,
    settings: Arc<Settings>,
    /// The nodes that the configuration names: asked when no other is known.
    seeds: Vec<Arc<Node>>,
    /// What a connection to any node needs, besides its address.
    like: Option<ConnectionInfo>,
    map: RwLock<Option<Arc<Map>>>,
    /// Nodes that a redirection named, and that the map may not know yet.
    others: Mutex<Vec<Arc<Node>>>,
    /// When somebody was last sent to ask for the slots.
    asked: Mutex<Option<Instant>>,
    asking: AtomicBool,
    /// One asks at a time; the others wait for what it learns.
    learning: tokio::sync::Mutex<()>,
}

/// Some of an operation's commands, for one node.
struct Part {
    node: Arc<Node>,
    /// It only has the slot in part: each command says that it knows.
    asking: bool,
    /// Where they stand in the operation.
    places: Vec<usize>,
}

impl Nodes {
    pub(crate) fn new(name: &'static str, seeds: &[ConnectionInfo], settings: &Arc<Settings>) -> Result<Self, Error> {
        let mut nodes = Self {
            name,
            settings: Arc::clone(settings),
            seeds: Vec::new(),
            like: seeds.first().cloned(),
            map: RwLock::new(None),
            others: Mutex::new(Vec::new()),
            asked: Mutex::new(None),
            asking: AtomicBool::new(false),
            learning: tokio::sync::Mutex::new(()),
        };
        for seed in seeds {
            let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) = seed.addr() else {
                return Err(Error::new(ErrorKind::Config, "a cluster's nodes have hosts and ports"));
            };
            nodes.seeds.push(nodes.node(host, *port)?);
        }
        Ok(nodes)
    }

    /// A node that nobody knows yet.
    fn node(&self, host: &str, port: u16) -> Result<Arc<Node>, Error> {
        let gone = || Error::new(ErrorKind::Config, "the Redis URL names no node of the cluster");
        let info = at(self.like.clone().ok_or_else(gone)?, host.to_owned(), port);
        let address = host_and_port(info.addr()).into();
        let settings = Settings { cluster: true, address, ..(*self.settings).clone() };
        let link = Link::new(self.name, Arc::new(Target::Single(info)), Arc::new(settings))?;
        Ok(Arc::new(Node { host: host.to_owned(), port, link }))
    }

    /// The node at an address, as it is known or made now.
    fn node_at(&self, host: &str, port: u16) -> Result<Arc<Node>, Error> {
        if let Some(known) = self.all().into_iter().find(|node| node.port == port && node.host == host) {
            return Ok(known);
        }
        let new = self.node(host, port)?;
        self.others.lock().push(Arc::clone(&new));
        Ok(new)
    }

    /// All that are known: those with slots first.
    pub(crate) fn all(&self) -> Vec<Arc<Node>> {
        let mut all = self.map.read().as_ref().map(|map| map.nodes.clone()).unwrap_or_default();
        for more in self.seeds.iter().chain(self.others.lock().iter()) {
            if !all.iter().any(|known| Arc::ptr_eq(known, more)) {
                all.push(Arc::clone(more));
            }
        }
        all
    }

    /// Those that have slots; before they are known, those that the configuration names.
    pub(crate) fn in_use(&self) -> Vec<Arc<Node>> {
        self.map.read().as_ref().map_or_else(|| self.seeds.clone(), |map| map.nodes.clone())
    }

    /// The node that has the slot of this key, as far as is known.
    pub(crate) fn of_key(&self, key: &[u8]) -> Option<Arc<Node>> {
        let map = self.map.read().clone()?;
        map.of(slots::slot(key)).cloned()
    }

    /// A slot of each master.
    pub(crate) async fn masters(self: &Arc<Self>, end: Instant) -> Result<Vec<u16>, Error> {
        let map = self.learn(end).await?;
        Ok((0..map.nodes.len()).filter_map(|at| Some(map.ranges.iter().find(|range| range.2 == at)?.0)).collect())
    }

    /// What is known; asked for if it is nothing.
    async fn map(self: &Arc<Self>, end: Instant) -> Result<Arc<Map>, Error> {
        let known = self.map.read().clone();
        match known {
            Some(map) => Ok(map),
            None => self.learn(end).await,
        }
    }

    /// Asks for the slots. Who waited while somebody else asked takes what that one learned.
    async fn learn(self: &Arc<Self>, end: Instant) -> Result<Arc<Map>, Error> {
        let before = self.map.read().clone();
        let one = self.seeds.first().map(|seed| seed.link.driver().within(end, self.learning.lock()));
        let _one_at_a_time = match one {
            Some(lock) => {
                lock.await.map_err(|_| failure::late(&self.settings.address, "the question for its slots", AGAIN))?
            }
            None => return Err(Error::new(ErrorKind::Config, "the Redis URL names no node of the cluster")),
        };
        let known = self.map.read().clone();
        if let Some(known) = known
            && !before.as_ref().is_some_and(|before| Arc::ptr_eq(before, &known))
        {
            return Ok(known);
        }
        // Those that are well first; of the others each refuses at once while its breaker is open.
        let mut nodes = self.all();
        nodes.sort_by_key(|node| !node.link.is_well());
        let mut why = None;
        for node in nodes {
            let mut question = Pipeline::with_capacity(1);
            question.cmd("CLUSTER").arg("SLOTS");
            match node.link.attempt(&question, Kind::Read, end).await {
                Ok(answers) => match answers.first() {
                    Some(Ok(reply)) => {
                        let masters = topology::masters(reply, &node.host);
                        if !masters.is_empty() {
                            return self.learned(masters);
                        }
                    }
                    Some(Err(error)) => why = Some(error.clone()),
                    None => {}
                },
                Err(error) => {
                    // What only a person can mend is what to tell.
                    let telling = |error: &Error| matches!(error.kind(), ErrorKind::Auth | ErrorKind::Config);
                    if !why.as_ref().is_some_and(telling) {
                        why = Some(error);
                    }
                }
            }
        }
        Err(why.unwrap_or_else(|| {
            let cause = format!("no node of {} names a master", self.settings.address);
            Error::new(ErrorKind::Server(Refusal::NotReady), cause)
        }))
    }

    fn learned(&self, masters: Vec<Master>) -> Result<Arc<Map>, Error> {
        let mut map = Map { nodes: Vec::new(), ranges: Vec::new() };
        for Master { host, port, ranges } in masters {
            let place = map.nodes.len();
            map.nodes.push(self.node_at(&host, port)?);
            map.ranges.extend(ranges.into_iter().map(|(first, last)| (first, last, place)));
        }
        map.ranges.sort_unstable();
        let map = Arc::new(map);
        *self.map.write() = Some(Arc::clone(&map));
        // Nobody needs one any more that lost its slots: its connections end with it.
        self.others.lock().clear();
        Ok(map)
    }

    /// The slots may have moved: asks for them, soon and elsewhere.
    fn suspect(self: &Arc<Self>) {
        let Some(seed) = self.seeds.first() else { return };
        let now = Instant::now();
        let mut asked = self.asked.lock();
        if asked.is_some_and(|asked| now.duration_since(asked) < AGAIN) || self.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        *asked = Some(now);
        drop(asked);
        let asking = Asking(Arc::clone(self));
        seed.link.driver().spawn(async move {
            let Asking(nodes) = &asking;
            // What went wrong shows at the next call, too.
            let _ = nodes.learn(Instant::now() + nodes.settings.connect_deadline).await;
        });
    }

    /// One operation, or one for the node that has the slot `place`. Where some of the nodes fail, their commands' answers
    /// say so; where all do, it has failed.
    pub(crate) async fn attempt(
        self: &Arc<Self>,
        place: Option<u16>,
        work: &Pipeline,
        kind: Kind,
        end: Instant,
    ) -> Result<Answers, Error> {
        let map = self.map(end).await?;
        let commands: Vec<&Cmd> = work.cmd_iter().collect();
        let mut parts = match place {
            Some(slot) => {
                let node = map.of(slot).ok_or_else(|| self.nobody_has(slot))?;
                vec![Part { node: Arc::clone(node), asking: false, places: (0..commands.len()).collect() }]
            }
            None => self.parts(&map, &commands)?,
        };
        let mut answers: Vec<Option<Result<Value, Error>>> = vec![None; commands.len()];
        let mut whole = Some(work).filter(|_| parts.len() == 1);
        for _hop in 0..HOPS {
            let sent = parts.iter().map(|part| self.send(part, &commands, whole, kind, end));
            let replies = all(sent.collect()).await;
            let mut redirected = Vec::new();
            for (part, reply) in parts.iter().zip(replies) {
                self.take(part, reply, &mut answers, &mut redirected);
            }
            if redirected.is_empty() {
                break;
            }
            (parts, whole) = (redirected, None);
        }
        let late = || Err(Error::new(ErrorKind::Server(Refusal::NotReady), "the slot moves to and fro"));
        let answers: Answers = answers.into_iter().map(|answer| answer.unwrap_or_else(late)).collect();
        // Alike: one node, and it failed as a whole.
        match answers.first() {
            Some(Err(error)) if is_of_node(error) && answers.iter().all(Result::is_err) => Err(error.clone()),
            _ => Ok(answers),
        }
    }

    fn nobody_has(self: &Arc<Self>, slot: u16) -> Error {
        self.suspect();
        let cause = format!("no master of {} has the slot {slot}", self.settings.address);
        Error::new(ErrorKind::Server(Refusal::NotReady), cause)
    }

    /// What each node has to do. A command without keys goes along with the one after it, which it may be about
    /// (`CLIENT CACHING`); one that stands alone goes to a node that is well.
    fn parts(self: &Arc<Self>, map: &Map, commands: &[&Cmd]) -> Result<Vec<Part>, Error> {
        let mut parts: Vec<Part> = Vec::new();
        let mut before = Vec::new();
        let mut put = |node: &Arc<Node>, places: &mut Vec<usize>| match parts
            .iter_mut()
            .find(|part| Arc::ptr_eq(&part.node, node))
        {
            Some(part) => part.places.append(places),
            None => parts.push(Part { node: Arc::clone(node), asking: false, places: std::mem::take(places) }),
        };
        for (at, command) in commands.iter().enumerate() {
            before.push(at);
            match topology::only_slot(command) {
                Ok(Some(slot)) => put(map.of(slot).ok_or_else(|| self.nobody_has(slot))?, &mut before),
                Ok(None) => {}
                Err(()) => {
                    let cause = "keys of several slots in one command: a cluster can't do that";
                    return Err(Error::new(ErrorKind::Config, cause));
                }
            }
        }
        if !before.is_empty() {
            let well = map.nodes.iter().find(|node| node.link.is_well()).or_else(|| map.nodes.first());
            put(well.ok_or_else(|| self.nobody_has(0))?, &mut before);
        }
        Ok(parts)
    }

    async fn send(
        &self,
        part: &Part,
        commands: &[&Cmd],
        whole: Option<&Pipeline>,
        kind: Kind,
        end: Instant,
    ) -> Result<Answers, Error> {
        if let Some(whole) = whole {
            return part.node.link.attempt(whole, kind, end).await;
        }
        let mut work = Pipeline::with_capacity(part.places.len() * 2);
        for place in &part.places {
            if part.asking {
                work.cmd("ASKING");
            }
            work.add_command(commands[*place].clone());
        }
        let mut answers = part.node.link.attempt(&work, kind, end).await?;
        if part.asking {
            let mut at = 0;
            answers.retain(|_| {
                at += 1;
                at % 2 == 0
            });
        }
        Ok(answers)
    }

    /// Puts the answers into their places, and what was redirected into new parts.
    fn take(
        self: &Arc<Self>,
        part: &Part,
        reply: Result<Answers, Error>,
        answers: &mut [Option<Result<Value, Error>>],
        redirected: &mut Vec<Part>,
    ) {
        let replies = match reply {
            Ok(replies) => replies,
            Err(error) => {
                if is_of_node(&error) {
                    self.suspect();
                }
                part.places.iter().for_each(|place| answers[*place] = Some(Err(error.clone())));
                return;
            }
        };
        for (place, reply) in part.places.iter().zip(replies) {
            let redirection = match &reply {
                Ok(Value::ServerError(error)) => Some(Redirection::of(error, &part.node.host)),
                _ => None,
            };
            match redirection {
                None => answers[*place] = Some(reply),
                Some(None) => answers[*place] = Some(Err(self.nobody_has(0))),
                Some(Some(to)) => {
                    if !to.asking {
                        self.suspect();
                    }
                    match self.node_at(&to.host, to.port) {
                        Err(error) => answers[*place] = Some(Err(error)),
                        Ok(node) => {
                            let same = |part: &&mut Part| part.asking == to.asking && Arc::ptr_eq(&part.node, &node);
                            match redirected.iter_mut().find(same) {
                                Some(part) => part.places.push(*place),
                                None => redirected.push(Part { node, asking: to.asking, places: vec![*place] }),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Somebody asks for the slots; also one whose driver dies meanwhile comes to an end.
struct Asking(Arc<Nodes>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
    }
}

impl Map {
    fn of(&self, slot: u16) -> Option<&Arc<Node>> {
        let after = self.ranges.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, place) = self.ranges[..after].last()?;
        if slot <= *last { self.nodes.get(*place) } else { None }
    }
}

/// Where a node says that a slot is.
struct Redirection {
    host: String,
    port: u16,
    asking: bool,
}

impl Redirection {
    /// `MOVED 3999 127.0.0.1:6381`. No host means that of the node that said it.
    fn of(error: &redis::ServerError, said_by: &str) -> Option<Self> {
        let asking = match error.kind() {
            Some(ServerErrorKind::Moved) => false,
            Some(ServerErrorKind::Ask) => true,
            _ => return None,
        };
        let (host, port) = error.details()?.split_whitespace().nth(1)?.rsplit_once(':')?;
        let host = if host.is_empty() { said_by } else { host };
        Some(Self { host: host.to_owned(), port: port.parse().ok()?, asking })
    }
}

/// Whether it is the node that failed, and not the command.
fn is_of_node(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreachable
            | ErrorKind::TimedOut
            | ErrorKind::BreakerOpen
            | ErrorKind::Auth
            | ErrorKind::Config
            | ErrorKind::Overloaded
    )
}
