//! How the cost of a hit and of a miss grows. It must never time the filling of a cache as hits.

use crate::Random;
use cached_runtime::{Cache, Eviction};
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Instant;

fn cache(entries: u64, eviction: Eviction) -> Cache<u64, u64> {
    let capacity = usize::try_from(entries).expect("a bound that fits");
    let cache = Cache::builder().capacity(capacity).eviction(eviction).build();
    for key in 0..entries {
        cache.set(key, key);
    }
    cache
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a batch are far below 2^52")]
fn each(started: Instant, operations: u64) -> f64 {
    started.elapsed().as_nanos() as f64 / operations as f64
}

pub(crate) fn run() {
    entries();
    threads();
    many_caches();
    sizes();
}

fn entries() {
    println!("| entries | hit, lru | hit, sieve | miss + evict, lru | miss + evict, sieve |\n|--:|--:|--:|--:|--:|");
    for power in 2..=7 {
        let count = 10_u64.pow(power);
        let [lru, sieve] = [Eviction::Lru, Eviction::Sieve].map(|eviction| {
            let cache = cache(count, eviction);
            let mut random = Random(3);
            let keys: Vec<u64> = (0..1_000_000).map(|_| random.below(count)).collect();
            let started = Instant::now();
            for &key in &keys {
                black_box(cache.get_or_load(key, || key));
            }
            let hit = each(started, 1_000_000);
            let started = Instant::now();
            for key in count..count + 200_000 {
                black_box(cache.get_or_load(key, || key));
            }
            (hit, each(started, 200_000))
        });
        println!("| {count} | {:.1} | {:.1} | {:.1} | {:.1} |", lru.0, sieve.0, lru.1, sieve.1);
    }
}

/// The same number of calls in all, on more and more threads.
fn threads() {
    println!("\n| threads | lru, 100,000 keys | sieve | lru, 1000 keys | sieve |\n|--:|--:|--:|--:|--:|");
    for count in [1, 2, 4, 8, 16, 32, 64] {
        let cells =
            [(100_000, Eviction::Lru), (100_000, Eviction::Sieve), (1000, Eviction::Lru), (1000, Eviction::Sieve)].map(
                |(keys, eviction)| {
                    let cache = cache(keys, eviction);
                    let calls = 1_000_000 / count;
                    let barrier = Barrier::new(usize::try_from(count).expect("a few"));
                    let started = Instant::now();
                    std::thread::scope(|scope| {
                        for seed in 0..count {
                            let (cache, barrier) = (&cache, &barrier);
                            scope.spawn(move || {
                                let mut random = Random(seed);
                                barrier.wait();
                                for _ in 0..calls {
                                    let key = random.below(keys);
                                    black_box(cache.get_or_load(key, || key));
                                }
                            });
                        }
                    });
                    format!("{:.1}", each(started, calls * count))
                },
            );
        println!("| {count} | {} |", cells.join(" | "));
    }
}

fn many_caches() {
    let started = Instant::now();
    let caches: Vec<Cache<u64, u64>> = (0..10_000).map(|_| Cache::default()).collect();
    let built = each(started, 10_000);
    for cache in &caches {
        cache.set(7, 7);
    }
    let started = Instant::now();
    for _ in 0..20 {
        for cache in &caches {
            black_box(cache.get_or_load(7, || 7));
        }
    }
    println!(
        "\n10,000 caches: {built:.0} ns to build one, {:.1} ns a hit, one cache after the other",
        each(started, 200_000)
    );
}

fn sizes() {
    println!("\n| key | value | hit | miss + evict |\n|---|---|--:|--:|");
    for length in [8, 64, 1024, 65_536] {
        let cache = Cache::<String, u64>::builder().capacity(512).build();
        let keys: Vec<String> = (0..256).map(|n| format!("{n:0length$}")).collect();
        report(&format!("{length} bytes of text"), "u64", &cache, &keys, &7);
    }
    for size in [64, 65_536, 16_777_216] {
        let cache = Cache::<String, Arc<[u8]>>::builder().capacity(512).build();
        let keys: Vec<String> = (0..256).map(|n| format!("{n:08}")).collect();
        report("8 bytes of text", &format!("Arc of {size} bytes"), &cache, &keys, &vec![0; size].into());
    }
}

fn report<V: Clone + Send + Sync + 'static>(key: &str, value: &str, cache: &Cache<String, V>, keys: &[String], v: &V) {
    for key in keys {
        cache.set(key.clone(), v.clone());
    }
    let started = Instant::now();
    for _ in 0..100 {
        for key in keys {
            black_box(cache.get(key.as_str()));
        }
    }
    let hit = each(started, 100 * keys.len() as u64);
    let started = Instant::now();
    for n in 0..2000_u32 {
        let mut key = keys[0].clone();
        key.push_str(&n.to_string());
        black_box(cache.get_or_load(key, || v.clone()));
    }
    println!("| {key} | {value} | {hit:.1} | {:.1} |", each(started, 2000));
}
