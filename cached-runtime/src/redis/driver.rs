//! One background thread that drives every connection, and how callers wait for it. Must never run a user's code: no
//! bodies, no codecs, no loggers.
//!
//! Connections that lived on the callers' runtimes would die with them (each `#[tokio::test]` has its own) and would
//! need one at all. Here a caller only sends to and hears from this thread, so any executor will do, or none.

use super::place::Place;
use crate::error::{Error, ErrorKind};
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Id, Runtime};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

/// A waiting thread looks again this often, so that a driver that is stuck can't keep it for ever: the operations'
/// futures look at the clock themselves whenever they are polled.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The name of the thread.
pub(crate) const THREAD: &str = "cached-redis";

static DRIVER: Mutex<Option<Driver>> = Mutex::new(None);

/// The background thread's runtime.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    handle: Handle,
    /// The threads on which users' code is called.
    theirs: Handle,
    /// How much of it runs there or waits to.
    called: Arc<AtomicUsize>,
    /// A forked child has the memory of this but not the thread.
    process: u32,
    /// It panicked in its innermost, and another one has to be started.
    gone: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
}

/// Whether operations are under way.
#[derive(Debug, Default)]
struct Pulse {
    used: AtomicBool,
    ticking: AtomicBool,
}

/// While in use the driver has a timer that rings this soon. A deadline that is set then is never the next to ring, and
/// needs no wake-up of the thread (which costs as much as the operation itself).
const TICK: Duration = Duration::from_millis(10);
/// Ticks without any use, after which it rests.
const IDLE_TICKS: u32 = 50;

/// So much of users' code waits at most, behind some that hangs or is slower than what it is told of.
const CALLED: usize = 16 * 1024;

/// The driver of this process, started if need be.
pub(crate) fn driver() -> Result<Driver, Error> {
    let mut known = DRIVER.lock();
    if let Some(driver) = known.as_ref().filter(|driver| driver.is_alive()) {
        return Ok(driver.clone());
    }
    let driver = start().map_err(|error| {
        Error::new(ErrorKind::Unreachable, format!("the thread for Redis connections could not be started: {error}"))
    })?;
    *known = Some(driver.clone());
    Ok(driver)
}

fn start() -> std::io::Result<Driver> {
    let build = |name, builder: &mut Builder| {
        let runtime = builder.max_blocking_threads(4).thread_name(name).build()?;
        std::io::Result::Ok((runtime.handle().clone(), Ends(Some(runtime))))
    };
    let (handle, runtime) = build("cached-redis-io", Builder::new_current_thread().enable_all())?;
    // No more than its threads: it drives nothing.
    let (their_handle, theirs) = build("cached-redis-told", &mut Builder::new_current_thread())?;
    let gone = Arc::new(AtomicBool::new(false));
    let driver = Driver {
        handle,
        theirs: their_handle,
        called: Arc::default(),
        process: std::process::id(),
        gone: Arc::clone(&gone),
        pulse: Arc::default(),
    };
    std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || drive(runtime, theirs, &gone))?;
    Ok(driver)
}

async fn tick(pulse: Arc<Pulse>) {
    let mut idle = 0;
    while idle < IDLE_TICKS {
        tokio::time::sleep(TICK).await;
        idle = if pulse.used.swap(false, Ordering::Relaxed) { 0 } else { idle + 1 };
    }
    pulse.ticking.store(false, Ordering::Relaxed);
}

/// For ever. Panics of tasks don't come here; what does leaves the runtime without its inner parts.
fn drive(runtime: Ends, theirs: Ends, gone: &AtomicBool) {
    let _ = catch_unwind(AssertUnwindSafe(|| runtime.0.as_ref().map(|it| it.block_on(std::future::pending::<()>()))));
    gone.store(true, Ordering::Release);
    // Ends the tasks, and so the waits of their callers.
    drop(runtime);
    drop(theirs);
}

/// A runtime that ends when it is dropped, wherever that is: if no thread can be started for it, that may be inside of another
/// runtime, where its own drop panics.
struct Ends(Option<Runtime>);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| runtime.shutdown_background()));
        }
    }
}

