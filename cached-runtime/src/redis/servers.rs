//! A URL to the servers it names. Must never let a secret out of it into a message.

use crate::error::{Error, ErrorKind};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use std::sync::Arc;
use std::time::Duration;

/// What was configured, unread.
#[derive(Clone)]
pub(crate) struct Servers {
    url: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<u32>,
    pub(crate) sentinel_username: Option<String>,
    pub(crate) sentinel_password: Option<String>,
}

/// Certificates, as PEM.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    #[cfg(feature = "redis-tls")]
    pub(crate) roots: Option<Vec<u8>>,
    #[cfg(feature = "redis-tls")]
    pub(crate) client: Option<(Vec<u8>, Vec<u8>)>,
}

/// What to connect to.
pub(crate) enum Target {
    Single(ConnectionInfo),
    /// `like` has everything but the address of the master.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        master: String,
        like: ConnectionInfo,
    },
    #[cfg(feature = "redis-cluster")]
    Cluster {
        nodes: Vec<ConnectionInfo>,
    },
}

const SENTINEL_PORT: u16 = 26379;

impl Servers {
    pub(crate) fn new(url: String) -> Self {
        let (username, password, database, sentinel_username, sentinel_password) = Default::default();
        Self { url, username, password, database, sentinel_username, sentinel_password }
    }

    pub(crate) fn parse(&self, tls: &Tls) -> Result<Target, Error> {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return Err(config("the Redis URL has no scheme: write redis://host:port"));
        };
        match scheme.split_once('+') {
            Some((plain, "cluster")) => self.cluster(plain, rest, tls),
            Some((plain, "sentinel")) => self.sentinel(plain, rest, tls),
            _ => Ok(Target::Single(self.finish(one(&self.url, scheme)?, tls)?)),
        }
    }

    #[cfg(feature = "redis-cluster")]
    fn cluster(&self, plain: &str, rest: &str, tls: &Tls) -> Result<Target, Error> {
        let list = List::read(plain, rest)?;
        let nodes = list.hosts.iter().map(|host| self.finish(one(&list.url(host, &list.path), plain)?, tls));
        Ok(Target::Cluster { nodes: nodes.collect::<Result<_, _>>()? })
    }

    #[cfg(not(feature = "redis-cluster"))]
    #[expect(clippy::unused_self, reason = "as the one with the feature")]
    fn cluster(&self, _: &str, _: &str, _: &Tls) -> Result<Target, Error> {
        Err(config("the Redis URL names a cluster: build cached-runtime with the feature `redis-cluster`"))
    }

    fn sentinel(&self, plain: &str, rest: &str, tls: &Tls) -> Result<Target, Error> {
        let list = List::read(plain, rest)?;
        let (path, query) = list.path.split_once('?').unwrap_or((&list.path, ""));
        let (own, others) = OfSentinels::read(query)?;
        let (master, database) = match path.trim_matches('/').split_once('/') {
            Some((master, database)) => (master, database),
            None => (path.trim_matches('/'), ""),
        };
        if master.is_empty() {
            return Err(config("the Sentinel URL lacks the master's name: redis+sentinel://host:26379/mymaster"));
        }
        let username = self.sentinel_username.as_ref().or(own.username.as_ref());
        let password = self.sentinel_password.as_ref().or(own.password.as_ref());
        if username.is_some() && password.is_none() {
            return Err(config("there is a user for the sentinels without a password: `sentinel_password`"));
        }
        let mut sentinels = Vec::new();
        for host in &list.hosts {
            // User and password before the hosts are the master's.
            let bare = List { user: String::new(), ..list.clone() };
            let info = one(&bare.url(host, ""), plain)?;
            let mut settings = info.redis_settings().clone();
            if let Some(name) = username {
                settings = settings.set_username(name);
            }
            if let Some(password) = password {
                settings = settings.set_password(password);
            }
            sentinels.push(with_sentinel_port(finish_info(info.set_redis_settings(settings), tls)?, host));
        }
        let first = list.hosts.first().map_or("", String::as_str);
        let like = self.finish(one(&list.url(first, &format!("{database}{others}")), plain)?, tls)?;
        Ok(Target::Sentinel { sentinels, master: master.to_owned(), like })
    }

    fn finish(&self, info: ConnectionInfo, tls: &Tls) -> Result<ConnectionInfo, Error> {
        let mut settings = info.redis_settings().clone();
        if let Some(name) = &self.username {
            settings = settings.set_username(name);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        if let Some(number) = self.database {
            settings = settings.set_db(i64::from(number));
        }
        finish_info(info.set_redis_settings(settings), tls)
    }
}

