//! A server process that can't outlive its test, even one that is killed. It knows nothing of what the process serves.

use crate::{PATIENCE, eventually};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The parent of the server: a shell that reads the signals to send from its stdin. When that ends, for whatever reason, so does the server.
///
/// It ignores signals of its own: if the test dies while the server is stopped, the kernel sends SIGHUP to both, since nobody is left to
/// continue them. The server stays its unreaped child while signals are sent, so its number can't have become another process's.
const KEEPER: &str = r#"
trap '' HUP INT TERM
dir=$1; shift
mkdir -p "$dir" && cd "$dir" || exit 1
"$@" </dev/null >&2 & server=$!
exec 2>/dev/null
echo "$server"
while read -r signal; do kill -s "$signal" "$server"; echo "$signal"; done
kill -s KILL "$server"
wait "$server"
cd / && rm -rf "$dir"
"#;

/// A running process, what it printed, and whether it has ended.
#[derive(Debug)]
pub(super) struct Process {
    keeper: Child,
    // Closing it ends the keeper.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    id: u32,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    text: Mutex<String>,
    ended: AtomicBool,
}

impl Process {
    /// Runs `program` in the folder `dir`, which is made, and removed at the end.
    pub(super) fn start(program: &Path, dir: &Path, arguments: &[String]) -> Self {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(dir)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What a terminal sends to the test must reach the server through the keeper only.
            .process_group(0)
            .spawn()
            .expect("a shell");
        let (orders, answers) = (keeper.stdin.take(), keeper.stdout.take().expect("piped"));
        let output = Output::collect(keeper.stderr.take().expect("piped"));
        let mut process = Self { keeper, orders, answers: BufReader::new(answers), id: 0, output };
        process.id = process.answer().parse().expect("the number of the process");
        process
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Whether it has ended. Its last words are there then.
    pub(super) fn has_ended(&self) -> bool {
        self.output.ended.load(Ordering::SeqCst)
    }

    /// What it printed so far.
    pub(super) fn output(&self) -> String {
        self.output.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends `STOP`, `CONT`, `TERM` ...; it has been sent when this returns.
    pub(super) fn signal(&mut self, name: &str) {
        let orders = self.orders.as_mut().expect("it is closed on drop only");
        writeln!(orders, "{name}").expect("the keeper listens");
        assert_eq!(self.answer(), name, "the keeper's answer");
    }

    /// Sends `KILL`, and waits until the process has ended.
    pub(super) fn kill(&mut self) {
        self.signal("KILL");
        eventually("the end of a killed process", || self.has_ended());
    }

    /// Ends it, if it hasn't, and removes its folder.
    pub(super) fn end(&mut self) {
        self.orders = None;
        // Bounded, so that a machine in trouble gets a failing test and not a hanging one.
        let begun = Instant::now();
        while self.keeper.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the keeper answers");
        line.trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

impl Output {
    fn collect(from: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let filled = Arc::clone(&output);
        thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned() + "\n";
                filled.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            }
            // Nothing but the server holds the other end.
            filled.ended.store(true, Ordering::SeqCst);
        });
        output
    }
}
