//! Promise 4 for tasks: cycles within one task are broken at once, those across tasks end by the bound.

use cached_runtime::cached;
use cached_tests::{AT_ONCE, Counter, run, run_parallel};
use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};
use tokio::sync::Barrier;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs the future, and says how long it took.
fn timed<F: Future<Output: Send + 'static>>(future: impl FnOnce() -> F + Send + 'static) -> (F::Output, Duration) {
    run(|| async {
        let begun = Instant::now();
        (future().await, begun.elapsed())
    })
}

#[test]
fn recursion() {
    static RUNS: Counter = Counter::new();
    fn boxed(n: u64) -> Boxed<u64> {
        Box::pin(fib(n))
    }
    #[cached]
    async fn fib(n: u64) -> u64 {
        RUNS.up();
        if n < 2 { n } else { boxed(n - 1).await + boxed(n - 2).await }
    }
    assert_eq!((run(|| fib(80)), RUNS.get()), (23_416_728_348_467_685, 81));
}

#[test]
fn recursion_on_the_same_key() {
    static RUNS: Counter = Counter::new();
    fn boxed(n: u64) -> Boxed<usize> {
        Box::pin(again(n))
    }
    #[cached]
    async fn again(n: u64) -> usize {
        let run = RUNS.up();
        tokio::task::yield_now().await;
        if run < 5 { boxed(n).await } else { run }
    }
    let (value, took) = timed(|| again(7));
    assert_eq!((value, RUNS.get()), (5, 5));
    assert!(took < AT_ONCE, "it waited for itself: {took:?}");
}

#[test]
fn recursion_on_the_same_key_in_a_local_cache() {
    static RUNS: Counter = Counter::new();
    fn boxed(n: u64) -> Pin<Box<dyn Future<Output = usize>>> {
        Box::pin(again(n))
    }
    #[cached(backend = local)]
    async fn again(n: u64) -> usize {
        let run = RUNS.up();
        tokio::task::yield_now().await;
        if run < 5 { boxed(n).await } else { run }
    }
    let (value, took) = timed(|| again(7));
    assert_eq!((value, RUNS.get()), (5, 5));
    assert!(took < AT_ONCE, "it waited for itself: {took:?}");
}

/// Both lead one key and await the other's, in one task: nobody but this task could ever end either wait.
#[test]
fn a_cycle_of_two_in_one_task() {
    fn boxed(n: u64, depth: u32) -> Boxed<u64> {
        Box::pin(needs(n, depth))
    }
    #[cached(skip(depth))]
    async fn needs(n: u64, depth: u32) -> u64 {
        tokio::task::yield_now().await;
        if depth < 3 { boxed(1 - n, depth + 1).await } else { 7 }
    }
    let (values, took) = timed(|| futures::future::join(needs(0, 0), needs(1, 0)));
    assert_eq!(values, (7, 7));
    assert!(took < AT_ONCE, "only the bound ended it: {took:?}");
}

#[test]
fn a_cycle_of_five_in_one_task() {
    fn boxed(n: u64, depth: u32) -> Boxed<u64> {
        Box::pin(next(n, depth))
    }
    #[cached(skip(depth))]
    async fn next(n: u64, depth: u32) -> u64 {
        tokio::task::yield_now().await;
        if depth < 8 { boxed((n + 1) % 5, depth + 1).await } else { 7 }
    }
    let (values, took) = timed(|| futures::future::join_all((0..5).map(|n| next(n, 0))));
    assert_eq!(values, [7; 5]);
    assert!(took < AT_ONCE, "only the bound ended it: {took:?}");
}

#[test]
fn a_cycle_of_two_functions_in_one_task() {
    fn boxed(depth: u32) -> Boxed<u64> {
        Box::pin(async move { if depth.is_multiple_of(2) { left(7, depth).await } else { right(7, depth).await } })
    }
    #[cached(skip(depth))]
    async fn left(n: u64, depth: u32) -> u64 {
        tokio::task::yield_now().await;
        if depth < 4 { boxed(depth + 1).await } else { n }
    }
    #[cached(skip(depth))]
    async fn right(n: u64, depth: u32) -> u64 {
        tokio::task::yield_now().await;
        if depth < 4 { boxed(depth + 1).await } else { n }
    }
    let (values, took) = timed(|| futures::future::join(left(7, 0), right(7, 1)));
    assert_eq!(values, (7, 7));
    assert!(took < AT_ONCE, "only the bound ended it: {took:?}");
}

/// Two branches of one task that want the same key are no cycle: the second joins the first.
#[test]
fn two_branches_of_one_task_share_a_load() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn slow(n: u64) -> u64 {
        RUNS.up();
        tokio::time::sleep(Duration::from_millis(20)).await;
        n
    }
    #[cached]
    async fn outer(n: u64) -> u64 {
        n + slow(7).await
    }
    assert_eq!(run(|| async { tokio::join!(outer(1), outer(2), slow(7)) }), (8, 9, 7));
    assert_eq!(RUNS.get(), 1);
}

/// The inner call runs in another task: nothing tells that its waiter is its own leader. The bound ends it.
#[test]
fn recursion_across_spawned_tasks() {
    static RUNS: Counter = Counter::new();
    fn boxed(n: u64) -> Boxed<usize> {
        Box::pin(across(n))
    }
    #[cached(coalesce = "200ms")]
    async fn across(n: u64) -> usize {
        let run = RUNS.up();
        if run < 3 { tokio::spawn(boxed(n)).await.unwrap() } else { run }
    }
    let (value, took) = timed(|| across(7));
    assert_eq!((value, RUNS.get()), (3, 3));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn mutual_recursion_across_tasks() {
    static BOTH_LEAD: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(2));
    fn boxed(n: u64, depth: u32) -> Boxed<u64> {
        Box::pin(needs(n, depth))
    }
    #[cached(skip(depth), coalesce = "200ms")]
    async fn needs(n: u64, depth: u32) -> u64 {
        if depth == 0 {
            BOTH_LEAD.wait().await;
            return boxed(1 - n, 1).await;
        }
        7
    }
    let values = run_parallel(|| async {
        let (a, b) = (tokio::spawn(needs(0, 0)), tokio::spawn(needs(1, 0)));
        (a.await.unwrap(), b.await.unwrap())
    });
    assert_eq!(values, (7, 7));
}

/// Blocking in a body on a call of the same function in another runtime: the shape that `block_on` inside libraries has.
#[test]
fn recursion_through_a_blocked_thread() {
    static RUNS: Counter = Counter::new();
    #[cached(coalesce = "200ms")]
    async fn nested(n: u64) -> usize {
        let run = RUNS.up();
        if run == 1 {
            return std::thread::spawn(move || futures::executor::block_on(Box::pin(inner(n)))).join().unwrap();
        }
        run
    }
    fn inner(n: u64) -> Boxed<usize> {
        Box::pin(nested(n))
    }
    assert_eq!((run(|| nested(7)), RUNS.get()), (2, 2));
}

/// No executor but the smallest is needed: no wait relies on a runtime's timers.
#[test]
fn any_executor_will_do() {
    static RUNS: Counter = Counter::new();
    #[cached(coalesce = "200ms")]
    async fn hung(n: u64) -> u64 {
        if RUNS.up() == 1 {
            std::future::pending::<()>().await;
        }
        n
    }
    let value = cached_tests::within(cached_tests::PATIENCE, "the wait", || {
        futures::executor::block_on(async {
            let mut leader = Box::pin(hung(7));
            assert!(futures::poll!(leader.as_mut()).is_pending());
            hung(7).await
        })
    });
    assert_eq!((value, RUNS.get()), (7, 2));
}
