//! A Sentinel that knows one master by name: for clients that ask it where the master is, also after it has changed. It must
//! never be asked by the code under test for more than that.

use super::{Client, Reply, Server, binary, process::Process, server};
use crate::PATIENCE;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

/// A running Sentinel; dropping it ends it.
#[derive(Debug)]
pub struct Sentinel {
    process: Process,
    port: u16,
    password: Option<String>,
}

impl Sentinel {
    /// One that says that `master` is the master called `name`, and makes a replica of it the master when it is gone.
    ///
    /// # Panics
    /// When it doesn't start.
    #[must_use]
    pub fn start(name: &str, master: &Server) -> Self {
        Self::with_password(name, master, None)
    }

    /// The same, for who knows the Sentinel's own password.
    ///
    /// # Panics
    /// When it doesn't start.
    #[must_use]
    pub fn with_password(name: &str, master: &Server, password: Option<&str>) -> Self {
        let (port, dir) = (server::free_port(), server::new_dir());
        // It keeps what it knows in its configuration, and won't start without.
        fs::create_dir_all(&dir).expect("a folder");
        let file = dir.join("sentinel.conf");
        let mut lines = vec![
            format!("port {port}"),
            "bind 127.0.0.1".into(),
            format!("sentinel monitor {name} 127.0.0.1 {} 1", master.port()),
            format!("sentinel down-after-milliseconds {name} 1000"),
            format!("sentinel failover-timeout {name} 2000"),
        ];
        lines.extend(password.map(|password| format!("requirepass {password}")));
        lines.extend(master.password().map(|password| format!("sentinel auth-pass {name} {password}")));
        fs::write(&file, lines.join("\n") + "\n").expect("its configuration");
        let process = Process::start(binary(), &dir, &[file.to_string_lossy().into_owned(), "--sentinel".into()]);
        let sentinel = Self { process, port, password: password.map(str::to_owned) };
        let begun = Instant::now();
        while sentinel.port_of(name) != Some(master.port()) {
            let output = sentinel.process.output();
            assert!(
                !sentinel.process.has_ended() && begun.elapsed() < PATIENCE,
                "the Sentinel doesn't answer: {output}"
            );
            thread::sleep(Duration::from_millis(2));
        }
        sentinel
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Where the master called `name` is, as far as it knows.
    #[must_use]
    pub fn port_of(&self, name: &str) -> Option<u16> {
        match self.ask(&["SENTINEL", "get-master-addr-by-name", name])? {
            Reply::List(parts) => parts.last()?.text().parse().ok(),
            _ => None,
        }
    }

    /// Whether it has a replica to make the master of.
    #[must_use]
    pub fn has_replica(&self, name: &str) -> bool {
        matches!(self.ask(&["SENTINEL", "replicas", name]), Some(Reply::List(replicas)) if !replicas.is_empty())
    }

    fn ask(&self, words: &[&str]) -> Option<Reply> {
        let login = self.password.as_deref().map(|password| ("default", password));
        Client::connect(self.address(), login).and_then(|mut client| client.ask(words)).ok()
    }
}