/// tokio panics where there is no thread for it and none can be started; it is run once there is one.
fn spawn_blocking(handle: &Handle, work: impl FnOnce() + Send + 'static) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(handle.spawn_blocking(work))));
}

impl Driver {
    pub(crate) fn is_alive(&self) -> bool {
        !self.is_of_another_process() && !self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn is_of_another_process(&self) -> bool {
        self.process != std::process::id()
    }

    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn(work)
    }

    fn beat(&self) {
        // Looked at first: storing would move the line between the callers' cores each time.
        if !self.pulse.used.load(Ordering::Relaxed) {
            self.pulse.used.store(true, Ordering::Relaxed);
            if !self.pulse.ticking.swap(true, Ordering::Relaxed) {
                drop(self.handle.spawn(tick(Arc::clone(&self.pulse))));
            }
        }
    }

    /// On another thread of the driver's, which may block for a moment. Hosts' names are looked up on these as well, so it
    /// must neither run a user's code nor wait for the driver.
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        spawn_blocking(&self.handle, work);
    }

    /// On a thread that nothing else waits for: a user's code, which may hang. Where too much waits already it is dropped.
    pub(crate) fn call_back(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(place) = Place::among(Arc::clone(&self.called), CALLED) {
            spawn_blocking(&self.theirs, move || {
                let _until_it_ends = place;
                work();
            });
        }
    }

    /// `work`, until `deadline`, on any executor. An answer that is there is taken however late this is polled.
    pub(crate) fn within<F: Future>(&self, deadline: Instant, work: F) -> Within<'_, F> {
        Within { work, deadline, driver: self, timer: None, shield: None }
    }

    /// Whether it is this driver's runtime.
    pub(crate) fn is(&self, runtime: Id) -> bool {
        self.handle.id() == runtime
    }

    fn timer(&self, deadline: Instant) -> Pin<Box<Sleep>> {
        self.beat();
        let _context = self.handle.enter();
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

thread_local! {
    /// This thread waits for what it polls, and may as well wait inside.
    static BLOCKS: Cell<bool> = const { Cell::new(false) };
}

/// Whether whoever polls now is a thread that waits: it may be blocked for a moment.
pub(crate) fn is_blocking() -> bool {
    BLOCKS.get()
}

/// Says so until it is dropped.
struct Blocks(bool);

impl Blocks {
    fn begin() -> Self {
        Self(BLOCKS.replace(true))
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        BLOCKS.set(self.0);
    }
}

/// Runs `work` on this thread, which sleeps while there is nothing to do. Fit for threads of any runtime and of none.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    // Inside a task of a tokio runtime, that task's share of polls would apply: once it is used up, everything of
    // tokio's is pending until the task yields, which it can't do while this waits.
    let mut work = pin!(tokio::task::unconstrained(work));
    let unpark = Arc::new(Unpark { thread: std::thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut context = Context::from_waker(&waker);
    let _blocks = Blocks::begin();
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        if !unpark.woken.load(Ordering::Acquire) {
            std::thread::park_timeout(LOOK_AGAIN);
        }
        unpark.woken.store(false, Ordering::Release);
    }
}

/// The deadline came first.
#[derive(Debug)]
pub(crate) struct Late;

pin_project! {
    /// `work`, until a deadline.
    #[derive(Debug)]
    pub(crate) struct Within<'d, F> {
        #[pin]
        work: F,
        deadline: Instant,
        driver: &'d Driver,
        // Made when the work turns out to take time.
        timer: Option<Pin<Box<Sleep>>>,
        shield: Option<(Waker, Waker)>,
    }
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, Late>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let shielded = shielded(this.shield, cx.waker());
        let mut cx = Context::from_waker(shielded);
        if let Poll::Ready(done) = this.work.poll(&mut cx) {
            return Poll::Ready(Ok(done));
        }
        // Not left to the timer alone: a stuck driver rings no timers, and those of a dead one panic.
        if Instant::now() < *this.deadline && this.driver.is_alive() {
            let timer = this.timer.get_or_insert_with(|| this.driver.timer(*this.deadline));
            ready!(timer.as_mut().poll(&mut cx));
        }
        Poll::Ready(Err(Late))
    }
}

