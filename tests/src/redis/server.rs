//! A server of a test's own: without persistence, on a free port, gone with its value. It must never touch a server it didn't start.

use super::{Client, Reply, binary, process::Process};
use crate::PATIENCE;
use std::{
    env,
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process,
    sync::atomic::{AtomicU16, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// What a server shall be like.
#[derive(Debug, Clone, Default)]
pub struct Options {
    password: Option<String>,
    users: Vec<(String, String, String)>,
    settings: Vec<String>,
    socket: bool,
}

impl Options {
    /// The password of everybody who isn't a user of their own.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// A user with a password who may do what `rules` say (`~* &* +@all`).
    #[must_use]
    pub fn user(mut self, name: &str, password: &str, rules: &str) -> Self {
        self.users.push((name.to_owned(), password.to_owned(), rules.to_owned()));
        self
    }

    /// How much it may store (`2mb`) before it refuses writes.
    #[must_use]
    pub fn max_memory(self, bytes: &str) -> Self {
        self.set("maxmemory", bytes).set("maxmemory-policy", "noeviction")
    }

    /// A read-only copy of `master`.
    #[must_use]
    pub fn replica_of(self, master: &Server) -> Self {
        let mut replica = self;
        replica.settings.extend(["--replicaof".into(), "127.0.0.1".into(), master.port().to_string()]);
        match &master.options.password {
            Some(password) => replica.set("masterauth", password),
            None => replica,
        }
    }

    /// Also listens on a unix socket: see [`Server::socket_url`].
    #[must_use]
    pub fn unix_socket(mut self) -> Self {
        self.socket = true;
        self
    }

    /// Any directive of its configuration file.
    #[must_use]
    pub fn set(mut self, directive: &str, value: &str) -> Self {
        self.settings.extend([format!("--{directive}"), value.to_owned()]);
        self
    }

    /// Another word of the directive that was set last.
    #[must_use]
    pub fn more(mut self, value: &str) -> Self {
        self.settings.push(value.to_owned());
        self
    }

    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// When it doesn't.
    #[must_use]
    pub fn start(self) -> Server {
        let dir = new_dir();
        loop {
            let port = free_port();
            match Server::boot(&self, port, &dir) {
                Ok(process) => return Server { process, options: self, port, dir },
                // Somebody was faster on that port.
                Err(output) if output.contains("in use") => {}
                Err(output) => panic!("{} didn't start: {output}", binary().display()),
            }
        }
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    options: Options,
    port: u16,
    dir: PathBuf,
}

impl Server {
    /// One without any options.
    #[must_use]
    pub fn start() -> Self {
        Options::default().start()
    }

    /// One with options.
    #[must_use]
    pub fn with() -> Options {
        Options::default()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port it listens on, also after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, with the password if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// Its URL, as seen through a proxy at `address`.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        match &self.options.password {
            Some(password) => format!("redis://:{password}@{address}"),
            None => format!("redis://{address}"),
        }
    }

    /// The URL of its unix socket.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn socket_url(&self) -> String {
        assert!(self.options.socket, "it was started without `unix_socket`");
        format!("unix://{}", self.dir.join("socket").display())
    }

    /// The password of everybody who isn't a user of their own.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.options.password.as_deref()
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A client that bypasses the code under test.
    ///
    /// # Panics
    /// When the server can't be reached.
    #[must_use]
    pub fn client(&self) -> Client {
        connect(&self.options, self.port).unwrap_or_else(|e| panic!("{e}; the server said: {}", self.process.output()))
    }

    /// SIGSTOP: connections stay, nothing is answered.
    pub fn freeze(&mut self) {
        self.process.signal("STOP");
    }

    /// SIGCONT, after [`Server::freeze`].
    pub fn thaw(&mut self) {
        self.process.signal("CONT");
    }

    /// SIGKILL. Nobody listens on the port from then on, until [`Server::restart`].
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it anew, on the same port and without its data.
    ///
    /// # Panics
    /// When it doesn't start.
    pub fn restart(&mut self) {
        self.process.end();
        let begun = Instant::now();
        // A connection that the system still winds up can hold the port for a moment.
        self.process = loop {
            match Self::boot(&self.options, self.port, &self.dir) {
                Ok(process) => break process,
                Err(output) if output.contains("in use") && begun.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(output) => panic!("it didn't start again: {output}"),
            }
        };
    }

    /// A server that answers, or what it said before it ended.
    fn boot(options: &Options, port: u16, dir: &std::path::Path) -> Result<Process, String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut set = |directive: &str, value: &str| arguments.extend([format!("--{directive}"), value.to_owned()]);
        set("port", &port.to_string());
        set("bind", "127.0.0.1");
        set("save", "");
        set("appendonly", "no");
        set("repl-diskless-sync-delay", "0");
        if options.socket {
            set("unixsocket", &dir.join("socket").to_string_lossy());
        }
        if let Some(password) = &options.password {
            set("requirepass", password);
        }
        arguments.extend(options.settings.iter().cloned());

        let process = Process::start(binary(), dir, &arguments);
        let begun = Instant::now();
        loop {
            match answers(options, port, process.id()) {
                Ok(true) => return Ok(process),
                _ if process.has_ended() => return Err(process.output()),
                answer if begun.elapsed() > PATIENCE => {
                    return Err(format!("no answer: {answer:?}; it said: {}", process.output()));
                }
                _ => thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

/// Whether it is process `id` that listens there, and it is ready.
fn answers(options: &Options, port: u16, id: u32) -> io::Result<bool> {
    let mut client = connect(options, port)?;
    if client.info("server", "process_id")? != id.to_string() {
        return Ok(false);
    }
    let is_copy = options.settings.iter().any(|s| s == "--replicaof");
    if is_copy && client.info("replication", "master_link_status")? != "up" {
        return Ok(false);
    }
    for (name, password, rules) in &options.users {
        let mut rule =
            vec!["ACL".to_owned(), "SETUSER".into(), name.clone(), "reset".into(), "on".into(), format!(">{password}")];
        rule.extend(rules.split_whitespace().map(str::to_owned));
        if let Reply::Error(refused) = client.ask(&rule)? {
            panic!("user {name}: {refused}");
        }
    }
    Ok(true)
}

fn connect(options: &Options, port: u16) -> io::Result<Client> {
    let login = options.password.as_deref().map(|password| ("default", password));
    Client::connect((Ipv4Addr::LOCALHOST, port).into(), login)
}

/// A folder of one server's own, not made yet.
pub(super) fn new_dir() -> PathBuf {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    // Short, since the path of a socket must be.
    env::temp_dir().join(format!("cached-{}-{number}", process::id()))
}

/// A port on which nobody listens, with a free one 10,000 above for the bus of a cluster's node.
///
/// Both lie below those that systems give to outgoing connections: none of these can take the port of a server that is down for a moment.
pub(super) fn free_port() -> u16 {
    const FIRST: u16 = 11_000;
    const COUNT: u16 = 9_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run beside each other: each begins elsewhere.
    static BEGIN: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| RandomState::new().hash_one(process::id()));
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    (0..COUNT)
        .map(|_| u64::from(NEXT.fetch_add(1, Ordering::Relaxed)))
        .map(|n| FIRST + u16::try_from((*BEGIN % u64::from(COUNT) + n) % u64::from(COUNT)).expect("less than COUNT"))
        .find(|&port| is_free(port) && is_free(port + 10_000))
        .expect("a free port")
}
