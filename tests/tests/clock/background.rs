//! Loads that calls don't wait for: renewals in the background, `soft_timeout`; and loads that are not let run on: `timeout`.

use crate::{millis, secs};
use cached_runtime::{TimedOut, cached, clock};
use cached_tests::{Counter, Gate, eventually, run, run_parallel};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::yield_now;

#[derive(Clone, Debug, PartialEq)]
enum Failed {
    Down,
    TimedOut(TimedOut),
}

impl From<TimedOut> for Failed {
    fn from(error: TimedOut) -> Self {
        Self::TimedOut(error)
    }
}

#[derive(Default)]
struct State {
    runs: Counter,
    ends: Counter,
    dropped: Counter,
    hangs: AtomicBool,
    fails: AtomicBool,
    gate: Gate,
}

/// Gives how often it was asked, at once or when it may.
#[derive(Clone, Default)]
struct Source(Arc<State>);

impl Source {
    async fn load(&self) -> Result<usize, Failed> {
        struct Ends<'a>(&'a State, bool);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                if self.1 {
                    self.0.ends.up()
                } else {
                    self.0.dropped.up()
                };
            }
        }
        let run = self.0.runs.up();
        let mut ends = Ends(&self.0, false);
        if self.0.hangs.load(Ordering::SeqCst) {
            self.0.gate.passed().await;
        }
        ends.1 = true;
        if self.0.fails.load(Ordering::SeqCst) { Err(Failed::Down) } else { Ok(run) }
    }

    fn runs(&self) -> usize {
        self.0.runs.get()
    }

    fn hang(&self, hangs: bool) {
        self.0.hangs.store(hangs, Ordering::SeqCst);
    }

    fn fail(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::SeqCst);
    }
}

/// Lets other tasks run until then; the test's own runner bounds it.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

#[cached(skip(source), ttl = "60s", stale_while_revalidate = "10s")]
async fn renewed(source: &Source, name: &str, ids: &[u32]) -> Result<usize, Failed> {
    assert_eq!(ids, [1, 2], "{name}");
    source.load().await
}

async fn renewal(name: &'static str) {
    let (clock, source) = (clock::pause(), Source::default());
    let call = || renewed(&source, name, &[1, 2]);
    assert_eq!(call().await, Ok(1));
    clock.advance(secs(60));
    source.hang(true);
    assert_eq!(call().await, Ok(1), "the old value, at once");
    until(|| source.runs() == 2).await;
    for _ in 0..5 {
        assert_eq!(call().await, Ok(1), "one renewal is enough");
    }
    assert_eq!(source.runs(), 2);
    source.0.gate.open();
    until(|| source.0.ends.get() == 2).await;
    until(|| renewed::cache().get(&(name.to_owned(), vec![1, 2])) == Some(2)).await;
    assert_eq!(call().await, Ok(2));
    assert_eq!(source.runs(), 2);
}

#[test]
fn a_renewal_gives_the_old_value_at_once_and_the_new_one_after() {
    run(|| renewal("one thread"));
    run_parallel(|| renewal("many threads"));
}

#[test]
fn owned_and_generic_arguments_are_moved() {
    #[cached(skip(source), ttl = "60s", refresh_ahead = 0.5)]
    async fn moved<T: Clone + std::hash::Hash + Eq + Send + Sync + 'static>(
        source: Source,
        key: T,
    ) -> Result<usize, Failed> {
        drop(key);
        source.load().await
    }
    run(|| async {
        let (clock, source) = (clock::pause(), Source::default());
        let call = || moved(source.clone(), String::from("key"));
        assert_eq!(call().await, Ok(1));
        clock.advance(secs(30));
        assert_eq!((call().await, source.runs()), (Ok(1), 1), "it has only been spawned");
        until(|| source.0.ends.get() == 2).await;
        until(|| moved::stats().loads == 2).await;
        assert_eq!(call().await, Ok(2));
    });
}

#[test]
fn what_cannot_be_owned_is_renewed_by_the_call() {
    /// Not `Clone`.
    struct Db(Source);

    #[cached(skip(db), ttl = "60s", stale_while_revalidate = "10s")]
    async fn inline(db: &Db, n: u32) -> Result<usize, Failed> {
        assert_eq!(n, 1);
        db.0.load().await
    }
    run(|| async {
        let (clock, db) = (clock::pause(), Db(Source::default()));
        assert_eq!(inline(&db, 1).await, Ok(1));
        clock.advance(secs(60));
        assert_eq!(inline(&db, 1).await, Ok(2));
    });
}

