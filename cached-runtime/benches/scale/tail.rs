//! The longest hits while another thread works on the same cache. It must never count a hit's own first touch of memory:
//! the hot keys are read before.

use cached_runtime::{Cache, Eviction};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const ENTRIES: u64 = 1_000_000;

pub(crate) fn run() {
    println!("A hit while another thread works, of ten million entries' keys 1000 hot ones; in microseconds.");
    println!("A machine that runs something else besides shows its own pauses here: compare with the first line.\n");
    println!("| | p99.9 | p99.99 | longest |\n|---|--:|--:|--:|");
    for (name, eviction) in [("lru", Eviction::Lru), ("sieve", Eviction::Sieve)] {
        let cache = build(eviction, None);
        line(&format!("{name}, nobody else"), &cache, |_| {});
        let cache = build(eviction, None);
        line(&format!("{name}, growing from 1000 to a million"), &cache, |cache| {
            (1000..ENTRIES).for_each(|key| cache.set(key, key));
        });
        line(&format!("{name}, inserting into the full cache"), &cache, |cache| {
            (ENTRIES..2 * ENTRIES).for_each(|key| cache.set(key, key));
        });
        line(&format!("{name}, clearing a million"), &cache, Cache::clear);
        let cache = build(eviction, Some(Duration::from_secs(3)));
        line(&format!("{name}, a million entries of 3 s come and go"), &cache, |cache| {
            (1000..ENTRIES).for_each(|key| cache.set(key, key));
            std::thread::sleep(Duration::from_secs(5));
        });
    }
}

fn build(eviction: Eviction, ttl: Option<Duration>) -> Cache<u64, u64> {
    let builder = Cache::builder().capacity(1_000_000).eviction(eviction);
    match ttl {
        Some(ttl) => builder.ttl(ttl).build(),
        None => builder.build(),
    }
}

fn line(name: &str, cache: &Cache<u64, u64>, work: impl FnOnce(&Cache<u64, u64>) + Send) {
    for key in 0..1000 {
        cache.get_or_load(key, || key);
    }
    let done = AtomicBool::new(false);
    let mut times = std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            work(cache);
            done.store(true, Ordering::Relaxed);
        });
        let mut times = Vec::with_capacity(4_000_000);
        let mut key = 0;
        while times.len() < 1_000_000 || !done.load(Ordering::Relaxed) && times.len() < times.capacity() {
            key = (key + 1) % 1000;
            let started = Instant::now();
            black_box(cache.get_or_load(key, || key));
            times.push(started.elapsed());
        }
        worker.join().expect("the worker ends");
        times
    });
    times.sort_unstable();
    let at = |share: usize| times[times.len() - 1 - times.len() / share].as_secs_f64() * 1e6;
    println!("| {name} | {:.1} | {:.1} | {:.1} |", at(1000), at(10_000), at(usize::MAX));
}
