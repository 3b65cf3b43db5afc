//! Servers and a faulty way to them, for the tests of this module. Must never outlive a test.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A real server of its own, killed on drop.
pub(super) struct Server {
    pub(super) port: u16,
    child: Child,
    extra: Vec<String>,
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(super) fn start(extra: &[&str]) -> Self {
        Self::start_at(free_port(), extra.iter().map(|s| (*s).to_owned()).collect())
    }

    fn start_at(port: u16, extra: Vec<String>) -> Self {
        let mut arguments: Vec<_> =
            ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
                .map(str::to_owned)
                .into();
        arguments.extend(extra.iter().cloned());
        Self::run(port, &arguments, extra)
    }

    fn run(port: u16, arguments: &[String], extra: Vec<String>) -> Self {
        let program = std::env::var("CACHED_TEST_REDIS").unwrap_or_else(|_| "redis-server".to_owned());
        let child = Command::new(&program)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}; set CACHED_TEST_REDIS to a redis-server or valkey-server"));
        let server = Self { port, child, extra };
        let start = Instant::now();
        // With TLS only there is no plain port.
        let tls = server.extra.iter().position(|s| s == "--tls-port").map(|at| server.extra[at + 1].parse().unwrap());
        while TcpStream::connect(("127.0.0.1", tls.unwrap_or(port))).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "{program} does not start");
            thread::sleep(Duration::from_millis(5));
        }
        // It comes after the port.
        let socket = server.extra.iter().position(|s| s == "--unixsocket").map(|at| server.extra[at + 1].clone());
        while socket.as_ref().is_some_and(|path| std::os::unix::net::UnixStream::connect(path).is_err()) {
            assert!(start.elapsed() < Duration::from_secs(10), "{program} has no socket");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// A sentinel with that configuration.
    pub(super) fn sentinel(conf: &str) -> Self {
        let port = free_port();
        let mut text = std::fs::read_to_string(conf).unwrap();
        text = format!("{text}port {port}\nbind 127.0.0.1\n");
        std::fs::write(conf, text).unwrap();
        Self::run(port, &[conf.to_owned(), "--sentinel".to_owned()], Vec::new())
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The server alone, by a connection of the tests' own; gives the raw answers.
    pub(super) fn raw(&self, commands: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(format!("{commands}\r\nQUIT\r\n").as_bytes()).unwrap();
        // A sentinel doesn't know QUIT, and stays.
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        String::from_utf8_lossy(&answers).into_owned()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()));
    }

    pub(super) fn stop(&self) {
        self.signal("-STOP");
    }

    pub(super) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Kills it, and gives how to start it anew at the same port.
    pub(super) fn kill(mut self) -> impl FnOnce() -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let (port, extra) = (self.port, self.extra.clone());
        move || Self::start_at(port, extra)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory of its own, removed on drop.
pub(super) struct Directory(pub(super) PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("cached-{}-{}", std::process::id(), free_port()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Three masters, each with a third of the slots.
#[cfg(feature = "redis-cluster")]
pub(super) fn cluster() -> (Vec<Server>, Directory) {
    let directory = Directory::new();
    let servers: Vec<_> = (0..3)
        .map(|n| {
            let nodes = directory.file(&format!("nodes{n}"));
            let bus = free_port().to_string();
            let fast = ["--cluster-node-timeout", "500", "--cluster-require-full-coverage", "no"];
            let own = ["--cluster-enabled", "yes", "--cluster-config-file", &nodes, "--cluster-port", &bus];
            let server = Server::start(&[&own[..], &fast[..]].concat());
            server.raw(&format!(
                "CLUSTER ADDSLOTSRANGE {} {}",
                n * 16384 / 3 + i32::from(n > 0),
                (n + 1) * 16384 / 3 - i32::from(n == 2)
            ));
            (server, bus)
        })
        .collect();
    for (server, bus) in &servers[1..] {
        servers[0].0.raw(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", server.port));
    }
    let start = Instant::now();
    while !servers.iter().all(|(server, _)| {
        server.raw("CLUSTER INFO").contains("cluster_state:ok")
            && server.raw("CLUSTER NODES").matches("connected").count() >= 3
    }) {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", servers[0].0.raw("CLUSTER INFO"));
        thread::sleep(Duration::from_millis(20));
    }
    (servers.into_iter().map(|(server, _)| server).collect(), directory)
}

/// Stands between client and server, and can freeze or cut what goes through.
pub(super) struct Proxy {
    pub(super) port: u16,
    ways: Arc<Mutex<Vec<Way>>>,
}

struct Way {
    pumps: Arc<Pumps>,
    ends: [TcpStream; 2],
}

#[derive(Default)]
struct Pumps {
    frozen: AtomicBool,
    /// What came since.
    held: Mutex<Vec<u8>>,
}

impl Proxy {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways: Arc<Mutex<Vec<Way>>> = Arc::default();
        let all = Arc::clone(&ways);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let pumps = Arc::<Pumps>::default();
                let ends = [&client, &server].map(|end| end.try_clone().unwrap());
                // Known before anything goes through it.
                all.lock().push(Way { pumps: Arc::clone(&pumps), ends });
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let pumps = Arc::clone(&pumps);
                    thread::spawn(move || pump(from, to, &pumps));
                }
            }
        });
        Self { port, ways }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What goes through existing connections stays underway; new ones are well.
    pub(super) fn freeze(&self) {
        self.ways.lock().iter().for_each(|way| way.pumps.frozen.store(true, Ordering::SeqCst));
    }

    /// Waits until something with these words is kept underway.
    pub(super) fn holds(&self, words: &str) {
        let begun = Instant::now();
        let holds = |way: &Way| way.pumps.held.lock().windows(words.len()).any(|held| held == words.as_bytes());
        while !self.ways.lock().iter().any(holds) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{words} never came");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn cut(&self) {
        for way in self.ways.lock().drain(..) {
            way.ends.iter().for_each(|end| drop(end.shutdown(Shutdown::Both)));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, pumps: &Pumps) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if pumps.frozen.load(Ordering::SeqCst) {
            pumps.held.lock().extend_from_slice(&buffer[..count]);
        }
        while pumps.frozen.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// How long this machine left a thread waiting that was ready to run, since `begun`: a bound on a time holds give or
/// take this. A thread of its own sleeps in short turns and notes by how much they are too long.
pub(super) fn stalled_since(begun: Instant) -> Duration {
    const TURN: Duration = Duration::from_millis(2);
    static STALLS: Mutex<Vec<(Instant, Duration)>> = Mutex::new(Vec::new());
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        thread::spawn(|| {
            loop {
                let from = Instant::now();
                thread::sleep(TURN);
                let late = from.elapsed().saturating_sub(TURN);
                if late > TURN / 2 {
                    STALLS.lock().push((Instant::now(), late));
                }
            }
        });
    });
    STALLS.lock().iter().filter(|(at, _)| *at >= begun).map(|(_, late)| *late).sum()
}
