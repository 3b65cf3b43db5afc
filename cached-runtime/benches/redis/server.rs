//! A server of the benchmark's own, without persistence, gone with its value. It must never use one that it didn't start.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running server; dropping it ends it.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    /// What it says of itself.
    pub(crate) version: String,
}

impl Server {
    /// Starts what `tests/server get` finds or fetches, on a free port.
    pub(crate) fn start() -> Result<Self, String> {
        let finder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/server");
        let found = Command::new(finder).arg("get").stderr(Stdio::inherit()).output().map_err(|e| e.to_string())?;
        if !found.status.success() {
            return Err("there is no Redis-compatible server".into());
        }
        let binary = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let version = Command::new(&binary).arg("--version").output().map_err(|e| e.to_string())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        drop(listener);
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()];
        let process = Command::new(&binary)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| format!("{binary} can't be run: {e}"))?;
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.split(" sha").next().unwrap_or_default().trim().to_owned();
        let server = Self { process, port, version };
        let begun = Instant::now();
        while !server.answers() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(format!("{binary} gives no answer"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            Ok::<_, std::io::Error>(&answer == b"+PONG")
        };
        ask().unwrap_or(false)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save, and nobody is left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