/// A waker whose panics end here: it is foreign code, and rung on the driver, whose timers would not survive it.
struct Shield(Waker);

impl Wake for Shield {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.wake_by_ref()));
    }
}

/// `waker`, shielded; kept as long as the caller stays the same.
fn shielded<'s>(kept: &'s mut Option<(Waker, Waker)>, waker: &Waker) -> &'s Waker {
    let fits = kept.as_ref().is_some_and(|(before, _)| before.will_wake(waker));
    let shield = || (waker.clone(), Waker::from(Arc::new(Shield(waker.clone()))));
    if !fits {
        *kept = Some(shield());
    }
    &kept.get_or_insert_with(shield).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    struct Bomb;

    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }

    fn deadline(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[test]
    fn a_deadline_ends_a_wait_without_any_runtime() {
        let driver = driver().unwrap();
        let start = Instant::now();
        assert!(block_on(driver.within(deadline(50), pending::<()>())).is_err());
        // Another test of this process panics on purpose at the driver, which takes a while.
        assert!((50..500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        assert_eq!(block_on(driver.within(deadline(0), ready(7))).ok(), Some(7), "an answer that is there counts");
    }

    #[test]
    fn it_ticks_while_in_use_only() {
        let driver = start().unwrap();
        assert!(block_on(driver.within(deadline(30), pending::<()>())).is_err());
        assert!(driver.pulse.ticking.load(Ordering::Relaxed));
        std::thread::sleep(TICK * (IDLE_TICKS + 40));
        assert!(!driver.pulse.ticking.load(Ordering::Relaxed));
        assert!(block_on(driver.within(deadline(30), pending::<()>())).is_err());
        assert!(driver.pulse.ticking.load(Ordering::Relaxed));
    }

    #[test]
    fn what_waits_for_code_that_hangs_is_bounded() {
        let driver = start().unwrap();
        let (hanging, ran) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let call = || {
            let (hanging, ran) = (Arc::clone(&hanging), Arc::clone(&ran));
            driver.call_back(move || {
                drop(hanging.lock());
                ran.fetch_add(1, Ordering::Relaxed);
            });
        };
        let ends = || {
            while driver.called.load(Ordering::Acquire) > 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            ran.load(Ordering::Relaxed)
        };
        let hangs = hanging.lock();
        (0..CALLED + 100).for_each(|_| call());
        drop(hangs);
        assert_eq!(ends(), CALLED);
        call();
        assert_eq!(ends(), CALLED + 1, "there is room again");
    }

    /// What a container does whose processes have as many threads as they may: here a limit on memory keeps others from
    /// starting. In a process of its own, whose limit this one sets: for that, too, memory is needed.
    #[cfg(target_os = "linux")]
    #[test]
    fn without_another_thread_nothing_panics() {
        use std::io::{BufRead, BufReader, Write};
        use std::process::{Command, Stdio};
        const ALONE: &str = "redis::driver::tests::without_another_thread_nothing_panics";
        const STEPS: [&str; 2] = ["to be limited", "not to be limited"];
        if std::env::var_os("CACHED_TEST_ALONE").is_some() {
            return without_another_thread(STEPS);
        }
        let mut alone = Command::new(std::env::current_exe().unwrap())
            .args([ALONE, "--exact", "--test-threads=1", "--nocapture"])
            .envs([("CACHED_TEST_ALONE", "1"), ("RUST_BACKTRACE", "0")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut tell, said) = (alone.stdin.take().unwrap(), BufReader::new(alone.stdout.take().unwrap()));
        let mut lines = said.lines();
        for step in STEPS {
            assert!(lines.any(|line| line.unwrap().ends_with(step)), "it ended before it asked {step}");
            let status = std::fs::read_to_string(format!("/proc/{}/status", alone.id())).unwrap();
            let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.strip_suffix(" kB")).unwrap();
            let room = (size.trim().parse::<u64>().unwrap() + 1024) * 1024;
            let limit = if step == STEPS[0] { room.to_string() } else { "unlimited".to_owned() };
            let process = alone.id().to_string();
            let prlimit = Command::new("prlimit").args(["--pid", &process, &format!("--as={limit}:")]).status();
            assert!(prlimit.is_ok_and(|it| it.success()), "`prlimit` is needed: apt-get install util-linux");
            writeln!(tell).unwrap();
        }
        assert!(alone.wait().unwrap().success(), "{:?}", lines.collect::<Vec<_>>());
    }

    #[cfg(target_os = "linux")]
    fn without_another_thread([limited, unlimited]: [&str; 2]) {
        let ask = |what: &str| {
            println!("{what}");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        };
        let driver = start().unwrap();
        block_on(driver.spawn(ready(()))).unwrap();
        ask(limited);
        assert!(std::thread::Builder::new().spawn(|| {}).is_err(), "there is room for a thread");
        driver.call_back(|| {});
        driver.spawn_blocking(|| {});
        super::super::envelope::stamp();
        let client = super::super::Client::named("default");
        let runtime = Builder::new_current_thread().build().unwrap();
        let fails = |error: &Error| error.kind() == ErrorKind::Unreachable;
        let linked = runtime.block_on(async { client.link() });
        assert!(linked.as_ref().is_err_and(fails), "{linked:?}");
        // It passes.
        ask(unlimited);
        assert!(client.link().is_ok());
    }

    #[test]
    fn it_survives_panicking_work() {
        let driver = driver().unwrap();
        for _ in 0..3 {
            let task = driver.spawn(async { panic!("on purpose") });
            assert!(block_on(task).is_err());
        }
        assert_eq!(block_on(driver.spawn(ready(7))).ok(), Some(7));
    }

    #[test]
    fn a_panicking_waker_does_not_end_it() {
        let driver = driver().unwrap();
        let waker = Waker::from(Arc::new(Bomb));
        let mut call = Box::pin(driver.within(deadline(20), pending::<()>()));
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        std::thread::sleep(Duration::from_millis(60));
        let start = Instant::now();
        assert!(block_on(driver.within(deadline(50), pending::<()>())).is_err());
        assert!(start.elapsed() < Duration::from_millis(150), "timers still ring");
        assert_eq!(block_on(driver.spawn(ready(7))).ok(), Some(7));
    }

    #[test]
    fn one_that_dies_is_followed_by_another_and_its_waits_end() {
        let (one, gone) = (start().unwrap(), Duration::from_secs(5));
        let task = one.spawn(pending::<()>());
        let waiting = std::thread::spawn({
            let one = one.clone();
            move || block_on(one.within(Instant::now() + gone, pending::<()>())).is_err()
        });
        std::thread::sleep(Duration::from_millis(50));
        // Unshielded, as nothing in this crate is.
        let mut timer = one.timer(deadline(1));
        let waker = Waker::from(Arc::new(Bomb));
        assert!(timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let start = Instant::now();
        assert!(block_on(task).is_err_and(|e| e.is_cancelled()));
        assert!(waiting.join().unwrap() && start.elapsed() < gone / 2);
        assert!(!one.is_alive());
        assert_eq!(block_on(driver().unwrap().spawn(ready(7))).ok(), Some(7));
    }

    #[test]
    fn a_sync_wait_inside_a_task_that_used_up_its_share_of_polls_ends() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let driver = driver().unwrap();
        runtime.block_on(async {
            let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
            (0..1000).for_each(|n| send.send(n).unwrap());
            // Each takes a part of the task's share; at some point the channel claims to be empty.
            while std::future::poll_fn(|cx| Poll::Ready(receive.poll_recv(cx).is_ready())).await {}
            let start = Instant::now();
            assert!(block_on(driver.within(deadline(50), pending::<()>())).is_err());
            assert!(start.elapsed() < Duration::from_millis(200));
        });
    }
}
