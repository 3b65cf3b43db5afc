//! A Sentinel that knows one master by name: for clients that ask it where the master is. No replicas, no fail-over.

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
}

impl Sentinel {
    /// One that says that `master` is the master called `name`.
    ///
    /// # Panics
    /// When it doesn't start, or the master has a password.
    #[must_use]
    pub fn start(name: &str, master: &Server) -> Self {
        let (port, dir) = (server::free_port(), server::new_dir());
        // It keeps what it knows in its configuration, and won't start without.
        fs::create_dir_all(&dir).expect("a folder");
        let file = dir.join("sentinel.conf");
        let lines = [
            format!("port {port}"),
            "bind 127.0.0.1".into(),
            format!("sentinel monitor {name} 127.0.0.1 {} 1", master.port()),
        ];
        fs::write(&file, lines.join("\n") + "\n").expect("its configuration");
        let process = Process::start(binary(), &dir, &[file.to_string_lossy().into_owned(), "--sentinel".into()]);
        let sentinel = Self { process, port };
        let begun = Instant::now();
        while !sentinel.knows(name, master) {
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

    fn knows(&self, name: &str, master: &Server) -> bool {
        let answer = Client::connect(self.address(), None)
            .and_then(|mut client| client.ask(&["SENTINEL", "get-master-addr-by-name", name]));
        matches!(answer, Ok(Reply::List(parts)) if parts.last().map(Reply::text) == Some(master.port().to_string()))
    }
}
