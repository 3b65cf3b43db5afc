//! Reads by async code, over a connection that its own runtime drives: no other thread has to wake up for them. Must never
//! hold a runtime up, nor be kept by one that is.
//!
//! Tasks write their requests into one buffer; a task of this crate, one to a runtime, sends what has gathered there with
//! one system call, and hands out the answers in their order. While others wait for answers already, it lets the runtime's
//! other tasks run first before it sends: those that were woken by the last answers add their next requests meanwhile.
//!
//! No request has a timer of its own. Answers come in the order of the requests, so one look at the first in the row tells
//! whether any is late: the driver takes it now and then ([`watch`]), and closes a connection that gives no answers, which
//! ends all waits for it. It rests while nothing is asked.

use super::resp::{self, Answer};
use super::socket::{self, Socket};
use super::{Met, Plan, Rest, RunId};
use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Handle, Id};
use tokio::sync::{Notify, oneshot};

/// Runtimes of a process that have a connection of their own at a server; others use the driver's.
const MOST: usize = 64;
/// Buffers don't stay larger than this.
const BUFFER: usize = 32 * 1024;

#[derive(Default)]
pub(super) struct Runtimes {
    /// Every read looks for its own here, on all cores at once: so looking writes nothing that they share.
    lanes: ArcSwap<Vec<Arc<Lane>>>,
    /// Held by who replaces them.
    changing: Mutex<()>,
}

/// The connection of one runtime.
struct Lane {
    runtime: Id,
    shared: Mutex<Shared>,
    /// Ends the watch's rest.
    ring: Notify,
}

struct Shared {
    state: State,
    rest: Rest,
    /// To be sent.
    out: Vec<u8>,
    /// Who waits for the answers, in their order.
    waiting: VecDeque<(Instant, Tell)>,
    /// Something was asked since the watch looked last.
    used: bool,
    /// The watch looks by itself.
    watched: bool,
    /// The task that drives it. It looks at `out` by itself while it is awake.
    task: Option<Waker>,
    awake: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Ready,
    Closed,
}

type Tell = oneshot::Sender<Bytes>;
pub(super) type Told = oneshot::Receiver<Bytes>;

/// What became of a request.
enum Sent {
    Waits(Told),
    Not,
    /// Another connection may be tried.
    Over,
}

impl Runtimes {
    /// How to wait for the answer, which doesn't come if the connection is closed.
    pub(super) fn send(&self, plan: &Plan<'_>, run: &RunId) -> Option<Told> {
        // Where a panic ends the process nothing may be tried that can panic: see `drive`.
        if cfg!(panic = "abort") {
            return None;
        }
        let handle = Handle::try_current().ok()?;
        let id = handle.id();
        if plan.driver.is(id) {
            return None;
        }
        let lanes = self.lanes.load();
        let known = lanes.iter().find(|lane| lane.runtime == id);
        match known.map(|lane| lane.send(plan)) {
            Some(Sent::Waits(answer)) => return Some(answer),
            Some(Sent::Not) => return None,
            None | Some(Sent::Over) => {}
        }
        let known = known.cloned();
        drop(lanes);
        self.begin(handle, known.as_ref(), (plan, run));
        None
    }

    /// Makes a connection for a runtime that has none, or none any more.
    fn begin(&self, handle: Handle, before: Option<&Arc<Lane>>, (plan, run): (&Plan<'_>, &RunId)) {
        if plan.met.no_io.load(Ordering::Relaxed) {
            return;
        }
        let id = handle.id();
        let changing = self.changing.lock();
        let mut lanes = Vec::clone(&self.lanes.load());
        lanes.retain(|lane| !lane.is_over());
        if lanes.len() >= MOST || lanes.iter().any(|lane| lane.runtime == id) {
            return;
        }
        let rest = before.map_or_else(Rest::first, |before| before.shared.lock().rest);
        let lane = Lane::new(id, rest);
        lanes.push(Arc::clone(&lane));
        self.lanes.store(Arc::new(lanes));
        drop(changing);
        let (info, run) = (plan.info.clone(), run.clone());
        let (connecting, met) = (plan.connecting, Arc::clone(plan.met));
        plan.driver.spawn(watch(Watching(Arc::clone(&lane)), plan.patience));
        let end = End(lane);
        plan.driver.spawn_blocking(move || {
            if let Ok(socket) = socket::connect(&info, &run, connecting) {
                // One that has ended meanwhile drops it.
                drop(handle.spawn(drive(end, socket, met)));
            }
        });
    }
}

#[cfg(test)]
impl Runtimes {
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.load().is_empty()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lanes.load().iter().any(|lane| lane.shared.lock().state == State::Closed)
    }
}

