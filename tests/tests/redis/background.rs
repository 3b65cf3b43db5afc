//! Loads from Redis that calls don't wait for, through the attribute: renewals in the background, `soft_timeout`, `timeout`.
//! In real time: each short ttl is waited for, and what hangs does so until the test lets it go.

use cached_runtime::{TimedOut, cached};
use cached_tests::{Counter, Gate, redis::Server, run_parallel};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[derive(Clone, Debug, PartialEq)]
struct Failed(Option<TimedOut>);

impl From<TimedOut> for Failed {
    fn from(error: TimedOut) -> Self {
        Self(Some(error))
    }
}

#[derive(Default)]
struct State {
    runs: Counter,
    hangs: AtomicBool,
    gate: Gate,
}

/// Gives how often it was asked, at once or when it may.
#[derive(Clone, Default)]
struct Source(Arc<State>);

impl Source {
    async fn load(&self) -> Result<usize, Failed> {
        let run = self.0.runs.up();
        if self.0.hangs.load(Ordering::SeqCst) {
            self.0.gate.passed().await;
        }
        Ok(run)
    }

    fn hang(&self, hangs: bool) {
        self.0.hangs.store(hangs, Ordering::SeqCst);
    }
}

fn serve(name: &'static str) -> Server {
    let server = Server::start();
    crate::subject::patiently(&server.url()).install_as(name).expect("a good URL");
    server
}

const PAST_THE_TTL: Duration = Duration::from_millis(150);

#[test]
fn a_renewal_gives_the_old_value_at_once_and_the_new_one_after() {
    #[cached(backend = redis("bg_renewal"), skip(source), ttl = |_| Duration::from_millis(100), stale_while_revalidate = "10m")]
    async fn renewed(source: &Source, name: &str) -> Result<usize, Failed> {
        assert_eq!(name, "a");
        source.load().await
    }
    let _server = serve("bg_renewal");
    run_parallel(|| async {
        let source = Source::default();
        assert_eq!(renewed(&source, "a").await, Ok(1));
        sleep(PAST_THE_TTL).await;
        source.hang(true);
        for _ in 0..5 {
            assert_eq!(renewed(&source, "a").await, Ok(1), "the old value, at once");
        }
        while source.0.runs.get() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(renewed(&source, "a").await, Ok(1));
        assert_eq!(source.0.runs.get(), 2, "one renewal");
        source.hang(false);
        source.0.gate.open();
        while !matches!(renewed::get("a").await, Some(Ok(2))) {
            sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn a_soft_timeout_gives_the_old_value_and_the_load_fills() {
    #[cached(
        backend = redis("bg_soft"),
        skip(source),
        ttl = "100ms",
        stale_if_error = "10m",
        soft_timeout = "20ms"
    )]
    async fn soft(source: &Source, name: &str) -> Result<usize, Failed> {
        assert_eq!(name, "a");
        source.load().await
    }
    let _server = serve("bg_soft");
    run_parallel(|| async {
        let source = Source::default();
        assert_eq!(soft(&source, "a").await, Ok(1));
        sleep(PAST_THE_TTL).await;
        source.hang(true);
        assert_eq!(soft(&source, "a").await, Ok(1), "the old value instead of waiting on");
        while source.0.runs.get() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
        source.hang(false);
        source.0.gate.open();
        // Whichever load comes next, none gives the first value once the second is there.
        while soft(&source, "a").await == Ok(1) {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(soft::stats().stale >= 1, "{}", soft::stats());
    });
}

#[test]
fn promise_9_a_soft_timeout_gives_no_value_that_was_invalidated() {
    const SOFT: Duration = Duration::from_millis(100);
    /// When the body's invalidation was through.
    static GONE: Mutex<Option<Instant>> = Mutex::new(None);
    #[cached(backend = redis("bg_gone"), skip(acts), ttl = "100ms", stale_if_error = "10m", soft_timeout = SOFT)]
    async fn gone(acts: bool, name: &str) -> Result<u32, Failed> {
        if !acts {
            return Ok(1);
        }
        gone::invalidate(name).await.expect("a server");
        *GONE.lock().expect("no panic") = Some(Instant::now());
        // Long past the soft timeout.
        sleep(3 * SOFT).await;
        Ok(2)
    }
    let _server = serve("bg_gone");
    run_parallel(|| async {
        for _ in 0..100 {
            gone::invalidate("a").await.expect("a server");
            assert_eq!(gone(false, "a").await, Ok(1));
            sleep(PAST_THE_TTL).await;
            let begun = Instant::now();
            let given = gone(true, "a").await;
            let invalidated = GONE.lock().expect("no panic").take();
            if invalidated.is_some_and(|at| at < begun + SOFT) {
                return assert_eq!(given, Ok(2), "it was invalidated before the call was let go");
            }
            // Too slow this time: the load goes on.
            sleep(5 * SOFT).await;
        }
        panic!("no invalidation came in time");
    });
}

#[test]
fn a_timeout_ends_the_load_with_an_error_and_frees_the_key() {
    #[cached(backend = redis("bg_limit"), skip(source), ttl = "1h", timeout = "20ms")]
    async fn limited(source: &Source, name: &str) -> Result<usize, Failed> {
        assert_eq!(name, "a");
        source.load().await
    }
    let _server = serve("bg_limit");
    run_parallel(|| async {
        let source = Source::default();
        source.hang(true);
        let failed = limited(&source, "a").await.expect_err("it hangs");
        assert_eq!(failed.0.expect("by its limit").after(), Duration::from_millis(20));
        source.hang(false);
        assert_eq!(limited(&source, "a").await, Ok(2), "the key is free");
        assert_eq!(limited(&source, "a").await, Ok(2));
    });
}
