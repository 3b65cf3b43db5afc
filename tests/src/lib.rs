//! What the tests share: counters, gates and bounded waits. It never knows how the cache works, and no test can hang in it.

mod pages;
#[cfg(unix)]
pub mod redis;

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Barrier, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// How long anything may take before a test calls it hung: far more than a busy machine needs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Below the second after which a nested wait or an unpolled leader is given up: what ends within it was not helped by a bound.
pub const AT_ONCE: Duration = Duration::from_millis(800);

/// Counts executions of a body.
#[derive(Debug, Default)]
pub struct Counter(AtomicUsize);

impl Counter {
    /// At zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts one; returns how many there are now.
    pub fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A door that opens once; threads and tasks wait before it.
#[derive(Debug)]
pub struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
    tasks: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed one.
    #[must_use]
    pub const fn new() -> Self {
        Self { open: Mutex::new(false), changed: Condvar::new(), tasks: Semaphore::const_new(0) }
    }

    /// Lets everybody through, for good.
    pub fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
        self.tasks.close();
    }

    /// Blocks until it is open.
    ///
    /// # Panics
    /// When nobody opens it in time.
    pub fn wait(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (open, timeout) =
            self.changed.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap_or_else(PoisonError::into_inner);
        drop(open);
        assert!(!timeout.timed_out(), "nobody opened the gate");
    }

    /// Waits in a task until it is open.
    pub async fn passed(&self) {
        // A closed semaphore is an open gate.
        let _ = self.tasks.acquire().await;
    }
}

/// Runs `work` on a thread of its own and gives up on it after `limit`.
///
/// # Panics
/// With the panic of `work`, or when it takes longer.
pub fn within<T: Send + 'static>(limit: Duration, what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = mpsc::channel();
    let worker = thread::spawn(move || done.send(work()));
    match waiting.recv_timeout(limit) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not done within {limit:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => resume_unwind(panic),
            Ok(_) => unreachable!("a worker that ended without panic has sent its value"),
        },
    }
}

/// A thread that is started now and awaited later, with a deadline.
#[derive(Debug)]
pub struct Started<T>(mpsc::Receiver<thread::Result<T>>);

/// Starts `work` on a thread of its own.
pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    let (done, waiting) = mpsc::channel();
    thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(work))));
    Started(waiting)
}

impl<T> Started<T> {
    /// What the thread returned.
    ///
    /// # Panics
    /// With the panic of the thread, or when it does not end.
    pub fn end(self) -> T {
        self.outcome().unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// What the thread returned, or the panic that ended it.
    ///
    /// # Errors
    /// The payload of its panic.
    ///
    /// # Panics
    /// When it does not end.
    pub fn outcome(self) -> Result<T, Box<dyn Any + Send>> {
        self.0.recv_timeout(PATIENCE).expect("the thread did not end")
    }
}

/// Runs `work(0..n)` on `n` threads that start together; returns what they returned, in that order.
///
/// # Panics
/// With the panic of one of them, or when one does not end.
pub fn crowd<T: Send + 'static>(n: usize, work: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let (work, ready) = (Arc::new(work), Arc::new(Barrier::new(n)));
    let started: Vec<_> = (0..n)
        .map(|i| {
            let (work, ready) = (Arc::clone(&work), Arc::clone(&ready));
            start(move || {
                ready.wait();
                work(i)
            })
        })
        .collect();
    started.into_iter().map(Started::end).collect()
}

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not in time.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Gives threads that are known to be on their way the time to block. A test may only fail to notice something when this is too short, never fail.
pub fn let_them_block() {
    thread::sleep(Duration::from_millis(60));
}

fn block_on<F: Future>(runtime: &mut tokio::runtime::Builder, future: impl FnOnce() -> F) -> F::Output {
    let runtime = runtime.enable_all().build().expect("a runtime");
    let value = runtime.block_on(async { future().await });
    // A task that is stuck must not keep the test from ending.
    runtime.shutdown_background();
    value
}

/// Runs a future on a current-thread runtime, with a deadline.
///
/// # Panics
/// With its panic, or when it does not end.
pub fn run<F: Future<Output: Send + 'static>>(future: impl FnOnce() -> F + Send + 'static) -> F::Output {
    within(PATIENCE, "the future", || block_on(&mut tokio::runtime::Builder::new_current_thread(), future))
}

/// As [`run`], in tokio's virtual time: its sleeps take no time, and can be measured exactly.
///
/// # Panics
/// With its panic, or when it does not end.
pub fn run_virtual<F: Future<Output: Send + 'static>>(future: impl FnOnce() -> F + Send + 'static) -> F::Output {
    within(PATIENCE, "the future", || {
        block_on(tokio::runtime::Builder::new_current_thread().start_paused(true), future)
    })
}

/// As [`run`], on a runtime of four threads.
///
/// # Panics
/// With its panic, or when it does not end.
pub fn run_parallel<F: Future<Output: Send + 'static>>(future: impl FnOnce() -> F + Send + 'static) -> F::Output {
    within(PATIENCE, "the future", || block_on(tokio::runtime::Builder::new_multi_thread().worker_threads(4), future))
}

/// The text of a panic.
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("")
}
