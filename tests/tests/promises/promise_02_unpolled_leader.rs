//! Promise 2, a counted exception: a leader that was woken but is polled no more hands over after a second; the classic is `select!` in a loop.

use cached_runtime::cached;
use cached_tests::{Counter, Gate, run, start};
use std::{
    pin::pin,
    time::{Duration, Instant},
};

/// The other arm asks for the key that the first arm is loading: without help the arm waits for a future that only its own end would poll.
#[test]
fn the_arm_of_a_select_asks_for_the_same_key() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn slow(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        tokio::time::sleep(Duration::from_millis(20)).await;
        n * 100 + run
    }
    let value = run(|| async {
        let mut leader = pin!(slow(7));
        tokio::select! {
            biased;
            _ = &mut leader => unreachable!("it sleeps longer"),
            () = tokio::time::sleep(Duration::from_millis(2)) => slow(7).await,
        }
    });
    assert_eq!((value, RUNS.get()), (702, 2));
}

#[test]
fn other_tasks_go_on_without_it() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn slow(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        tokio::time::sleep(Duration::from_millis(20)).await;
        n * 100 + run
    }
    run(|| async {
        let mut leader = Box::pin(slow(7));
        assert!(futures::poll!(leader.as_mut()).is_pending());
        let begun = Instant::now();
        let waiters: Vec<_> = (0..10).map(|_| tokio::spawn(slow(7))).collect();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), 702);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "after {:?}", begun.elapsed());
        assert_eq!(RUNS.get(), 2);
        // Polled at last, it ends with its own value, which is older than the entry.
        assert_eq!((leader.await, slow(7).await, RUNS.get()), (701, 702, 2));
    });
}

/// A leader that is waiting for something is not given up, however long it takes: only being woken and ignored counts.
#[test]
fn a_leader_that_was_not_woken_keeps_its_load() {
    static RUNS: Counter = Counter::new();
    static READY: Gate = Gate::new();
    #[cached]
    async fn slow(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        READY.passed().await;
        n * 100 + run
    }
    run(|| async {
        let leader = tokio::spawn(slow(7));
        tokio::task::yield_now().await;
        let waiter = tokio::spawn(slow(7));
        // Longer than the watchdog's second.
        tokio::time::sleep(Duration::from_millis(1600)).await;
        assert_eq!(RUNS.get(), 1);
        READY.open();
        assert_eq!((leader.await.unwrap(), waiter.await.unwrap(), RUNS.get()), (701, 701, 1));
    });
}

/// A poll that runs for long is progress.
#[test]
fn a_leader_whose_poll_runs_long_keeps_its_load() {
    static RUNS: Counter = Counter::new();
    static POLLING: Gate = Gate::new();
    #[cached]
    async fn busy(n: u64) -> u64 {
        let run = RUNS.up() as u64;
        tokio::task::yield_now().await;
        POLLING.open();
        std::thread::sleep(Duration::from_millis(1600));
        n * 100 + run
    }
    let leader = start(|| run(|| busy(7)));
    POLLING.wait();
    assert_eq!(run(|| busy(7)), 701);
    assert_eq!((leader.end(), RUNS.get()), (701, 1));
}

/// Futures do nothing until they are polled: one of the builder's that was only made must not look like a running load.
#[test]
fn a_future_of_the_builder_that_was_not_polled_yet() {
    let cache: cached_runtime::Cache<u64, u64> = cached_runtime::Cache::builder().build();
    run(move || async move {
        let begun = Instant::now();
        let first = cache.get_or_load_async(7, async { 1 });
        let failing = cache.try_get_or_load_async(7, async { Err::<u64, String>("no".into()) });
        let second = cache.get_or_load_async(7, async { 2 });
        assert_eq!(second.await, 2, "the one that is polled loads");
        assert_eq!((first.await, failing.await), (2, Ok(2)));
        assert!(
            begun.elapsed() < cached_tests::AT_ONCE,
            "it waited for a future that nobody polls: {:?}",
            begun.elapsed()
        );
    });
}
