//! From a target to an established connection: handshake, tracking, the server's clock; Sentinel's way to the master. Must
//! run on the driver, and must never retry: when to try again is the breaker's.

use crate::error::{Error, ErrorKind, Refusal};
use crate::redis::clock::Clock;
use crate::redis::config::Settings;
use crate::redis::failure::not_connected;
use crate::redis::near::{self, RunId};
use crate::redis::servers::{Target, at, old_protocol};
use crate::redis::watch::Watches;
use crate::redis::wire::Wire;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionInfo, PushInfo, PushKind, RedisError, Value, cmd, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Commands that may wait to be written.
const QUEUE: usize = 1024;
/// Written at once, at most.
const WRITE_AT_ONCE: usize = 64 * 1024;

/// For servers that push nothing.
const NO_PUSHES: Option<fn(PushInfo) -> Result<(), ()>> = None;

/// What a new connection is tied to.
#[derive(Clone)]
pub(crate) struct Ties {
    pub(crate) settings: Arc<Settings>,
    pub(crate) watches: Arc<Watches>,
    pub(crate) clock: Arc<Clock>,
}

pub(crate) async fn connect(target: &Target, ties: &Ties) -> Result<Wire, Error> {
    ready_tls();
    match target {
        Target::Single(info) => single(info, ties).await,
        Target::Sentinel { sentinels, master, like } => {
            let (host, port) = find_master(sentinels, master, ties).await?;
            let wire = single(&at(like.clone(), host, port), ties).await?;
            must_be_master(&wire, ties).await?;
            Ok(wire)
        }
        // Each of its nodes is a server of its own.
        #[cfg(feature = "redis-cluster")]
        Target::Cluster { .. } => Err(Error::new(ErrorKind::Config, "a cluster is no server to connect to")),
    }
}

