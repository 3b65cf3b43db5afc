//! The fence oracle for tasks, of which many are cancelled in the middle of a load or a wait.

use crate::Chance;
use cached_runtime::{Builder, Cache, Eviction};
use cached_tests::run_parallel;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

const KEYS: usize = 5;

#[derive(Default)]
struct Source {
    version: [AtomicU64; KEYS],
    floor: [AtomicU64; KEYS],
}

async fn body(source: Arc<Source>, key: usize, pause: u64) -> u64 {
    let version = source.version[key].load(SeqCst);
    for _ in 0..pause % 4 {
        tokio::task::yield_now().await;
    }
    if pause.is_multiple_of(16) {
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    assert!(!pause.is_multiple_of(101), "on purpose");
    version
}

fn never_stale(builder: Builder<usize, u64>) {
    let cache: Cache<usize, u64> = builder.build();
    let source = Arc::new(Source::default());
    let handle = cache.clone();
    let calls = run_parallel(move || async move {
        let until = Instant::now() + Duration::from_millis(1200);
        let mut seed = 0;
        let mut calls = 0_u64;
        while Instant::now() < until {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    seed += 1;
                    let (cache, source) = (handle.clone(), Arc::clone(&source));
                    tokio::spawn(async move {
                        let (turn, key, pause) = {
                            let chance = Chance::new(seed);
                            (chance.below(20), chance.below(KEYS), chance.next())
                        };
                        if turn == 0 {
                            let version = source.version[key].fetch_add(1, SeqCst) + 1;
                            if pause % 10 == 0 {
                                cache.clear()
                            } else {
                                cache.invalidate(&key)
                            }
                            source.floor[key].fetch_max(version, SeqCst);
                            return;
                        }
                        let floor = source.floor[key].load(SeqCst);
                        let call = cache.get_or_load_async(key, body(Arc::clone(&source), key, pause));
                        // A part of them is dropped on the way, leading or waiting.
                        let value = if turn < 4 {
                            timeout(Duration::from_micros(200), call).await.ok()
                        } else {
                            Some(call.await)
                        };
                        assert!(
                            value.is_none_or(|value| value >= floor),
                            "key {key}: {value:?} after {floor} was invalidated"
                        );
                    })
                })
                .collect();
            for task in tasks {
                if let Err(error) = task.await {
                    let panic = error.into_panic();
                    assert_eq!(cached_tests::message(&*panic), "on purpose");
                }
                calls += 1;
            }
        }
        calls
    });
    assert!(calls > 1000, "too little happened: {calls} calls");
    assert!(cache.stats().coalesced > 0, "nobody ever waited: {}", cache.stats());
}

#[test]
fn lru() {
    never_stale(Cache::builder());
}

#[test]
fn lru_that_evicts() {
    never_stale(Cache::builder().capacity(2));
}

#[test]
fn sieve() {
    never_stale(Cache::builder().eviction(Eviction::Sieve));
}

#[test]
fn unbounded() {
    never_stale(Cache::builder().unbounded());
}
