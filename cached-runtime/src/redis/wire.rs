//! One established connection: sends a pipeline, gives the answers one by one. Must never wait on its own account: every
//! deadline is the caller's.

use crate::redis::failure::{self, Failure};
use crate::redis::near::{Near, RunId};
use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, ServerErrorKind, Value};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::error::Error;

/// The answers to a pipeline's commands, one by one.
pub(crate) type Answers = Vec<Result<Value, Error>>;

/// What stands at a key; none for what is not bytes.
pub(crate) fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        _ => None,
    }
}

/// A connection and what is known of its health.
pub(crate) struct Wire {
    connection: MultiplexedConnection,
    /// It is a cluster's: what it redirects is left as it is.
    of_cluster: bool,
    /// Set when the other side closed it, before anybody sends into the void.
    pub(crate) closed: std::sync::Arc<AtomicBool>,
    /// It pushes changes of keys that were read after CLIENT CACHING YES.
    pub(crate) tracks: bool,
    timeouts: AtomicU32,
    checking: AtomicBool,
    /// Connections to the same server that callers use by themselves.
    pub(crate) near: Near,
}

/// This many timeouts in a row, and the connection is replaced: its own machinery reacts to closing only.
const FROZEN: u32 = 2;

impl Wire {
    pub(crate) fn new(
        connection: MultiplexedConnection,
        of_cluster: bool,
        closed: std::sync::Arc<AtomicBool>,
        tracks: bool,
        run: Option<RunId>,
    ) -> Self {
        Self {
            connection,
            of_cluster,
            closed,
            tracks,
            timeouts: AtomicU32::new(0),
            checking: AtomicBool::new(false),
            near: Near::beside(run),
        }
    }

    /// Sends `work` and waits for all of its answers, for ever if need be.
    pub(crate) async fn send(&self, work: &Pipeline, address: &str) -> Result<Answers, Failure> {
        let mut connection = self.connection.clone();
        // A transaction answers QUEUED to each command, and then all at once.
        let (skip, count) = if work.is_transaction() { (work.len() + 1, 1) } else { (0, work.len()) };
        let sent = connection.send_packed_commands(work, skip, count).await;
        let values = sent.map_err(|e| failure::failure(address, e))?;
        Ok(answers(work, values, address, self.of_cluster))
    }

    pub(crate) fn worked(&self) {
        // Not stored each time: the line would go back and forth between the callers' cores.
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a timeout. True if that makes it a frozen connection.
    pub(crate) fn timed_out(&self) -> bool {
        self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= FROZEN
    }

    /// True for the one who is to look whether it still answers.
    pub(crate) fn begin_check(&self) -> bool {
        !self.checking.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn end_check(&self) {
        self.checking.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn answers(work: &Pipeline, mut values: Vec<Value>, address: &str, of_cluster: bool) -> Answers {
    if work.is_transaction()
        && let Some(Value::Array(of_commands)) = values.pop_if(|last| matches!(last, Value::Array(_)))
    {
        values = of_commands;
    }
    let answer = |value| match value {
        Value::ServerError(error)
            if of_cluster && matches!(error.kind(), Some(ServerErrorKind::Moved | ServerErrorKind::Ask)) =>
        {
            Ok(Value::ServerError(error))
        }
        Value::ServerError(error) => Err(failure::refused(address, &error)),
        value => Ok(value),
    };
    values.into_iter().map(answer).collect()
}