#[test]
fn what_cannot_be_sent_is_renewed_by_the_call() {
    use std::rc::Rc;

    #[cached(skip(source), ttl = "60s", stale_while_revalidate = "10s")]
    async fn of_this_thread(source: &Source, n: u32) -> Result<usize, Failed> {
        let n = Rc::new(n);
        let got = source.load().await;
        assert_eq!(*n, 1);
        got
    }

    /// Itself, in its own future.
    #[cached(skip(source), ttl = "60s", stale_while_revalidate = "10s")]
    async fn recursive(source: &Source, n: u32) -> Result<usize, Failed> {
        if n > 1 {
            return Box::pin(recursive(source, n - 1)).await;
        }
        source.load().await
    }

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (clock, source) = (clock::pause(), Source::default());
        assert_eq!(of_this_thread(&source, 1).await, Ok(1));
        assert_eq!((recursive(&source, 1).await, recursive(&source, 2).await), (Ok(2), Ok(2)));
        clock.advance(secs(60));
        assert_eq!(of_this_thread(&source, 1).await, Ok(3));
        assert_eq!(recursive(&source, 1).await, Ok(4));
        assert_eq!(recursive(&source, 2).await, Ok(4));
    });
}

#[test]
fn outside_of_a_runtime_the_call_renews() {
    let (clock, source) = (clock::pause(), Source::default());
    let call = || futures::executor::block_on(renewed(&source, "no runtime", &[1, 2]));
    assert_eq!(call(), Ok(1));
    clock.advance(secs(60));
    assert_eq!(call(), Ok(2));
}

#[test]
fn a_failed_renewal_leaves_the_old_value_to_its_end() {
    run(|| async {
        let (clock, source) = (clock::pause(), Source::default());
        let call = || renewed(&source, "fails", &[1, 2]);
        assert_eq!(call().await, Ok(1));
        clock.advance(secs(60));
        source.fail(true);
        assert_eq!(call().await, Ok(1));
        until(|| source.0.ends.get() == 2).await;
        clock.advance(millis(9_999));
        assert_eq!(call().await, Ok(1));
        until(|| source.0.ends.get() == 3).await;
        clock.advance(millis(1));
        assert_eq!(call().await, Err(Failed::Down));
    });
}

#[test]
fn a_hung_renewal_blocks_no_expiry_and_brings_back_nothing() {
    run(|| async {
        let (clock, source) = (clock::pause(), Source::default());
        let call = || renewed(&source, "hangs", &[1, 2]);
        assert_eq!(call().await, Ok(1));
        clock.advance(secs(60));
        source.hang(true);
        assert_eq!(call().await, Ok(1));
        until(|| source.runs() == 2).await;
        clock.advance(secs(10));
        source.hang(false);
        assert_eq!(call().await, Ok(3), "it neither gets the old value nor waits for the renewal");
        source.0.gate.open();
        until(|| source.0.ends.get() == 3).await;
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!(call().await, Ok(3), "what began earlier came later");
    });
}

#[test]
fn a_runtime_that_ends_during_a_renewal_leaves_the_key_free() {
    let (clock, source) = (clock::pause(), Source::default());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let call = || renewed(&source, "ends", &[1, 2]);
    let first = runtime();
    assert_eq!(first.block_on(call()), Ok(1));
    clock.advance(secs(60));
    source.hang(true);
    assert_eq!(first.block_on(call()), Ok(1));
    first.block_on(until(|| source.runs() == 2));
    drop(first);
    assert_eq!(source.0.dropped.get(), 1, "the renewal went with its runtime");
    // Past the time in which nobody tries again.
    clock.advance(secs(2));
    source.hang(false);
    let second = runtime();
    assert_eq!(second.block_on(call()), Ok(1));
    second.block_on(until(|| source.0.ends.get() == 2));
    second.block_on(until(|| renewed::cache().get(&("ends".to_owned(), vec![1, 2])) == Some(3)));
}

// ---------- soft_timeout ----------

#[cached(skip(source), ttl = "60s", stale_if_error = "1h", soft_timeout = "20ms")]
async fn soft(source: &Source, name: &str) -> Result<usize, Failed> {
    assert!(!name.is_empty());
    source.load().await
}