impl Drop for Runtimes {
    fn drop(&mut self) {
        self.lanes.load().iter().for_each(|lane| lane.close());
    }
}

impl Lane {
    fn new(runtime: Id, rest: Rest) -> Arc<Self> {
        let shared = Shared {
            state: State::Connecting,
            rest,
            out: Vec::new(),
            waiting: VecDeque::new(),
            used: false,
            watched: true,
            task: None,
            awake: true,
        };
        Arc::new(Self { runtime, shared: Mutex::new(shared), ring: Notify::new() })
    }

    /// Whether another may take its place.
    fn is_over(&self) -> bool {
        let shared = self.shared.lock();
        shared.state == State::Closed && shared.rest.is_over()
    }

    fn send(&self, plan: &Plan<'_>) -> Sent {
        let mut shared = self.shared.lock();
        match shared.state {
            State::Ready => {}
            State::Closed if shared.rest.is_over() => return Sent::Over,
            _ => return Sent::Not,
        }
        let (tell, told) = oneshot::channel();
        resp::mget(plan.keys, &mut shared.out);
        shared.waiting.push_back((plan.start, tell));
        shared.used = true;
        let rests = !std::mem::replace(&mut shared.watched, true);
        let task = if std::mem::replace(&mut shared.awake, true) { None } else { shared.task.clone() };
        drop(shared);
        if let Some(task) = task {
            task.wake();
        }
        if rests {
            self.ring.notify_one();
        }
        Sent::Waits(told)
    }

    fn is_closed(&self) -> bool {
        self.shared.lock().state == State::Closed
    }

    /// Nothing more comes of it. Whoever waits asks the driver.
    fn close(&self) {
        let mut shared = self.shared.lock();
        if shared.state != State::Closed {
            shared.state = State::Closed;
            shared.rest.begin();
        }
        let (waiting, task) = (std::mem::take(&mut shared.waiting), shared.task.take());
        drop(shared);
        drop(waiting);
        if let Some(task) = task {
            task.wake();
        }
        self.ring.notify_one();
    }

    /// What the watch finds.
    fn look(&self, patience: Duration) -> Found {
        let mut shared = self.shared.lock();
        if shared.state == State::Closed {
            return Found::Over;
        }
        let used = std::mem::take(&mut shared.used);
        match shared.waiting.front() {
            Some((since, _)) if since.elapsed() > patience => Found::Over,
            Some(_) => Found::Used,
            None if used => Found::Used,
            None => Found::Idle,
        }
    }

    /// Whether the watch may rest until it is told of a use.
    fn may_rest(&self) -> bool {
        let mut shared = self.shared.lock();
        let rests = !shared.used && shared.waiting.is_empty() && shared.state != State::Closed;
        shared.watched = !rests;
        rests
    }
}

/// What the watch found.
enum Found {
    /// Closed, or to be.
    Over,
    Used,
    Idle,
}

/// Looks without use after which the watch rests.
const IDLE_LOOKS: u32 = 50;

/// Runs on the driver. The wakers that it may ring are foreign code, whose panics must not reach the driver's timers.
async fn watch(watching: Watching, patience: Duration) {
    let lane = &watching.0;
    let mut idle = 0;
    loop {
        tokio::time::sleep(patience / 2).await;
        match lane.look(patience) {
            Found::Over => break,
            Found::Used => idle = 0,
            Found::Idle => idle += 1,
        }
        if idle >= IDLE_LOOKS {
            if lane.may_rest() {
                lane.ring.notified().await;
            }
            idle = 0;
        }
    }
}

/// Closes a lane when dropped: it is late, or has gone, or the driver ends.
struct Watching(Arc<Lane>);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.close()));
    }
}

