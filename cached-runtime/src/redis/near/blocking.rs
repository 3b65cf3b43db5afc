//! Reads by a thread that may block, on a connection that it has for itself meanwhile. Must never make a caller wait for a
//! connection to be made, or for one that another thread uses.

use super::resp::{self, Answer};
use super::socket::{self, Socket};
use super::{Plan, Rest, RunId};
use bytes::Bytes;
use parking_lot::Mutex;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_mins(1);
/// Buffers don't stay larger than this.
const BUFFER: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Blocking(Arc<Mutex<Pool>>);

#[derive(Default)]
struct Pool {
    /// The last one is the one that was used last.
    idle: Vec<Connection>,
    /// Idle, in use, or being made.
    open: usize,
    making: bool,
    rest: Option<Rest>,
}

struct Connection {
    socket: Socket,
    out: Vec<u8>,
    buffer: Vec<u8>,
    used: Instant,
}

impl Blocking {
    pub(super) fn ask(&self, plan: &Plan<'_>, run: &RunId) -> Option<Bytes> {
        let mut pool = self.0.lock();
        let Some(mut connection) = pool.idle.pop() else {
            self.grow(&mut pool, plan, run);
            return None;
        };
        drop(pool);
        let answer = connection.ask(plan);
        let mut pool = self.0.lock();
        if answer.is_some() {
            connection.used = Instant::now();
            pool.idle.push(connection);
            // The one that was not used for the longest time; dropped below, without the lock.
            let idle = pool.idle.first().is_some_and(|first| first.used.elapsed() > IDLE).then(|| pool.idle.remove(0));
            pool.open -= usize::from(idle.is_some());
            drop(pool);
            drop(idle);
        } else {
            pool.open -= 1;
            pool.rest.get_or_insert_with(Rest::first).begin();
        }
        answer
    }

    /// Another connection, for later calls.
    fn grow(&self, pool: &mut Pool, plan: &Plan<'_>, run: &RunId) {
        if pool.making || pool.open >= plan.most || pool.rest.is_some_and(|rest| !rest.is_over()) {
            return;
        }
        pool.making = true;
        pool.open += 1;
        let (info, run, connecting, patience) = (plan.info.clone(), run.clone(), plan.connecting, plan.patience);
        let making = Making(Arc::clone(&self.0));
        plan.driver.spawn_blocking(move || {
            let made = socket::connect(&info, &run, connecting);
            let ready = made.and_then(|socket| socket.set_limits(patience).map(|()| socket));
            making.ends(ready.ok());
        });
    }
}

#[cfg(test)]
impl Blocking {
    pub(super) fn is_idle(&self) -> bool {
        !self.0.lock().idle.is_empty()
    }
}

/// Says that a connection is no longer being made, also if the attempt is dropped.
struct Making(Arc<Mutex<Pool>>);

impl Making {
    fn ends(self, made: Option<Socket>) {
        if let Some(socket) = made {
            let connection = Connection { socket, out: Vec::new(), buffer: vec![0; BUFFER], used: Instant::now() };
            let mut pool = self.0.lock();
            pool.open += 1;
            pool.idle.push(connection);
            if let Some(rest) = &mut pool.rest {
                rest.worked();
            }
        } else {
            self.0.lock().rest.get_or_insert_with(Rest::first).begin();
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut pool = self.0.lock();
        pool.making = false;
        pool.open -= 1;
    }
}

impl Connection {
    /// The answer; `None` if it did not come in time or is none: then what comes may be another's.
    fn ask(&mut self, plan: &Plan<'_>) -> Option<Bytes> {
        self.out.clear();
        resp::mget(plan.keys, &mut self.out);
        let begun = Instant::now();
        self.socket.write_all(&self.out).ok()?;
        let (mut filled, mut wanted) = (0, 1);
        loop {
            let read = self.socket.read(&mut self.buffer[filled..]).ok().filter(|read| *read > 0)?;
            filled += read;
            if filled >= wanted {
                match resp::answer(&self.buffer[..filled]) {
                    Answer::Whole(length) => {
                        // More than was asked for is nothing of ours.
                        let answer = (length == filled).then(|| Bytes::copy_from_slice(&self.buffer[..length]));
                        self.shrink();
                        return answer;
                    }
                    Answer::More(more) => wanted = more,
                    Answer::Other => return None,
                }
            }
            // A server that answers byte by byte is no faster than one that is silent.
            if begun.elapsed() > plan.patience {
                return None;
            }
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
        }
    }

    fn shrink(&mut self) {
        if self.buffer.len() > BUFFER {
            self.buffer = vec![0; BUFFER];
        }
        if self.out.capacity() > BUFFER {
            self.out = Vec::new();
        }
    }
}
