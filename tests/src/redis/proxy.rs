//! A TCP proxy before a server that delays, cuts, freezes, truncates, corrupts, holds and counts. It answers nothing of its own.

use crate::{PATIENCE, eventually};
use std::{
    collections::HashMap,
    fmt,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A command on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command(Vec<Vec<u8>>);

impl Command {
    /// Its name, in capitals.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
    }

    /// Whether one of its arguments contains that text.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.0.iter().skip(1).any(|part| part.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// Its parts, the name first.
    #[must_use]
    pub fn parts(&self) -> &[Vec<u8>] {
        &self.0
    }
}

/// A proxy; dropping it cuts what goes through it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Commands that the proxy keeps back; dropping it lets them go.
#[derive(Debug)]
pub struct Held {
    id: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    refuses: bool,
    corrupts: bool,
    delay: Duration,
    truncate: Option<usize>,
    accepted: usize,
    links: HashMap<usize, Link>,
    counts: HashMap<String, usize>,
    holds: HashMap<usize, Hold>,
    next_hold: usize,
}

#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    frozen: bool,
}

type Matches = dyn Fn(&Command) -> bool + Send + Sync;

struct Hold {
    matches: Arc<Matches>,
    arrived: usize,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("arrived", &self.arrived).finish_non_exhaustive()
    }
}

impl Proxy {
    /// One that passes everything on to `target`, where nobody needs to listen yet.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port");
        let target = Mutex::new(target);
        let shared = Arc::new(Shared { target, state: Mutex::default(), changed: Condvar::new() });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept_all(&listener)
        });
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections lead there. Those that are open stay.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// Every piece of an answer arrives that much later, from now on.
    pub fn delay(&self, delay: Duration) {
        self.shared.change(|state| state.delay = delay);
    }

    /// Closes all connections. New ones work.
    pub fn cut(&self) {
        self.shared.change(State::cut);
    }

    /// Whether new connections are closed as soon as they are made.
    pub fn refuse(&self, refuse: bool) {
        self.shared.change(|state| state.refuses = refuse);
    }

    /// Nothing passes through the connections that are open now, and nobody is told. New ones work. Returns how many there are.
    #[must_use = "a connection that isn't there can't freeze"]
    pub fn freeze(&self) -> usize {
        self.shared.change(|state| {
            state.links.values_mut().for_each(|link| link.frozen = true);
            state.links.len()
        })
    }

    /// What was kept back since [`Proxy::freeze`] arrives now.
    pub fn thaw(&self) {
        self.shared.change(|state| state.links.values_mut().for_each(|link| link.frozen = false));
    }

    /// Of the next piece of an answer, only `bytes` arrive, and then the end of the connection.
    pub fn truncate_next(&self, bytes: usize) {
        self.shared.change(|state| state.truncate = Some(bytes));
    }

    /// Whether answers arrive with all their bits turned over, except for the ends of lines.
    pub fn corrupt(&self, corrupt: bool) {
        self.shared.change(|state| state.corrupts = corrupt);
    }

    /// Keeps back commands that match, and whatever follows them on their connection.
    #[must_use = "they are let go when it is dropped"]
    pub fn hold(&self, matches: impl Fn(&Command) -> bool + Send + Sync + 'static) -> Held {
        let id = self.shared.change(|state| {
            state.next_hold += 1;
            state.holds.insert(state.next_hold, Hold { matches: Arc::new(matches), arrived: 0 });
            state.next_hold
        });
        Held { id, shared: Arc::clone(&self.shared) }
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().accepted
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.lock().links.len()
    }

    /// How many commands of that name (in capitals) came through, or are held.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.shared.lock().counts.get(name).copied().unwrap_or_default()
    }

    /// How many commands came through, or are held.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.shared.lock().counts.values().sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.ended = true;
            state.cut();
        });
        // The listening thread has to wake up to notice.
        let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
    }
}

impl Held {
    /// How many commands it has kept back.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.shared.lock().holds.get(&self.id).map_or(0, |hold| hold.arrived)
    }

    /// Waits until it has kept back one.
    ///
    /// # Panics
    /// When none comes.
    pub fn wait(&self) {
        eventually("a command to hold", || self.arrived() > 0);
    }

    /// Lets them go, and those to come.
    pub fn release(self) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.change(|state| state.holds.remove(&self.id));
    }
}

impl State {
    fn cut(&mut self) {
        self.links.drain().for_each(|(_, link)| link.close());
    }
}

