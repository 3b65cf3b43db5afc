//! Promise 3 by force: a call that starts after an invalidation returned must never see a value whose load began before. The oracle is a version counter that bodies read.

use crate::Chance;
use cached_runtime::{Builder, Cache, Eviction};
use cached_tests::crowd;
use std::{
    hint,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

const KEYS: usize = 6;

/// `version` is what bodies read; `floor` what every later call must at least see.
#[derive(Default)]
struct Source {
    version: [AtomicU64; KEYS],
    floor: [AtomicU64; KEYS],
    /// Two writers of one key would set in another order than they counted.
    writing: [Mutex<()>; KEYS],
}

fn body(source: &Source, key: usize, chance: &Chance) -> u64 {
    let version = source.version[key].load(SeqCst);
    // The time between reading and storing is when it goes wrong.
    match chance.below(8) {
        0 => thread::yield_now(),
        1 => thread::sleep(Duration::from_micros(50)),
        n => (0..n * 20).for_each(|_| hint::spin_loop()),
    }
    version
}

fn never_stale(builder: Builder<usize, u64>, capacity: usize) {
    let cache: Cache<usize, u64> = builder.build();
    let source = Arc::new(Source::default());
    let (until, handle) = (Instant::now() + Duration::from_millis(1200), cache.clone());
    let written = crowd(6, move |i| {
        let (chance, mut calls, mut writes) = (Chance::new(i), 0_u64, 0_u64);
        while Instant::now() < until {
            for _ in 0..50 {
                let key = chance.below(KEYS);
                let turn = chance.below(100);
                if i >= 2 || turn < 60 {
                    let floor = source.floor[key].load(SeqCst);
                    let value = match turn {
                        0..50 => handle.get_or_load(key, || body(&source, key, &chance)),
                        50..55 => handle.try_get_or_load(key, || Err(())).unwrap_or(u64::MAX),
                        55..60 => handle.get(&key).unwrap_or(u64::MAX),
                        // It may have joined a load that failed.
                        _ => {
                            handle.try_get_or_load(key, || Ok::<_, ()>(body(&source, key, &chance))).unwrap_or(u64::MAX)
                        }
                    };
                    assert!(value >= floor, "key {key}: version {value} after {floor} was invalidated");
                    assert!(handle.len() <= capacity);
                    calls += 1;
                    continue;
                }
                writes += 1;
                if turn >= 98 {
                    let writing: Vec<_> = source.writing.iter().map(|lock| lock.lock().unwrap()).collect();
                    let versions: Vec<_> =
                        source.version.iter().map(|version| version.fetch_add(1, SeqCst) + 1).collect();
                    handle.clear();
                    source
                        .floor
                        .iter()
                        .zip(versions)
                        .for_each(|(floor, version)| drop(floor.fetch_max(version, SeqCst)));
                    drop(writing);
                    continue;
                }
                let writing = source.writing[key].lock().unwrap();
                let version = source.version[key].fetch_add(1, SeqCst) + 1;
                if turn < 90 {
                    handle.invalidate(&key);
                } else {
                    handle.set(key, version);
                }
                source.floor[key].fetch_max(version, SeqCst);
                drop(writing);
            }
        }
        (calls, writes)
    });
    let (calls, writes) = written.iter().fold((0, 0), |sum, (calls, writes)| (sum.0 + calls, sum.1 + writes));
    let stats = cache.stats();
    assert!(calls > 1000 && writes > 100, "too little happened: {calls} calls, {writes} writes");
    assert!(stats.fenced > 0, "no load was ever overtaken, so nothing was tested: {stats}");
}

#[test]
fn lru() {
    never_stale(Cache::builder(), 1024);
}

#[test]
fn lru_in_shards() {
    never_stale(Cache::builder().capacity(100_000), 100_000);
}

#[test]
fn lru_that_evicts() {
    never_stale(Cache::builder().capacity(3), 3);
}

#[test]
fn lru_by_weight() {
    never_stale(Cache::builder().max_weight(4), 4);
}

#[test]
fn sieve() {
    never_stale(Cache::builder().eviction(Eviction::Sieve), 1024);
}

#[test]
fn sieve_that_evicts() {
    never_stale(Cache::builder().eviction(Eviction::Sieve).capacity(3), 3);
}

#[test]
fn unbounded() {
    never_stale(Cache::builder().unbounded(), usize::MAX);
}

#[test]
fn without_coalescing() {
    never_stale(Cache::builder().coalesce(false), 1024);
}

#[test]
fn unbounded_without_coalescing() {
    never_stale(Cache::builder().unbounded().coalesce(false), usize::MAX);
}

/// Entries that expire all the time: a late fill must not come back as a fresh one.
#[test]
fn with_a_short_ttl() {
    never_stale(Cache::builder().ttl(Duration::from_millis(3)), 1024);
}

#[test]
fn sieve_with_a_short_ttl() {
    never_stale(Cache::builder().eviction(Eviction::Sieve).ttl(Duration::from_millis(3)), 1024);
}

/// Versions that a thread sees never go back while nobody writes but by loads: an older load never replaces a newer one.
#[test]
fn versions_never_go_back() {
    for builder in [Cache::builder(), Cache::builder().eviction(Eviction::Sieve), Cache::builder().unbounded()] {
        let cache: Cache<u8, u64> = builder.coalesce(false).ttl(Duration::from_millis(2)).build();
        let version = Arc::new(AtomicU64::new(0));
        let until = Instant::now() + Duration::from_millis(400);
        crowd(4, move |i| {
            let chance = Chance::new(i);
            let mut seen = 0;
            while Instant::now() < until {
                // A hit may be older than what this thread loaded itself, if that load had begun before the entry's; so only hits are compared.
                if let Some(value) = cache.get(&1) {
                    assert!(value >= seen, "{value} after {seen}");
                    seen = value;
                }
                cache.get_or_load(1, || {
                    let version = version.fetch_add(1, SeqCst);
                    (0..chance.below(300)).for_each(|_| hint::spin_loop());
                    version
                });
            }
        });
    }
}
