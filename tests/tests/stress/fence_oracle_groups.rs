//! Promise 3 by force for tags, writers and renewals: a call that starts after an invalidation or a commit returned must never see an older value. The oracle is a version counter that bodies read.

use crate::Chance;
use cached_runtime::{
    Builder, Cache, Eviction, invalidate_tag,
    private::{AllThreads, Leaf, OutcomeOf, Pick as _, Write, at},
};
use cached_tests::crowd;
use std::{
    fmt, hint,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

const KEYS: usize = 4;

/// `version` is what bodies read; `floor` what every later call must at least see.
#[derive(Default)]
struct Source {
    version: [AtomicU64; KEYS],
    floor: [AtomicU64; KEYS],
}

impl Source {
    fn load(&self, key: usize, chance: &Chance) -> u64 {
        let version = self.version[key].load(SeqCst);
        match chance.below(8) {
            0 => thread::yield_now(),
            1 => thread::sleep(Duration::from_micros(50)),
            n => (0..n * 20).for_each(|_| hint::spin_loop()),
        }
        version
    }
}

fn never_stale(builder: Builder<usize, u64>) {
    let cache: Cache<usize, u64> = builder.build();
    let source = Arc::new(Source::default());
    let (until, handle) = (Instant::now() + Duration::from_millis(1200), cache.clone());
    let done = crowd(6, move |i| {
        let (chance, mut calls, mut writes) = (Chance::new(i), 0_u64, 0_u64);
        while Instant::now() < until {
            let key = chance.below(KEYS);
            let turn = chance.below(100);
            let tag = format!("oracle of groups {:p} {key}", Arc::as_ptr(&source));
            if i >= 2 || turn < 50 {
                let floor = source.floor[key].load(SeqCst);
                let tags = [&tag];
                let entry = handle.entry(key).tags(&tags);
                let value = match turn % 10 {
                    0 => handle.get(&key).unwrap_or(u64::MAX),
                    1 => entry.try_get_or_load(|| Err(())).unwrap_or(u64::MAX),
                    // It may have joined a load that failed.
                    _ => entry.try_get_or_load(|| Ok::<_, ()>(source.load(key, &chance))).unwrap_or(u64::MAX),
                };
                assert!(value >= floor, "key {key}: version {value} after {floor} was written");
                calls += 1;
                continue;
            }
            writes += 1;
            let version = if turn < 75 {
                let version = source.version[key].fetch_add(1, SeqCst) + 1;
                match turn % 8 {
                    0 => handle.invalidate_where(|known, _| *known == key),
                    _ => invalidate_tag(&tag).wait().unwrap(),
                }
                version
            } else {
                let tags = |each: &mut dyn FnMut(fmt::Arguments<'_>)| each(format_args!("{tag}"));
                let outcome = (&&&&&&&&OutcomeOf::<u64, AllThreads>::new()).__pick();
                let place = at(&handle, Leaf(&key, AllThreads).__part(), outcome).tags(&tags);
                let writing = place.owned().writing();
                let version = source.version[key].fetch_add(1, SeqCst) + 1;
                thread::yield_now();
                writing.commit(&version).wait().unwrap();
                version
            };
            source.floor[key].fetch_max(version, SeqCst);
        }
        (calls, writes)
    });
    let (calls, writes) = done.iter().fold((0, 0), |sum, (calls, writes)| (sum.0 + calls, sum.1 + writes));
    assert!(calls > 200 && writes > 20, "too little happened: {calls} calls, {writes} writes");
}

#[test]
fn lru() {
    never_stale(Cache::builder());
}

#[test]
fn sieve_that_evicts() {
    never_stale(Cache::builder().eviction(Eviction::Sieve).capacity(3));
}

#[test]
fn renewed_by_every_call() {
    never_stale(Cache::builder().ttl(Duration::from_secs(3600)).refresh_ahead(0.0));
    never_stale(Cache::builder().eviction(Eviction::Sieve).ttl(Duration::from_secs(3600)).refresh_ahead(0.0));
}

#[test]
fn stale_while_revalidate_and_on_error() {
    let hour = Duration::from_secs(3600);
    let short = || Cache::builder().ttl(Duration::from_micros(50));
    never_stale(short().stale_while_revalidate(hour));
    never_stale(short().stale_if_error(hour));
    never_stale(short().eviction(Eviction::Sieve).stale_while_revalidate(hour).stale_if_error(2 * hour));
}
