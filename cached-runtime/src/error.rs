//! What can go wrong in a cache's own work. Must never carry a user's value or a secret, and must say what, where and
//! what to do.

use std::fmt;
use std::sync::Arc;

/// Why a cache could not do its own work: an invalidation, a set, a look at the server's health.
///
/// Cached functions never return it: a cache that fails lets the function run. The memory stores never fail.
///
/// It says which cache and key it is about (the key shortened), what happened at which server, and what to do. URLs
/// appear in it without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    cause: Arc<str>,
    place: Option<Arc<Place>>,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no connection to the server, and none could be made.
    Unreachable,
    /// The server did not answer in time; whether it acted is unknown.
    TimedOut,
    /// The server failed before and is left alone until a probe finds it well.
    BreakerOpen,
    /// Too many operations are under way in this process.
    Overloaded,
    /// The configuration can't be used: a bad URL, an unknown connection name, unusable certificates.
    Config,
    /// The server did not accept user or password.
    Auth,
    /// The server answered, and refused.
    Server(Refusal),
    /// A value or key could not be written as bytes.
    Codec,
    /// A value or key is larger than the configured limit.
    TooLarge,
}

/// What the server said when it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It is a replica.
    ReadOnly,
    /// It is full, and its policy doesn't evict.
    OutOfMemory,
    /// It is in the middle of somebody's script.
    Busy,
    /// It is still loading its data, or has lost its master or its cluster.
    NotReady,
    /// Something of another type stands at the key.
    WrongType,
    /// It doesn't know the script yet.
    NoScript,
    /// The user may not run the command or touch the key.
    NoPermission,
    /// It knows no such command: it is too old, or somebody renamed it.
    UnknownCommand,
    /// Anything else.
    Other,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    cache: String,
    key: Option<String>,
}

/// As much of a key as an error shows.
#[cfg(feature = "redis")]
const KEY_SHOWN: usize = 60;

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The cache that it is about, if it is about one.
    pub fn cache(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.cache.as_str())
    }

    /// `cause` is a clause without a full stop, and free of secrets.
    #[cfg(feature = "redis")]
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<Arc<str>>) -> Self {
        Self { kind, cause: cause.into(), place: None }
    }

    /// The same, said of `key` of `cache`.
    #[cfg(feature = "redis")]
    #[must_use]
    pub(crate) fn of(self, cache: &str, key: Option<&str>) -> Self {
        Self { place: Some(Arc::new(Place { cache: cache.to_owned(), key: key.map(shorten) })), ..self }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn cause(&self) -> &Arc<str> {
        &self.cause
    }
}

#[cfg(feature = "redis")]
fn shorten(key: &str) -> String {
    match key.char_indices().nth(KEY_SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", &key[..end], key.len()),
        None => key.to_owned(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "cache `{}`", place.cache)?;
            if let Some(key) = &place.key {
                write!(f, ", key `{}`", key.escape_debug())?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}; {}", self.cause, self.kind.advice())
    }
}

impl std::error::Error for Error {}

impl ErrorKind {
    fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "check that the server runs and that the configured URL names it",
            Self::TimedOut => "the server or the network is slow; `redis::Config` sets the deadlines",
            Self::BreakerOpen => "calls go without it until it answers a probe",
            Self::Overloaded => "`redis::Config::max_in_flight` sets the limit",
            Self::Config => {
                "correct what it names: the URL, the `redis::Config` that was installed, or the cache's own options"
            }
            Self::Auth => "check user and password in the URL or the `redis::Config`",
            Self::Server(refusal) => refusal.advice(),
            Self::Codec => "the type must be one that the codec can write and read back",
            Self::TooLarge => "`redis::Config` sets the limits",
        }
    }
}

impl Refusal {
    /// What the server's code stands for.
    #[cfg(feature = "redis")]
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::ReadOnly => "it is a replica, which takes no writes",
            Self::OutOfMemory => "it is full",
            Self::Busy => "it is busy with a script",
            Self::NotReady => "it is not ready",
            Self::WrongType => "something of another type stands at the key",
            Self::NoScript => "it does not know the script",
            Self::NoPermission => "the user may not do this",
            Self::UnknownCommand => "it knows no such command",
            Self::Other => "no further meaning known",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::ReadOnly => "point the URL at the master, not at a replica",
            Self::OutOfMemory => "raise `maxmemory`, or set a `maxmemory-policy` that evicts (allkeys-lru)",
            Self::Busy => "a script blocks the server; `SCRIPT KILL` ends it",
            Self::NotReady => "it needs a moment, or its cluster needs attention",
            Self::WrongType => "another program writes this key; use a `namespace` of your own",
            Self::NoScript => "it is sent again with the next call",
            Self::NoPermission => "let the user's ACL allow the commands listed in the deployment guide",
            Self::UnknownCommand => "the commands listed in the deployment guide are needed, under these names",
            Self::Other => "see the server's log",
        }
    }
}