async fn slow_load(name: &'static str) {
    let (clock, source) = (clock::pause(), Source::default());
    assert_eq!(soft(&source, name).await, Ok(1));
    clock.advance(secs(60));
    source.hang(true);
    let begun = std::time::Instant::now();
    assert_eq!(soft(&source, name).await, Ok(1), "the old value instead of waiting on");
    assert!(begun.elapsed() >= millis(20), "the load had its time");
    assert_eq!((source.runs(), source.0.ends.get(), source.0.dropped.get()), (2, 1, 0), "the load goes on");
    source.0.gate.open();
    until(|| soft::cache().get(&name.to_owned()) == Some(2)).await;
    assert_eq!(soft(&source, name).await, Ok(2));
    assert_eq!(source.runs(), 2, "what the load gave is kept");
}

#[test]
fn a_soft_timeout_gives_the_old_value_and_the_load_fills() {
    run(|| slow_load("one thread"));
    run_parallel(|| slow_load("many threads"));
}

#[test]
fn a_soft_timeout_needs_no_timer_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(slow_load("no timers"));
}

#[test]
fn without_an_old_value_a_soft_timeout_waits() {
    run(|| async {
        let (_clock, source) = (clock::pause(), Source::default());
        source.hang(true);
        let gate = source.clone();
        std::thread::spawn(move || {
            eventually("the load to begin", || gate.runs() == 1);
            // Longer than the soft timeout, so that it has been over before.
            std::thread::sleep(millis(60));
            gate.0.gate.open();
        });
        assert_eq!(soft(&source, "nothing old").await, Ok(1));
    });
}

#[test]
fn a_load_within_the_soft_timeout_gives_the_new_value() {
    #[cached(skip(source), ttl = "60s", stale_if_error = "1h", soft_timeout = "10m")]
    async fn patient(source: Source, n: u32) -> Result<usize, Failed> {
        assert_eq!(n, 1);
        yield_now().await;
        source.load().await
    }
    run(|| async {
        let (clock, source) = (clock::pause(), Source::default());
        assert_eq!(patient(source.clone(), 1).await, Ok(1));
        clock.advance(secs(60));
        assert_eq!(patient(source.clone(), 1).await, Ok(2));
    });
}

// ---------- timeout ----------

#[cached(skip(source), timeout = "20ms")]
async fn limited(source: &Source, name: &str) -> Result<usize, Failed> {
    assert!(!name.is_empty());
    source.load().await
}

async fn hung_load(name: &'static str) {
    let source = Source::default();
    source.hang(true);
    let (a, b) = futures::join!(limited(&source, name), limited(&source, name));
    for failed in [a, b] {
        let Err(Failed::TimedOut(error)) = failed else { panic!("{failed:?}") };
        assert_eq!(error.after(), millis(20));
    }
    assert_eq!((source.runs(), source.0.dropped.get()), (1, 1), "one load for both, and it was dropped");
    let refreshed = limited::refresh(&source, name).await;
    assert!(matches!(refreshed, Err(Failed::TimedOut(_))), "{refreshed:?}");
    source.hang(false);
    assert_eq!(limited(&source, name).await, Ok(3), "the key is free");
    assert_eq!(limited(&source, name).await, Ok(3));
}

#[test]
fn a_timeout_ends_the_load_with_an_error_and_frees_the_key() {
    run(|| hung_load("one thread"));
    run_parallel(|| hung_load("many threads"));
}

#[test]
fn a_timeout_needs_no_timer_and_no_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(hung_load("no timers"));
    futures::executor::block_on(hung_load("no runtime"));
}

#[test]
fn uncached_has_no_timeout() {
    run(|| async {
        let source = Source::default();
        source.hang(true);
        let gate = source.clone();
        std::thread::spawn(move || {
            eventually("the body to begin", || gate.runs() == 1);
            std::thread::sleep(millis(60));
            gate.0.gate.open();
        });
        assert_eq!(limited::uncached(&source, "uncached").await, Ok(1));
    });
}

#[test]
fn a_load_that_timed_out_has_failed() {
    #[cached(skip(source), ttl = "60s", stale_if_error = "1h", timeout = "20ms")]
    async fn fallback(source: &Source, n: u32) -> Result<usize, Failed> {
        assert_eq!(n, 1);
        source.load().await
    }
    run(|| async {
        let (clock, source) = (clock::pause(), Source::default());
        assert_eq!(fallback(&source, 1).await, Ok(1));
        clock.advance(secs(60));
        source.hang(true);
        assert_eq!(fallback(&source, 1).await, Ok(1), "the old value instead of the error");
        assert_eq!(source.0.dropped.get(), 1);
        clock.advance(secs(3600));
        assert!(matches!(fallback(&source, 1).await, Err(Failed::TimedOut(_))));
    });
}