impl Link {
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.notify_all();
        changed
    }

    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let mut state = self.lock();
            if state.ended {
                return;
            }
            let Ok(client) = client else { continue };
            state.accepted += 1;
            let (refuses, id) = (state.refuses, state.accepted);
            drop(state);
            let target = *self.target.lock().unwrap_or_else(PoisonError::into_inner);
            if !refuses && let Ok(server) = TcpStream::connect_timeout(&target, PATIENCE) {
                self.join(id, client, server);
            }
        }
    }

    fn join(self: &Arc<Self>, id: usize, client: TcpStream, server: TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a socket");
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (up, down) = ((copy(&client), copy(&server)), (copy(&server), copy(&client)));
        self.change(|state| state.links.insert(id, Link { client, server, frozen: false }));
        let shared = Arc::clone(self);
        thread::spawn(move || shared.carry(id, up.0, up.1, Commands::default()));
        let shared = Arc::clone(self);
        thread::spawn(move || shared.carry(id, down.0, down.1, Answers));
    }

    /// Carries one direction of a connection until it ends, and ends the other with it.
    fn carry(&self, id: usize, mut from: TcpStream, mut to: TcpStream, mut direction: impl Direction) {
        let mut piece = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if !direction.pass(self, id, &piece[..length], &mut to) {
                break;
            }
        }
        self.change(|state| state.links.remove(&id).iter().for_each(Link::close));
    }

    /// Waits while the connection is frozen; false when it has been closed meanwhile.
    fn is_open(&self, id: usize) -> bool {
        let stays = |state: &mut State| !state.ended && state.links.get(&id).is_some_and(|link| link.frozen);
        let state = self.changed.wait_while(self.lock(), stays).unwrap_or_else(PoisonError::into_inner);
        !state.ended && state.links.contains_key(&id)
    }

    /// Counts a command, and waits while somebody holds it.
    fn admit(&self, id: usize, command: &Command) {
        let mut state = self.lock();
        *state.counts.entry(command.name()).or_default() += 1;
        let holds: Vec<_> = state.holds.iter().map(|(&id, hold)| (id, Arc::clone(&hold.matches))).collect();
        let holds: Vec<_> = holds.into_iter().filter_map(|(id, matches)| matches(command).then_some(id)).collect();
        for hold in &holds {
            state.holds.get_mut(hold).expect("under the same lock").arrived += 1;
        }
        let held = |state: &mut State| {
            !state.ended && state.links.contains_key(&id) && holds.iter().any(|hold| state.holds.contains_key(hold))
        };
        drop(self.changed.wait_while(state, held).unwrap_or_else(PoisonError::into_inner));
    }
}

trait Direction: Send + 'static {
    /// Passes a piece on; false when the connection is to end.
    fn pass(&mut self, shared: &Shared, id: usize, piece: &[u8], to: &mut TcpStream) -> bool;
}

/// From the server to the client.
struct Answers;

impl Direction for Answers {
    fn pass(&mut self, shared: &Shared, id: usize, piece: &[u8], to: &mut TcpStream) -> bool {
        let (delay, corrupts, truncate) = shared.change(|state| (state.delay, state.corrupts, state.truncate.take()));
        thread::sleep(delay);
        if !shared.is_open(id) {
            return false;
        }
        let corrupt = |&byte: &u8| if corrupts && byte != b'\r' && byte != b'\n' { !byte } else { byte };
        let piece: Vec<u8> = piece.iter().map(corrupt).collect();
        let length = truncate.map_or(piece.len(), |bytes| bytes.min(piece.len()));
        to.write_all(&piece[..length]).is_ok() && truncate.is_none()
    }
}

/// From the client to the server: command by command, or as it comes if that isn't what comes (TLS).
#[derive(Default)]
struct Commands(Vec<u8>);

impl Direction for Commands {
    fn pass(&mut self, shared: &Shared, id: usize, piece: &[u8], to: &mut TcpStream) -> bool {
        self.0.extend(piece);
        while let Some((command, length)) = Self::first(&self.0) {
            shared.admit(id, &command);
            if !shared.is_open(id) || to.write_all(&self.0[..length]).is_err() {
                return false;
            }
            self.0.drain(..length);
        }
        let foreign = self.0.first().is_some_and(|&byte| byte != b'*');
        !foreign || (shared.is_open(id) && to.write_all(&std::mem::take(&mut self.0)).is_ok())
    }
}

impl Commands {
    /// The first complete command among the bytes, and how many of them it takes.
    fn first(bytes: &[u8]) -> Option<(Command, usize)> {
        let mut at = 0;
        let mut parts = vec![Vec::new(); Self::number(bytes, &mut at, b'*')?];
        for part in &mut parts {
            let length = Self::number(bytes, &mut at, b'$')?;
            *part = bytes.get(at..at + length)?.to_vec();
            at += length + 2;
        }
        (at <= bytes.len()).then_some((Command(parts), at))
    }

    /// The number after `sign` on the line that begins at `at`.
    fn number(bytes: &[u8], at: &mut usize, sign: u8) -> Option<usize> {
        let line = bytes.get(*at..)?;
        let end = line.windows(2).position(|two| two == b"\r\n")?;
        let digits = line[..end].strip_prefix(&[sign])?;
        *at += end + 2;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}