/// What a URL says of the sentinels' own user and password: `?sentinel_username=u&sentinel_password=p`.
#[derive(Default)]
struct OfSentinels {
    username: Option<String>,
    password: Option<String>,
}

impl OfSentinels {
    /// Gives also what else there is in the query.
    fn read(query: &str) -> Result<(Self, String), Error> {
        let (mut own, mut others) = (Self::default(), String::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("sentinel_username", name)) => own.username = Some(decoded(name)?),
                Some(("sentinel_password", password)) => own.password = Some(decoded(password)?),
                _ => {
                    others.push(if others.is_empty() { '?' } else { '&' });
                    others.push_str(part);
                }
            }
        }
        Ok((own, others))
    }
}

/// Without percent-encoding.
fn decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next(), rest.next()]);
        let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
        bytes.push(match digits {
            None => byte,
            Some([high, low]) => digit(high)
                .zip(digit(low))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                .ok_or_else(not_encoded)?,
        });
    }
    String::from_utf8(bytes).map_err(|_| not_encoded())
}

fn not_encoded() -> Error {
    config("the Redis URL can't be used: the sentinels' user or password is not percent-encoded")
}

/// Several hosts in one URL: `user:password@host:port,host:port/path?query#fragment`.
#[derive(Clone)]
struct List {
    scheme: String,
    user: String,
    hosts: Vec<String>,
    path: String,
}

impl List {
    fn read(scheme: &str, rest: &str) -> Result<Self, Error> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let hosts: Vec<_> = hosts.split(',').map(|host| host.trim().to_owned()).collect();
        if hosts.iter().any(String::is_empty) {
            return Err(config("the Redis URL names no host, or has an empty place in its list of hosts"));
        }
        Ok(Self { scheme: scheme.to_owned(), user, hosts, path: path.to_owned() })
    }

    fn url(&self, host: &str, path: &str) -> String {
        let slash = if path.is_empty() || path.starts_with(['/', '?', '#']) { "" } else { "/" };
        format!("{}://{}{host}{slash}{path}", self.scheme, self.user)
    }
}

/// One server. The `redis` crate's messages say what is wrong with a URL and never quote it (but for a protocol's name).
fn one(url: &str, scheme: &str) -> Result<ConnectionInfo, Error> {
    if !matches!(scheme, "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" | "valkey+unix") {
        return Err(config(
            "the Redis URL must begin with redis://, rediss://, valkey://, valkeys://, unix:// or one of the lists, redis+sentinel:// and redis+cluster://",
        ));
    }
    if !cfg!(feature = "redis-tls") && matches!(scheme, "rediss" | "valkeys") {
        return Err(config("the Redis URL asks for TLS: build cached-runtime with the feature `redis-tls`"));
    }
    let info = url.into_connection_info().map_err(|error| {
        let detail = error.to_string();
        let what = detail.split(" - ").next().unwrap_or("it did not parse");
        config(format!(
            "the Redis URL can't be used: {what}; special characters of user and password are percent-encoded"
        ))
    })?;
    if info.redis_settings().db() < 0 {
        return Err(config("the Redis URL has a negative database number"));
    }
    Ok(info)
}

fn finish_info(info: ConnectionInfo, tls: &Tls) -> Result<ConnectionInfo, Error> {
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("cached-runtime", env!("CARGO_PKG_VERSION"));
    let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true).set_keepalive(
        redis::io::tcp::socket2::TcpKeepalive::new()
            .with_time(Duration::from_secs(15))
            .with_interval(Duration::from_secs(5)),
    );
    // What was sent and is not acknowledged for this long ends the connection, where the system can do it.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    with_tls(info.set_redis_settings(settings).set_tcp_settings(tcp), tls)
}

#[cfg(feature = "redis-tls")]
fn with_tls(info: ConnectionInfo, tls: &Tls) -> Result<ConnectionInfo, Error> {
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => {
            return Err(config(
                "the Redis URL says #insecure: certificates are always checked; trust your own with `root_certificates`",
            ));
        }
        ConnectionAddr::TcpTls { .. } if tls.is_set() => {}
        _ => return Ok(info),
    }
    redis::Client::build_with_tls(info, tls.certificates())
        .map(|client| client.get_connection_info().clone())
        .map_err(|error| config(format!("the certificates can't be used: {error}")))
}

