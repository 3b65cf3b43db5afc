//! What went wrong at the server or on the way to it, as the crate's `Error`. Must never let a key, a value or a secret into
//! a message: the server echoes arguments in some of its own.

use crate::error::{Error, ErrorKind, Refusal};
use redis::{RedisError, ServerError, ServerErrorKind};
use std::time::Duration;

/// What the client makes of a failure.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection is gone, or can't be trusted any more; whether the server acted is unknown.
    Lost(String),
    /// The server answered, and said no.
    Refused(Error),
    /// It can't be sent or understood as it is; the connection is well.
    Other(Error),
}

/// What became of a command that was sent.
pub(crate) fn failure(address: &str, error: RedisError) -> Failure {
    if error.is_unrecoverable_error() || error.is_io_error() {
        return Failure::Lost(plain(&error));
    }
    match ServerError::try_from(error) {
        Ok(error) => Failure::Refused(refused(address, &error)),
        Err(error) => match error.kind() {
            redis::ErrorKind::Server(kind) => {
                Failure::Refused(named(address, refusal(Some(kind), kind_code(kind)), kind_code(kind)))
            }
            redis::ErrorKind::Client => Failure::Other(Error::new(
                ErrorKind::Codec,
                format!("{address} was not asked: the command can't be written ({})", plain(&error)),
            )),
            _ => Failure::Lost(plain(&error)),
        },
    }
}

/// The server said no to one command.
pub(crate) fn refused(address: &str, error: &ServerError) -> Error {
    let is_unknown = error.details().is_some_and(|details| details.starts_with("unknown command"));
    let refusal = if is_unknown { Refusal::UnknownCommand } else { refusal(error.kind(), error.code()) };
    named(address, refusal, error.code())
}

/// Only the code: what follows it may quote the command's arguments.
fn named(address: &str, refusal: Refusal, code: &str) -> Error {
    Error::new(ErrorKind::Server(refusal), format!("{address} refused a command ({code}): {}", refusal.meaning()))
}

fn kind_code(kind: ServerErrorKind) -> &'static str {
    match kind {
        ServerErrorKind::ExecAbort => "EXECABORT",
        ServerErrorKind::BusyLoading => "LOADING",
        ServerErrorKind::NoScript => "NOSCRIPT",
        ServerErrorKind::Moved => "MOVED",
        ServerErrorKind::Ask => "ASK",
        ServerErrorKind::TryAgain => "TRYAGAIN",
        ServerErrorKind::ClusterDown => "CLUSTERDOWN",
        ServerErrorKind::CrossSlot => "CROSSSLOT",
        ServerErrorKind::MasterDown => "MASTERDOWN",
        ServerErrorKind::ReadOnly => "READONLY",
        ServerErrorKind::NoPerm => "NOPERM",
        _ => "ERR",
    }
}

fn refusal(kind: Option<ServerErrorKind>, code: &str) -> Refusal {
    match (kind, code) {
        (Some(ServerErrorKind::ReadOnly), _) => Refusal::ReadOnly,
        (Some(ServerErrorKind::NoScript), _) => Refusal::NoScript,
        (Some(ServerErrorKind::NoPerm), _) | (_, "NOAUTH") => Refusal::NoPermission,
        (
            Some(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ),
            _,
        )
        | (_, "NOREPLICAS" | "MISCONF") => Refusal::NotReady,
        (_, "OOM") => Refusal::OutOfMemory,
        (_, "BUSY") => Refusal::Busy,
        (_, "WRONGTYPE") => Refusal::WrongType,
        _ => Refusal::Other,
    }
}

/// Why there is no connection.
pub(crate) fn not_connected(address: &str, error: &RedisError) -> Error {
    let kind = match error.kind() {
        redis::ErrorKind::AuthenticationFailed => ErrorKind::Auth,
        redis::ErrorKind::InvalidClientConfig if is_settled(error) => ErrorKind::Config,
        redis::ErrorKind::Io | redis::ErrorKind::Client if is_of_tls(error) => ErrorKind::Config,
        redis::ErrorKind::Server(ServerErrorKind::NoPerm) => ErrorKind::Server(Refusal::NoPermission),
        redis::ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
            ErrorKind::Server(Refusal::NotReady)
        }
        _ if matches!(error.code(), Some("WRONGPASS" | "NOAUTH")) => ErrorKind::Auth,
        _ if error.code() == Some("BUSY") => ErrorKind::Server(Refusal::Busy),
        _ => ErrorKind::Unreachable,
    };
    let what = match kind {
        ErrorKind::Auth => "the server did not accept user and password".to_owned(),
        _ => plain(error),
    };
    Error::new(kind, format!("cannot connect to {address}: {what}"))
}

/// A name that doesn't resolve is reported as a bad configuration by the `redis` crate; it may be a passing fault.
fn is_settled(error: &RedisError) -> bool {
    !error.to_string().contains("No address found")
}

/// Certificates and the like: trying again doesn't help.
#[cfg(feature = "redis-tls")]
fn is_of_tls(error: &RedisError) -> bool {
    use std::error::Error as _;
    let source =
        error.source().and_then(|source| source.downcast_ref::<std::sync::Arc<dyn std::error::Error + Send + Sync>>());
    let of_tls = |error: &(dyn std::error::Error + 'static)| error.is::<rustls::Error>();
    source.is_some_and(|source| {
        let inner = source.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        of_tls(&**source) || inner.is_some_and(|inner| of_tls(inner))
    })
}

#[cfg(not(feature = "redis-tls"))]
fn is_of_tls(_: &RedisError) -> bool {
    false
}

pub(crate) fn late(address: &str, doing: &str, after: Duration) -> Error {
    Error::new(ErrorKind::TimedOut, format!("{address} did not answer {doing} within {} ms", after.as_millis()))
}

pub(crate) fn lost(address: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unreachable, format!("the connection to {address} was lost: {what}"))
}

/// The error in words. Only kinds of which it is known that they quote nothing are shown in full.
fn plain(error: &RedisError) -> String {
    match error.kind() {
        redis::ErrorKind::Io => error.to_string(),
        redis::ErrorKind::Parse => "the answer is not of the Redis protocol".to_owned(),
        redis::ErrorKind::Server(kind) => format!("the server said {}", kind_code(kind)),
        redis::ErrorKind::Extension => match error.code() {
            Some(code) => format!("the server said {code}"),
            None => "the server refused".to_owned(),
        },
        _ => error.to_string().split(" - ").next().unwrap_or("unknown").to_owned(),
    }
}
