//! How to reach the server, and the limits to keep: by code, or from the environment. Must never show a secret.

use crate::error::{Error, ErrorKind};
use crate::redis::breaker::Rules;
use crate::redis::client;
use crate::redis::servers::{Servers, Target, Tls};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The variables that are looked at for the connection `default`, in this order.
const VARIABLES: [&str; 2] = ["CACHED_REDIS_URL", "REDIS_URL"];
/// What is tried when neither is set.
const LOCAL: &str = "redis://127.0.0.1:6379";

/// How to reach a Redis or Valkey server, and how patient to be with it.
///
/// Without any configuration the URL comes from the environment: `CACHED_REDIS_URL`, then `REDIS_URL`, then
/// `redis://127.0.0.1:6379`; for a connection of another name, say `sessions`, from `CACHED_REDIS_URL_SESSIONS`.
///
/// | URL | |
/// |---|---|
/// | `redis://host:6379/0` | TCP, database 0; `valkey://` is the same |
/// | `redis://user:password@host` | with an ACL user (`redis://:password@host` for the default user) |
/// | `rediss://host` | encrypted (feature `redis-tls`) |
/// | `unix:///run/redis.sock?db=0&user=u&pass=p` | a Unix socket |
/// | `redis+sentinel://host1:26379,host2:26379/mymaster/0` | the master that Sentinel knows by that name; the sentinels' own login: `?sentinel_username=u&sentinel_password=p` |
/// | `redis+cluster://host1:6379,host2:6379` | a cluster (feature `redis-cluster`) |
///
/// `rediss+sentinel://` and `rediss+cluster://` are the encrypted ones. Special characters of user and password are
/// percent-encoded.
///
/// Nothing is connected before the first use.
///
/// ```
/// use cached_runtime::redis::Config;
/// use std::time::Duration;
///
/// Config::from_url("redis://127.0.0.1:6379/0")
///     .namespace("shop")
///     .read_deadline(Duration::from_millis(50))
///     .install()?;
/// # Ok::<_, cached_runtime::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a configuration takes effect with `.install()`"]
pub struct Config {
    servers: Servers,
    tls: Tls,
    /// Everything but the address, which is known once the URL is parsed.
    settings: Settings,
}

/// What the rest of the crate reads of a configuration; free of secrets.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The first part of every key.
    pub(crate) namespace: Arc<str>,
    /// How long the first connection may hold up a call.
    pub(crate) connect_deadline: Duration,
    /// How long one read may take.
    pub(crate) read_deadline: Duration,
    /// How long one write may take.
    pub(crate) write_deadline: Duration,
    /// How much longer a call of a cached function may take because of Redis.
    pub(crate) budget: Duration,
    /// Values of more bytes than this are not stored.
    pub(crate) max_value: usize,
    /// Operations under way at one time.
    pub(crate) max_in_flight: usize,
    pub(crate) breaker: Rules,
    /// Connections that waiting threads may have of their own.
    pub(crate) near_connections: usize,
    /// The keys of one operation should lie in one slot.
    pub(crate) cluster: bool,
    /// Where it is, for messages.
    pub(crate) address: Arc<str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "cached".into(),
            connect_deadline: Duration::from_millis(500),
            read_deadline: Duration::from_millis(100),
            write_deadline: Duration::from_millis(250),
            budget: Duration::from_millis(300),
            max_value: 64 * 1024 * 1024,
            max_in_flight: 4096,
            breaker: Rules { failures: 4, shortest: Duration::from_millis(200), longest: Duration::from_secs(2) },
            near_connections: 16,
            cluster: false,
            address: "nowhere".into(),
        }
    }
}

impl Config {
    /// The server at `url`. A bad URL is reported by [`install`](Self::install).
    pub fn from_url(url: impl Into<String>) -> Self {
        Self { servers: Servers::new(url.into()), tls: Tls::default(), settings: Settings::default() }
    }

    /// The server that the environment names: see [`Config`].
    pub fn from_env() -> Self {
        Self::found(|name| std::env::var(name).ok())
    }

    /// What the connection `name` is when nobody installed one.
    pub(crate) fn of_connection(name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if name == client::DEFAULT {
            return Ok(Self::found(lookup));
        }
        let shout = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let variable = format!("{}_{}", VARIABLES[0], name.chars().map(shout).collect::<String>());
        match lookup(&variable).filter(|url| !url.is_empty()) {
            Some(url) => Ok(Self::from_url(url)),
            None => Err(Error::new(
                ErrorKind::Config,
                format!("there is no Redis connection named `{name}`: neither `install_as({name:?})` nor `{variable}`"),
            )),
        }
    }

