//! Another process of the same test binary, that plays a role and can be killed. It must never outlive its parent.

use crate::PATIENCE;
use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{self, Child, Command, Stdio},
    sync::Arc,
    thread,
};

const PARENT: &str = "CACHED_TEST_PARENT";

/// A process that runs the test `role` of this binary, seen from the process that started it.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    line: BufReader<TcpStream>,
}

/// The process that started this one.
#[derive(Debug)]
pub struct Parent {
    line: BufReader<TcpStream>,
    voice: Voice,
}

/// What the threads of a peer speak with.
#[derive(Debug, Clone)]
pub struct Voice(Arc<TcpStream>);

/// Whether this is a process of the test's own, whose path (`tags::a_test`) is given. If not, such a process is started and
/// waited for, and the caller has nothing more to do.
///
/// # Panics
/// When the test fails in its own process.
#[must_use]
pub fn alone(test: &str) -> bool {
    const ALONE: &str = "CACHED_TEST_ALONE";
    if env::var(ALONE).is_ok_and(|alone| alone == test) {
        return true;
    }
    let process = Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ALONE, test)
        .stdin(Stdio::null())
        .output()
        .expect("this binary");
    let (said, complained) = (String::from_utf8_lossy(&process.stdout), String::from_utf8_lossy(&process.stderr));
    assert!(process.status.success(), "{test}, in a process of its own:\n{said}\n{complained}");
    assert!(said.contains("1 passed"), "is there no test `{test}`? {said}");
    false
}

impl Peer {
    /// Starts a process for the test of that path (`roles::leader`), which has to begin with [`Parent::of_this`].
    ///
    /// # Panics
    /// When it doesn't come up.
    #[must_use]
    pub fn start(role: &str) -> Self {
        Self::start_with(role, &[])
    }

    /// The same with variables of its environment.
    ///
    /// # Panics
    /// When it doesn't come up.
    #[must_use]
    pub fn start_with(role: &str, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut process = Command::new(env::current_exe().expect("this binary"))
            .args(["--exact", role, "--nocapture", "--test-threads=1"])
            .envs(variables.iter().copied())
            .env(PARENT, listener.local_addr().expect("a port").to_string())
            // Held open by this process: when it ends, so does the peer.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("this binary");
        let line = accept(&listener, &mut process, role);
        Self { process, line }
    }

    /// Sends a line.
    ///
    /// # Panics
    /// When the peer has gone.
    pub fn tell(&mut self, text: &str) {
        send(self.line.get_ref(), text).expect("the peer listens");
    }

    /// The next line that it says.
    ///
    /// # Panics
    /// When it doesn't say anything, or has gone.
    pub fn hear(&mut self) -> String {
        receive(&mut self.line).expect("the peer speaks")
    }

    /// Waits until it says just that.
    ///
    /// # Panics
    /// When it says something else.
    pub fn expect(&mut self, text: &str) {
        assert_eq!(self.hear(), text, "what the peer says");
    }

    /// SIGKILL, and waits until it has ended.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Parent {
    /// The parent, if this process is a peer; a role has nothing to do otherwise.
    ///
    /// # Panics
    /// When the parent has gone.
    #[must_use]
    pub fn of_this() -> Option<Self> {
        let address = env::var(PARENT).ok()?;
        thread::spawn(|| {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            process::exit(1);
        });
        let line = TcpStream::connect(address).expect("the parent listens");
        line.set_nodelay(true).expect("a socket");
        let voice = Voice(Arc::new(line.try_clone().expect("a socket")));
        Some(Self { line: BufReader::new(line), voice })
    }

    /// Sends a line.
    pub fn tell(&self, text: &str) {
        self.voice.tell(text);
    }

    /// For other threads to send lines with.
    #[must_use]
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// The next line that the parent says; none when it has nothing more to say.
    pub fn hear(&mut self) -> Option<String> {
        receive(&mut self.line).ok()
    }
}

impl Voice {
    /// Sends a line.
    pub fn tell(&self, text: &str) {
        // A parent that has gone is about to end this process.
        let _ = send(&self.0, text);
    }
}

fn accept(listener: &TcpListener, process: &mut Child, role: &str) -> BufReader<TcpStream> {
    listener.set_nonblocking(true).expect("a socket");
    let mut accepted = None;
    crate::eventually("the peer's first word", || {
        accepted = listener.accept().ok();
        let ended = process.try_wait().expect("its state");
        assert!(
            accepted.is_some() || ended.is_none(),
            "no peer: is `{role}` a test that begins with `Parent::of_this`?"
        );
        accepted.is_some()
    });
    let (line, _) = accepted.expect("just seen");
    line.set_nonblocking(false).expect("a socket");
    line.set_nodelay(true).expect("a socket");
    line.set_read_timeout(Some(PATIENCE)).expect("a socket");
    BufReader::new(line)
}

fn send(mut line: &TcpStream, text: &str) -> io::Result<()> {
    line.write_all(format!("{text}\n").as_bytes())
}

fn receive(line: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    match line.read_line(&mut text)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(text.trim_end().to_owned()),
    }
}
