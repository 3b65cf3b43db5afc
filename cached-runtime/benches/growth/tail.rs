//! How long the longest hits take while another thread inserts into the same cache, which grows, evicts and sweeps. It
//! must never call a pause the cache's that the machine made: a control without any cache is measured beside it.

use crate::{Random, Table, load};
use cached_runtime::{Builder, Cache, Eviction};
use parking_lot::Mutex;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

/// One row for each contestant.
pub(crate) fn table(quick: bool) -> Table {
    let entries = if quick { 20_000 } else { 1_000_000 };
    let head = [&format!("hits while {entries} entries are inserted"), "p50", "p99", "p99.99", "longest"];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    for (name, ask) in contestants(entries) {
        let mut times = hits_beside_writes(&ask, entries);
        times.sort_unstable();
        let at = |share: f64| show(times[quantile(times.len(), share)]);
        rows.push(vec![name.into(), at(0.5), at(0.99), at(0.9999), at(1.0)]);
    }
    Table {
        rows,
        note: "One thread asks for 1000 hot keys, each call timed (two clock reads included), while another fills the cache from \
               empty to twice its capacity. \"no cache\" is what the machine itself adds.",
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index below the length"
)]
fn quantile(len: usize, share: f64) -> usize {
    ((len as f64 * share) as usize).min(len - 1)
}

fn show(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

type Ask = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

fn contestants(entries: u64) -> Vec<(&'static str, Ask)> {
    let capacity = usize::try_from(entries).unwrap_or(usize::MAX);
    let ours = |options: &dyn Fn(Builder<u64, u64>) -> Builder<u64, u64>| -> Ask {
        let cache = options(Cache::builder().capacity(capacity)).build();
        Arc::new(move |key| cache.get_or_load(key, || load(key)))
    };
    let quick = quick_cache::sync::Cache::<u64, u64>::new(capacity);
    let lru = Mutex::new(lru::LruCache::<u64, u64>::unbounded());
    vec![
        ("no cache", Arc::new(load)),
        ("**cached-runtime** lru", ours(&|builder| builder)),
        ("**cached-runtime** lru, ttl of 50 ms", ours(&|builder| builder.ttl(Duration::from_millis(50)))),
        ("**cached-runtime** sieve", ours(&|builder| builder.eviction(Eviction::Sieve))),
        ("**cached-runtime** unbounded", ours(&Builder::unbounded)),
        ("quick_cache", Arc::new(move |key| quick.get_or_insert_with(&key, || Ok::<_, ()>(load(key))).unwrap_or(0))),
        ("hand-written `Mutex<LruCache>`", Arc::new(move |key| *lru.lock().get_or_insert(key, || load(key)))),
    ]
}

fn hits_beside_writes(ask: &Ask, entries: u64) -> Vec<Duration> {
    let (stop, ready) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
    let writer = thread::spawn({
        let (ask, stop, ready) = (Arc::clone(ask), Arc::clone(&stop), Arc::clone(&ready));
        move || {
            ready.wait();
            for key in 0..2 * entries {
                black_box(ask(1_000_000_000 + key));
            }
            stop.store(true, Ordering::Relaxed);
        }
    });
    (0..1000).for_each(|key| _ = black_box(ask(key)));
    let mut random = Random(6);
    let mut times = Vec::with_capacity(50_000_000);
    ready.wait();
    while !stop.load(Ordering::Relaxed) && times.len() < times.capacity() {
        let key = random.next() % 1000;
        let began = Instant::now();
        black_box(ask(black_box(key)));
        times.push(began.elapsed());
    }
    let _ = writer.join();
    times
}