    /// The names of the connections that the environment configures, as far as they can be told from their variables.
    pub(crate) fn in_environment(variables: impl Iterator<Item = String>) -> Vec<String> {
        let mut names = Vec::new();
        for variable in variables {
            if VARIABLES.contains(&&*variable) {
                names.push(client::DEFAULT.to_owned());
            } else if let Some(name) = variable.strip_prefix(VARIABLES[0]).and_then(|rest| rest.strip_prefix('_')) {
                names.push(name.to_ascii_lowercase());
            }
        }
        names.sort();
        names.dedup();
        names
    }

    fn found(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let url = VARIABLES.iter().find_map(|name| lookup(name).filter(|url| !url.is_empty()));
        Self::from_url(url.unwrap_or_else(|| LOCAL.to_owned()))
    }

    /// The ACL user; overrides the URL's.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.servers.username = Some(name.into());
        self
    }

    /// The password; overrides the URL's.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.servers.password = Some(password.into());
        self
    }

    /// The ACL user at the sentinels, which know other users than the master. In a URL: `?sentinel_username=..`. Without
    /// effect where there are none.
    pub fn sentinel_username(mut self, name: impl Into<String>) -> Self {
        self.servers.sentinel_username = Some(name.into());
        self
    }

    /// The password at the sentinels (none); the one before the hosts is the master's. In a URL: `?sentinel_password=..`.
    pub fn sentinel_password(mut self, password: impl Into<String>) -> Self {
        self.servers.sentinel_password = Some(password.into());
        self
    }

    /// The number of the database; overrides the URL's.
    pub fn database(mut self, number: u32) -> Self {
        self.servers.database = Some(number);
        self
    }

    /// The first part of every key (`cached`). Programs that share it share their entries.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = namespace.into().into();
        self
    }

    /// How long making a connection may take (500 ms). The first may hold up a call for as long; later ones are made in the
    /// background, and no call waits for them longer than its [`budget`](Self::budget).
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.settings.connect_deadline = deadline;
        self
    }

    /// How long one read may take (100 ms).
    pub fn read_deadline(mut self, deadline: Duration) -> Self {
        self.settings.read_deadline = deadline;
        self
    }

    /// How long one write may take (250 ms).
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.settings.write_deadline = deadline;
        self
    }

    /// How much longer one call of a cached function may take because of Redis, all its operations together (300 ms).
    /// Waiting for another process that runs the function isn't part of it.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.settings.budget = budget;
        self
    }

    /// Values that are encoded as more bytes than this are not stored (64 MiB).
    pub fn max_value_size(mut self, bytes: usize) -> Self {
        self.settings.max_value = bytes;
        self
    }

    /// How many operations may be under way at one time (4096); more wait within their deadlines. Reads on connections of the
    /// callers' own ([`near_connections`](Self::near_connections)) are counted by themselves.
    pub fn max_in_flight(mut self, operations: usize) -> Self {
        self.settings.max_in_flight = operations;
        self
    }

    /// The circuit breaker: this many timeouts in a row open it (4; a refused connection opens it at once), the first
    /// probe follows after the `shortest` pause (200 ms), and pauses double up to the `longest` (2 s).
    pub fn breaker(mut self, failures: u32, shortest: Duration, longest: Duration) -> Self {
        self.settings.breaker = Rules { failures: failures.max(1), shortest, longest: longest.max(shortest) };
        self
    }

    /// How many connections the threads of sync code may have of their own (16), besides the shared one and one for each
    /// tokio runtime: hits are read over them without waking another thread. They are made when needed, in the background,
    /// and closed after a minute without use. 0 also takes those of the runtimes away: all goes through the shared one, which
    /// is slower (see the benchmarks) and all that an encrypted server and a cluster have.
    ///
    /// They are only used if they lead to the same run of the same server as the shared one, which needs the command `INFO`.
    ///
    /// A runtime without I/O (`enable_io` was not called) can't have one. tokio tells by a panic, once for each configured
    /// connection, which is caught, but which a panic hook sees: programs with such runtimes say 0, which tries none.
    pub fn near_connections(mut self, most: usize) -> Self {
        self.settings.near_connections = most;
        self
    }

    /// Trusts these root certificates (PEM) instead of the system's.
    #[cfg(feature = "redis-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-tls")))]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots = Some(pem.into());
        self
    }

    /// Shows the server this certificate (PEM), which it asks for if it is set up so.
    #[cfg(feature = "redis-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-tls")))]
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.client = Some((certificate.into(), key.into()));
        self
    }

    /// Makes it the configuration of all `backend = redis` from now on, also of caches that are in use.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL or the certificates. Nothing is connected yet, so a wrong password shows at the
    /// first use, or with [`check`](super::check).
    pub fn install(self) -> Result<(), Error> {
        self.install_as(client::DEFAULT)
    }

    /// The same for the connection `name`: `backend = redis("name")`.
    ///
    /// # Errors
    ///
    /// As [`install`](Self::install).
    pub fn install_as(self, name: &'static str) -> Result<(), Error> {
        client::install(name, &self)
    }

    /// Reads the URL.
    pub(crate) fn parse(&self) -> Result<(Target, Settings), Error> {
        let target = self.servers.parse(&self.tls)?;
        let settings = Settings { cluster: target.is_cluster(), address: target.address(), ..self.settings.clone() };
        for (name, limit) in [
            ("connect_deadline", settings.connect_deadline),
            ("read_deadline", settings.read_deadline),
            ("write_deadline", settings.write_deadline),
            ("budget", settings.budget),
            ("breaker", settings.breaker.shortest),
        ] {
            if limit.is_zero() {
                return Err(Error::new(ErrorKind::Config, format!("`{name}` is zero: nothing could ever work")));
            }
        }
        if settings.max_in_flight == 0 {
            return Err(Error::new(ErrorKind::Config, "`max_in_flight` is zero: nothing could ever work"));
        }
        Ok((target, settings))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.servers.parse(&self.tls).map(|target| target.address());
        f.debug_struct("Config")
            .field("address", &address.as_deref().unwrap_or("<unusable>"))
            .field("namespace", &self.settings.namespace)
            .field("connect_deadline", &self.settings.connect_deadline)
            .field("read_deadline", &self.settings.read_deadline)
            .field("write_deadline", &self.settings.write_deadline)
            .field("budget", &self.settings.budget)
            .field("max_value_size", &self.settings.max_value)
            .field("max_in_flight", &self.settings.max_in_flight)
            .field("breaker", &self.settings.breaker)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(config: &Config) -> String {
        config.parse().map_or_else(|e| e.to_string(), |(_, settings)| settings.address.to_string())
    }

    #[test]
    fn the_environment_is_asked_in_order() {
        let both = |name: &str| Some(format!("redis://{}", if name == "REDIS_URL" { "second" } else { "first" }));
        let second = |name: &str| match name {
            "REDIS_URL" => Some("redis://second".to_owned()),
            _ => Some(String::new()),
        };
        assert_eq!(address(&Config::found(both)), "redis://first:6379/0");
        assert_eq!(address(&Config::found(second)), "redis://second:6379/0", "an empty variable is an unset one");
        assert_eq!(address(&Config::found(|_| None)), "redis://127.0.0.1:6379/0");
    }

    #[test]
    fn a_named_connection_has_a_variable_of_its_own() {
        let lookup = |name: &str| (name == "CACHED_REDIS_URL_MY_SESSIONS").then(|| "redis://there/3".to_owned());
        let found = Config::of_connection("my-sessions", lookup).map(|config| address(&config));
        assert_eq!(found, Ok("redis://there:6379/3".to_owned()));
        let error = Config::of_connection("other", lookup).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.to_string().contains("`other`") && error.to_string().contains("CACHED_REDIS_URL_OTHER"),
            "{error}"
        );
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        let zero = Config::from_url("redis://h").read_deadline(Duration::ZERO).parse();
        assert!(zero.is_err_and(|e| e.to_string().contains("read_deadline")));
        let zero = Config::from_url("redis://h").max_in_flight(0).parse();
        assert!(zero.is_err_and(|e| e.to_string().contains("max_in_flight")));
    }

    #[test]
    fn debug_shows_the_address_without_secrets() {
        let config = Config::from_url("redis://me:hunter2@host:1/2").password("tops3cret");
        let shown = format!("{config:?}");
        assert!(shown.contains("redis://host:1/2"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("tops3cret") && !shown.contains("me:"), "{shown}");
    }
}