#[cfg(not(feature = "redis-tls"))]
#[expect(clippy::unnecessary_wraps, reason = "as the one with the feature")]
fn with_tls(info: ConnectionInfo, _: &Tls) -> Result<ConnectionInfo, Error> {
    Ok(info)
}

#[cfg(feature = "redis-tls")]
impl Tls {
    pub(crate) fn is_set(&self) -> bool {
        self.roots.is_some() || self.client.is_some()
    }

    pub(crate) fn certificates(&self) -> redis::TlsCertificates {
        redis::TlsCertificates {
            client_tls: self
                .client
                .clone()
                .map(|(client_cert, client_key)| redis::ClientTlsConfig { client_cert, client_key }),
            root_cert: self.roots.clone(),
        }
    }
}

/// Sentinels listen on a port of their own, unless the URL says so.
fn with_sentinel_port(info: ConnectionInfo, host: &str) -> ConnectionInfo {
    let has_port =
        host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if has_port { info } else { at_port(info, SENTINEL_PORT) }
}

fn at_port(info: ConnectionInfo, port: u16) -> ConnectionInfo {
    let (ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }) = info.addr() else { return info };
    let host = host.clone();
    at(info, host, port)
}

/// The same server settings at another address.
pub(crate) fn at(info: ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let addr = match info.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.set_addr(addr)
}

impl Target {
    pub(crate) fn is_cluster(&self) -> bool {
        match self {
            Self::Single(_) | Self::Sentinel { .. } => false,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster { .. } => true,
        }
    }

    /// Where it is, without user and password.
    pub(crate) fn address(&self) -> Arc<str> {
        let list = |nodes: &[ConnectionInfo]| {
            nodes.iter().map(|node| host_and_port(node.addr())).collect::<Vec<_>>().join(",")
        };
        match self {
            Self::Single(info) => match info.addr() {
                ConnectionAddr::Unix(path) => format!("unix://{}", path.display()),
                addr => format!("{}://{}/{}", scheme(addr), host_and_port(addr), info.redis_settings().db()),
            },
            Self::Sentinel { sentinels, master, like } => {
                format!(
                    "{}+sentinel://{}/{master}/{}",
                    scheme(like.addr()),
                    list(sentinels),
                    like.redis_settings().db()
                )
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster { nodes } => {
                let scheme = nodes.first().map_or("redis", |node| scheme(node.addr()));
                format!("{scheme}+cluster://{}", list(nodes))
            }
        }
        .into()
    }
}

fn scheme(addr: &ConnectionAddr) -> &'static str {
    if matches!(addr, ConnectionAddr::TcpTls { .. }) { "rediss" } else { "redis" }
}

pub(crate) fn host_and_port(addr: &ConnectionAddr) -> String {
    match addr {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } if host.contains(':') => {
            format!("[{host}]:{port}")
        }
        addr => addr.to_string(),
    }
}

/// The same without what only newer servers understand.
pub(crate) fn old_protocol(info: &ConnectionInfo) -> ConnectionInfo {
    let settings: RedisConnectionInfo =
        info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
    info.clone().set_redis_settings(settings)
}