/// rustls panics without a provider of its cryptography. One that the application has installed is left in place.
fn ready_tls() {
    #[cfg(feature = "redis-tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Err: somebody else was faster, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

async fn single(info: &ConnectionInfo, ties: &Ties) -> Result<Wire, Error> {
    let closed = Arc::new(AtomicBool::new(false));
    let (connection, pushes) = match open(info, Some(pushes(&closed, ties))).await {
        Ok(connection) => (connection, true),
        // Servers before 6, and some proxies.
        Err(error) if is_old(&error) => {
            let connection = open(&old_protocol(info), NO_PUSHES).await;
            (connection.map_err(|e| not_connected(&ties.settings.address, &e))?, false)
        }
        Err(error) => return Err(not_connected(&ties.settings.address, &error)),
    };
    let (tracks, run) = greet(connection.clone(), pushes, ties).await?;
    Ok(Wire::new(connection, ties.settings.cluster, closed, tracks, run))
}

fn is_old(error: &RedisError) -> bool {
    // A server that doesn't know HELLO says so with its name; one that wants a password says NOAUTH.
    error.kind() == redis::ErrorKind::RESP3NotSupported
        || error.detail().is_some_and(|detail| detail.contains("unknown command"))
}

async fn open(
    info: &ConnectionInfo,
    pushes: Option<impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static>,
) -> Result<MultiplexedConnection, RedisError> {
    // No deadlines of its own: they would want the caller's runtime to be tokio's, with timers.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_connection_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
        .set_write_backpressure_boundary(WRITE_AT_ONCE);
    let config = match pushes {
        Some(pushes) => config.set_push_sender(pushes),
        None => config,
    };
    redis::Client::open(info.clone())?.get_multiplexed_async_connection_with_config(&config).await
}

fn pushes(closed: &Arc<AtomicBool>, ties: &Ties) -> impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + use<> {
    let (closed, watches) = (Arc::clone(closed), Arc::clone(&ties.watches));
    move |push| {
        if push.kind == PushKind::Disconnection {
            closed.store(true, Ordering::Release);
            watches.all_changed();
        } else {
            watches.pushed(&push);
        }
        Ok(())
    }
}

/// First words: asks for the time, who answers, and for pushes on request. Gives whether the pushes will come, and which
/// run of a server this is, if it tells.
async fn greet(
    mut connection: MultiplexedConnection,
    pushes: bool,
    ties: &Ties,
) -> Result<(bool, Option<RunId>), Error> {
    let address = &ties.settings.address;
    let mut words = pipe();
    words.cmd("TIME");
    words.add_command(near::who());
    if pushes {
        words.cmd("CLIENT").arg("TRACKING").arg("ON").arg("OPTIN");
    }
    let asked = ties.clock.asked();
    let answers =
        connection.send_packed_commands(&words, 0, words.len()).await.map_err(|e| not_connected(address, &e))?;
    let mut answers = answers.into_iter();
    match answers.next() {
        Some(Value::ServerError(error)) => {
            // TIME is a nicety; but a password that is lacking shows here first.
            let error = not_connected(address, &RedisError::from(error));
            let passing = matches!(error.kind(), ErrorKind::Server(Refusal::NoPermission) | ErrorKind::Unreachable);
            if !passing {
                return Err(error);
            }
        }
        Some(time) => ties.clock.answered(asked, &time),
        None => {}
    }
    let run = match answers.next() {
        Some(Value::BulkString(about)) => RunId::in_info(&about),
        Some(Value::VerbatimString { text, .. }) => RunId::in_info(text.as_bytes()),
        // It may be forbidden.
        _ => None,
    };
    Ok((matches!(answers.next(), Some(Value::Okay)), run))
}

/// Asks the sentinels one after the other; the first that knows the master is believed.
async fn find_master(sentinels: &[ConnectionInfo], master: &str, ties: &Ties) -> Result<(String, u16), Error> {
    let address = &ties.settings.address;
    let cannot = |kind, what: &str| Error::new(kind, format!("cannot find the master by {address}: {what}"));
    let mut why = None;
    // Each gets its share of the time, so that one that is frozen doesn't use up the others'.
    let share = ties.settings.connect_deadline / u32::try_from(sentinels.len() + 1).unwrap_or(2);
    for sentinel in sentinels {
        let answer = tokio::time::timeout(share, ask_sentinel(sentinel, master)).await;
        let error = match answer {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => cannot(ErrorKind::Unreachable, &format!("no sentinel knows a master named `{master}`")),
            Ok(Err(error)) => {
                let error = not_connected(address, &error);
                match error.kind() {
                    ErrorKind::Auth => cannot(
                        ErrorKind::Auth,
                        "a sentinel did not accept user and password (`sentinel_password`; they are not the master's)",
                    ),
                    kind => cannot(kind, error.cause()),
                }
            }
            Err(_) => cannot(ErrorKind::Unreachable, "a sentinel did not answer in time"),
        };
        // What a sentinel says counts for more than that another one is silent.
        let passing = |error: &Error| error.kind() == ErrorKind::Unreachable;
        if why.as_ref().is_none_or(|before| passing(before) && !passing(&error)) {
            why = Some(error);
        }
    }
    Err(why.unwrap_or_else(|| cannot(ErrorKind::Unreachable, "no sentinel is named")))
}

async fn ask_sentinel(sentinel: &ConnectionInfo, master: &str) -> Result<Option<(String, u16)>, RedisError> {
    let mut connection = open(&old_protocol(sentinel), NO_PUSHES).await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer = connection.send_packed_command(&question).await?.extract_error()?;
    let Value::Array(parts) = answer else { return Ok(None) };
    Ok(match parts.as_slice() {
        [Value::BulkString(host), Value::BulkString(port)] => {
            let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
            String::from_utf8(host.clone()).ok().zip(port)
        }
        _ => None,
    })
}

/// During a failover the sentinels still name the old master for a moment.
async fn must_be_master(wire: &Wire, ties: &Ties) -> Result<(), Error> {
    let mut question = pipe();
    question.cmd("ROLE");
    let Ok(answers) = wire.send(&question, &ties.settings.address).await else {
        return Err(Error::new(ErrorKind::Unreachable, "the master that the sentinels named hung up"));
    };
    match answers.into_iter().next() {
        Some(Ok(Value::Array(parts)))
            if parts.first().is_some_and(|role| !matches!(role, Value::BulkString(name) if name == b"master")) =>
        {
            Err(Error::new(
                ErrorKind::Server(Refusal::ReadOnly),
                "the server that the sentinels named is no master now",
            ))
        }
        // ROLE may be forbidden: then the first write tells.
        _ => Ok(()),
    }
}
