//! Calls from where callers are: runtimes that come and go, sync code inside them, threads without any; and values of all
//! sizes beside each other.

use crate::subject::{BUDGET, Subject, patiently, slack};
use cached_runtime::Cache;
use cached_tests::{redis::Server, run, run_parallel};
use std::time::{Duration, Instant};

#[test]
fn sync_calls_inside_a_runtime() {
    let server = Server::start();
    let subject = Subject::patient("sync_inside", &server.url());
    async fn mixed(subject: Subject, key: u64) {
        let value = subject.cache().get_or_load(key, || format!("<{key}> in sync code"));
        assert_eq!(subject.task(key).await.value, value);
        let value = subject.task(key + 1).await.value;
        assert_eq!(subject.cache().get_or_load(key + 1, || unreachable!("it is stored")), value);
        subject.cache().invalidate(&key).expect("a server");
    }
    let (one, many) = (subject.clone(), subject);
    run(move || mixed(one, 0));
    run_parallel(move || mixed(many, 10));
}

#[test]
fn runtimes_come_and_go() {
    let server = Server::start();
    let subject = Subject::patient("runtimes", &server.url());
    let value = subject.warm(0);
    for round in 1..10 {
        let (subject, value) = (subject.clone(), value.clone());
        run(move || async move {
            assert_eq!(subject.task(0).await.value, value);
            subject.task(round).await;
        });
    }
    assert_eq!(subject.loads(), 10);
    // A runtime that ends in the middle of a call takes nothing with it.
    let pending = subject.clone();
    run(move || async move {
        tokio::spawn(async move { pending.task_during(50, std::future::pending()).await });
        tokio::task::yield_now().await;
    });
    assert!(subject.call(50).took < Duration::from_secs(2));
}

#[test]
fn large_values_beside_small_ones() {
    let server = Server::start();
    patiently(&server.url()).install_as("large").expect("a good URL");
    let cache: Cache<u64, String, cached_runtime::Redis> =
        Cache::builder().name("large").ttl(Duration::from_mins(1)).redis("large").build_redis();
    let large = || "x".repeat(10_000_000);
    assert_eq!(cache.get_or_load(0, large).len(), 10_000_000);
    cache.get_or_load(1, || "small".to_owned());
    let busy = cached_tests::start({
        let cache = cache.clone();
        move || (0..5).map(|_| cache.get_or_load(0, large).len()).sum::<usize>()
    });
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let begun = Instant::now();
        assert_eq!(cache.get_or_load(1, || "loaded again".to_owned()), "small");
        longest = longest.max(begun.elapsed());
    }
    assert_eq!(busy.end(), 50_000_000);
    assert!(longest < BUDGET + slack(), "{longest:?}");
    println!("10 MB values: a small hit beside them took {longest:?} at most");
}