fn config(cause: impl Into<Arc<str>>) -> Error {
    Error::new(ErrorKind::Config, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<String, String> {
        let target = Servers::new(url.to_owned()).parse(&Tls::default());
        target.map(|target| target.address().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_shown_without_user_and_password() {
        for (url, shown) in [
            ("redis://host", "redis://host:6379/0"),
            ("valkey://host:7/3", "redis://host:7/3"),
            ("redis://user:s3cret@host:7/3", "redis://host:7/3"),
            ("redis://:p%40ss@[::1]:7", "redis://[::1]:7/0"),
            ("unix:///run/redis.sock?db=1&user=u&pass=s3cret", "unix:///run/redis.sock"),
            ("redis+unix:///run/redis.sock", "unix:///run/redis.sock"),
            ("redis+sentinel://u:s3cret@a,b:5/main", "redis+sentinel://a:26379,b:5/main/0"),
            ("redis+sentinel://a/main/2", "redis+sentinel://a:26379/main/2"),
            ("redis+sentinel://a/main/2?sentinel_password=s3cret", "redis+sentinel://a:26379/main/2"),
        ] {
            assert_eq!(address(url), Ok(shown.to_owned()), "{url}");
        }
    }

    #[test]
    fn bad_urls_are_told_apart_and_never_quoted() {
        for (url, what) in [
            ("", "no scheme"),
            ("s3cret", "no scheme"),
            ("http://user:s3cret@host", "must begin with"),
            ("redis://user:s3cret@host:notaport", "did not parse"),
            ("redis://user:s3cret@host:6379/s3cret", "Invalid database number"),
            ("redis://user:s3cret@host:6379/-1", "negative database"),
            ("redis://user:s3cret@", "did not parse"),
            ("redis://user:s3#cret@host", "did not parse"),
            ("redis://user:s3cret@host/?protocol=s3cret", "Invalid protocol"),
            ("redis+sentinel://user:s3cret@host", "master's name"),
            ("redis+sentinel://user:s3cret@a,,b/main", "empty place"),
            ("redis+sentinel:///main", "names no host"),
            ("redis+sentinel://a/main?sentinel_password=s3cret%4", "not percent-encoded"),
            ("redis+sentinel://a/main?sentinel_username=s3cret", "without a password"),
            ("redis+sentinel://a/main/x?sentinel_password=s3cret", "Invalid database number"),
        ] {
            let error = address(url).unwrap_err();
            assert!(error.contains(what), "{url}: {error}");
            assert!(!error.contains("s3cret") && !error.contains("s3#"), "{url}: {error}");
        }
    }

    #[test]
    fn code_overrides_the_url() {
        let mut servers = Servers::new("redis://one:two@host/3".to_owned());
        servers.username = Some("me".to_owned());
        servers.password = Some("mine".to_owned());
        servers.database = Some(5);
        let Ok(Target::Single(info)) = servers.parse(&Tls::default()) else { panic!("one server") };
        assert_eq!(info.redis_settings().username(), Some("me"));
        assert_eq!(info.redis_settings().password(), Some("mine"));
        assert_eq!(info.redis_settings().db(), 5);
    }

    #[test]
    fn the_master_gets_user_and_password_and_the_sentinels_do_not() {
        let servers = Servers::new("redis+sentinel://u:p@a,b/main/2".to_owned());
        let Ok(Target::Sentinel { sentinels, master, like }) = servers.parse(&Tls::default()) else {
            panic!("sentinels")
        };
        assert_eq!(master, "main");
        assert!(sentinels.iter().all(|sentinel| sentinel.redis_settings().password().is_none()));
        assert_eq!(like.redis_settings().password(), Some("p"));
        assert_eq!(like.redis_settings().db(), 2);
    }

    #[test]
    fn the_sentinels_have_a_user_and_password_of_their_own() {
        let url = "redis+sentinel://u:p@a,b/main/2?sentinel_username=s&sentinel_password=p%40%25ss";
        let mut servers = Servers::new(url.to_owned());
        let Ok(Target::Sentinel { sentinels, like, .. }) = servers.parse(&Tls::default()) else { panic!("sentinels") };
        for sentinel in sentinels {
            let of = sentinel.redis_settings();
            assert_eq!((of.username(), of.password(), of.db()), (Some("s"), Some("p@%ss"), 0));
        }
        let of = like.redis_settings();
        assert_eq!((of.username(), of.password(), of.db()), (Some("u"), Some("p"), 2));
        servers.sentinel_password = Some("by code".to_owned());
        let Ok(Target::Sentinel { sentinels, .. }) = servers.parse(&Tls::default()) else { panic!("sentinels") };
        assert_eq!(sentinels[0].redis_settings().password(), Some("by code"));
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn tls_without_its_feature_says_which() {
        assert!(address("rediss://host").is_err_and(|error| error.contains("`redis-tls`")));
    }

    #[cfg(not(feature = "redis-cluster"))]
    #[test]
    fn a_cluster_without_its_feature_says_which() {
        assert!(address("redis+cluster://a,b").is_err_and(|error| error.contains("`redis-cluster`")));
    }

    #[cfg(feature = "redis-cluster")]
    #[test]
    fn a_cluster_is_a_list_of_nodes() {
        assert_eq!(address("redis+cluster://u:p@a:1,b:2"), Ok("redis+cluster://a:1,b:2".to_owned()));
    }
}