/// Closes a lane when dropped: with its runtime, after a failure, or because nobody could connect.
struct End(Arc<Lane>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The task that drives a connection.
async fn drive(end: End, socket: Socket, met: Arc<Met>) {
    let lane = &end.0;
    // Panics on a runtime without I/O: see `Met`.
    match catch_unwind(AssertUnwindSafe(|| registered(socket))) {
        Ok(Ok(Registered::Tcp(stream))) => Driven::new(stream).run(lane).await,
        #[cfg(unix)]
        Ok(Ok(Registered::Unix(stream))) => Driven::new(stream).run(lane).await,
        Ok(Err(_)) => {}
        Err(_) => met.no_io.store(true, Ordering::Relaxed),
    }
}

enum Registered {
    Tcp(tokio::net::TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

fn registered(socket: Socket) -> io::Result<Registered> {
    match socket {
        Socket::Tcp(stream) => {
            stream.set_nonblocking(true)?;
            tokio::net::TcpStream::from_std(stream).map(Registered::Tcp)
        }
        #[cfg(unix)]
        Socket::Unix(stream) => {
            stream.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(stream).map(Registered::Unix)
        }
    }
}

/// What the task knows.
struct Driven<S> {
    stream: S,
    sending: Vec<u8>,
    sent: usize,
    buffer: Vec<u8>,
    filled: usize,
    /// So many bytes must be there before it is worth to look for an answer.
    wanted: usize,
    /// The others have had their turn.
    gathered: bool,
    answers: Vec<Bytes>,
    told: Vec<Tell>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driven<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            sending: Vec::new(),
            sent: 0,
            buffer: vec![0; BUFFER],
            filled: 0,
            wanted: 1,
            gathered: false,
            answers: Vec::new(),
            told: Vec::new(),
        }
    }

    async fn run(mut self, lane: &Lane) {
        poll_fn(|cx| {
            if self.gather(lane, cx) {
                return Poll::Ready(());
            }
            let sent = self.poll_send(lane, cx);
            let read = self.poll_read(lane, cx);
            // An error of either ends it.
            if sent.is_ready() || read.is_ready() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Takes the requests that are to be sent; true if the connection is closed.
    fn gather(&mut self, lane: &Lane, cx: &Context<'_>) -> bool {
        let mut shared = lane.shared.lock();
        match shared.state {
            State::Closed => return true,
            State::Connecting => shared.state = State::Ready,
            State::Ready => {}
        }
        if shared.task.as_ref().is_none_or(|task| !task.will_wake(cx.waker())) {
            shared.task = Some(cx.waker().clone());
        }
        if shared.out.is_empty() {
            shared.awake = false;
            self.gathered = false;
        } else if shared.waiting.len() > 1 && !std::mem::replace(&mut self.gathered, true) {
            cx.waker().wake_by_ref();
        } else if self.sent == self.sending.len() {
            self.sending.clear();
            self.sent = 0;
            std::mem::swap(&mut self.sending, &mut shared.out);
            shared.awake = false;
            self.gathered = false;
        }
        false
    }

    /// Ready if it failed.
    fn poll_send(&mut self, lane: &Lane, cx: &mut Context<'_>) -> Poll<()> {
        while self.sent < self.sending.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.sending[self.sent..])) {
                Ok(count @ 1..) => self.sent += count,
                _ => return Poll::Ready(()),
            }
            if self.sent == self.sending.len() && self.gather(lane, cx) {
                return Poll::Ready(());
            }
        }
        if self.sending.capacity() > BUFFER {
            self.sending = Vec::new();
            self.sent = 0;
        }
        Poll::Pending
    }

    /// Ready if it failed, or what came is no answer.
    fn poll_read(&mut self, lane: &Lane, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let mut buffer = ReadBuf::new(&mut self.buffer[self.filled..]);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.filled += buffer.filled().len(),
                _ => return Poll::Ready(()),
            }
            if !self.hand_out(lane) {
                return Poll::Ready(());
            }
            // Nobody waits for the rest of one that came too late.
            if self.wanted > self.filled && self.filled > 0 && lane.is_closed() {
                return Poll::Ready(());
            }
        }
    }

    /// The answers that are there whole; false if what came is none.
    fn hand_out(&mut self, lane: &Lane) -> bool {
        let mut at = 0;
        while self.filled - at >= self.wanted {
            match resp::answer(&self.buffer[at..self.filled]) {
                Answer::Whole(length) => {
                    self.answers.push(Bytes::copy_from_slice(&self.buffer[at..at + length]));
                    at += length;
                    self.wanted = 1;
                }
                Answer::More(wanted) => self.wanted = wanted,
                Answer::Other => return false,
            }
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        if self.filled == 0 && self.buffer.len() > BUFFER {
            self.buffer = vec![0; BUFFER];
        }
        if self.answers.is_empty() {
            return true;
        }
        let mut shared = lane.shared.lock();
        if shared.waiting.len() < self.answers.len() {
            return false;
        }
        self.told.extend(shared.waiting.drain(..self.answers.len()).map(|(_, tell)| tell));
        shared.rest.worked();
        drop(shared);
        for (told, answer) in self.told.drain(..).zip(self.answers.drain(..)) {
            // Whoever asked may be gone.
            let _ = told.send(answer);
        }
        true
    }
}
