//! What a hit and a miss cost as entries, threads, caches, keys and values grow. It must never time a call that does
//! something else than its column says: hits are asked for in caches that hold all keys.

use crate::{Random, Run, Table, load};
use cached_runtime::{Cache, Eviction};
use parking_lot::Mutex;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const CALLS: u64 = 400_000;
const ROUNDS: usize = 5;

/// All that grows, one below the other.
pub(crate) fn table(run: &Run) -> Table {
    let calls = if run.quick { CALLS / 20 } else { CALLS };
    let names = contestants(1).into_iter().map(|(name, _)| name.to_owned());
    let mut rows = vec![["ns a call".to_owned()].into_iter().chain(names).collect::<Vec<_>>()];
    let mut row = |title: String, each: &dyn Fn(&Shared) -> Duration, capacity: usize| {
        let figures = contestants(capacity).into_iter().map(|(_, cache)| per_call(median(|| each(&cache)), calls));
        rows.push([title].into_iter().chain(figures).collect());
    };
    let entries: &[u64] =
        if run.quick { &[100, 10_000] } else { &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000] };
    for &count in entries {
        let room = usize::try_from(count).unwrap_or(usize::MAX);
        // quick_cache and the shards of a large lru hold a little less than they were told: room for all keys.
        row(format!("hit, {count} entries"), &|cache| hits(cache, count, calls), room + room / 4 + 64);
    }
    for &count in entries {
        row(
            format!("miss and eviction, {count} entries"),
            &|cache| misses(cache, calls),
            usize::try_from(count).unwrap_or(usize::MAX),
        );
    }
    let threads: &[u64] = if run.quick { &[1, 4] } else { &[1, 2, 4, 8, 16, 32, 64] };
    for &count in threads {
        row(format!("hit, 10,000 entries, {count} threads"), &|cache| crowd(cache, count, calls), 20_000);
    }
    rows.extend(kinds(run.quick, calls));
    Table::new(
        rows,
        "Through `get_or_load` and its likes, single-flight included; median of five rounds. Threads: wall time of all \
               calls of all threads, divided by their number (two cores: beyond two threads there is nothing to gain).",
    )
}

/// A cache of anybody's, asked for a key.
type Shared = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

fn contestants(capacity: usize) -> Vec<(&'static str, Shared)> {
    let ours = |eviction| {
        let cache = Cache::builder().capacity(capacity).eviction(eviction).build();
        Arc::new(move |key| cache.get_or_load(key, || load(key)))
    };
    let quick = quick_cache::sync::Cache::<u64, u64>::new(capacity);
    let lru = std::num::NonZero::new(capacity.max(1)).map(|capacity| Mutex::new(lru::LruCache::new(capacity)));
    vec![
        ("**lru**", ours(Eviction::Lru)),
        ("**sieve**", ours(Eviction::Sieve)),
        ("quick_cache", Arc::new(move |key| quick.get_or_insert_with(&key, || Ok::<_, ()>(load(key))).unwrap_or(0))),
        (
            "`Mutex<LruCache>`",
            Arc::new(move |key| lru.as_ref().map_or(0, |lru| *lru.lock().get_or_insert(key, || load(key)))),
        ),
    ]
}

fn hits(cache: &Shared, entries: u64, calls: u64) -> Duration {
    (0..entries).for_each(|key| _ = black_box(cache(key)));
    let mut random = Random(3);
    let keys: Vec<u64> = (0..calls).map(|_| random.next() % entries).collect();
    let began = Instant::now();
    for key in keys {
        black_box(cache(black_box(key)));
    }
    began.elapsed()
}

fn misses(cache: &Shared, calls: u64) -> Duration {
    // Other keys in each round; the cache is full after the first.
    let mut random = Random(Instant::now().elapsed().as_nanos().try_into().unwrap_or(5));
    let base = random.next() << 20;
    let began = Instant::now();
    for key in 0..calls {
        black_box(cache(black_box(base.wrapping_add(key))));
    }
    began.elapsed()
}

/// From when the first thread begins until the last has ended, as they see it themselves: whoever waits for them may not run
/// until they are done.
fn crowd(cache: &Shared, threads: u64, calls: u64) -> Duration {
    (0..10_000).for_each(|key| _ = black_box(cache(key)));
    let ready = Arc::new(Barrier::new(usize::try_from(threads).unwrap_or(1)));
    let workers: Vec<_> = (0..threads)
        .map(|seed| {
            let (cache, ready) = (Arc::clone(cache), Arc::clone(&ready));
            thread::spawn(move || {
                let mut random = Random(seed);
                let keys: Vec<u64> = (0..calls / threads).map(|_| random.next() % 10_000).collect();
                ready.wait();
                let began = Instant::now();
                for key in keys {
                    black_box(cache(black_box(key)));
                }
                (began, Instant::now())
            })
        })
        .collect();
    let spans: Vec<_> = workers.into_iter().map(|worker| worker.join().expect("a worker that measures")).collect();
    let began = spans.iter().map(|span| span.0).min().expect("at least one worker");
    let ended = spans.iter().map(|span| span.1).max().expect("at least one worker");
    ended - began
}

/// Many caches, long keys, large values: ours alone, since these depend on what surrounds a cache.
fn kinds(quick: bool, calls: u64) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |title: &str, each: &dyn Fn(Eviction) -> Duration| {
        let figures = [Eviction::Lru, Eviction::Sieve].map(|eviction| per_call(median(|| each(eviction)), calls));
        rows.push([title.to_owned()].into_iter().chain(figures).chain(["-".into(), "-".into()]).collect());
    };
    let count = if quick { 100 } else { 10_000 };
    row(&format!("hit in one of {count} caches"), &|eviction| {
        let caches: Vec<_> = (0..count).map(|_| Cache::builder().capacity(16).eviction(eviction).build()).collect();
        for cache in &caches {
            cache.set(1_u64, 1_u64);
        }
        let mut random = Random(4);
        let order: Vec<usize> =
            (0..calls).map(|_| usize::try_from(random.next()).unwrap_or(usize::MAX) % caches.len()).collect();
        let began = Instant::now();
        for at in order {
            black_box(caches[at].get_or_load(1, || 1));
        }
        began.elapsed()
    });
    row("hit of a text key of 1 KiB", &|eviction| {
        let cache = Cache::builder().eviction(eviction).build();
        let keys: Vec<String> = (0..100).map(|n| format!("{n:01024}")).collect();
        for key in &keys {
            cache.set(key.clone(), 1_u64);
        }
        let began = Instant::now();
        for at in 0..calls {
            let key = keys[usize::try_from(at % 100).unwrap_or(0)].as_str();
            black_box(cache.get(black_box(key)));
        }
        began.elapsed()
    });
    row("hit of a value of 1 MiB behind an `Arc`", &|eviction| {
        let cache = Cache::builder().eviction(eviction).build();
        (0..100_u64).for_each(|key| cache.set(key, Arc::new(vec![0_u8; 1 << 20])));
        let began = Instant::now();
        for at in 0..calls {
            black_box(cache.get(&black_box(at % 100)));
        }
        began.elapsed()
    });
    rows
}

fn median(round: impl FnMut() -> Duration) -> Duration {
    let mut rounds: Vec<_> = std::iter::repeat_with(round).take(ROUNDS).collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a bench are far below 2^52")]
fn per_call(took: Duration, calls: u64) -> String {
    format!("{:.1}", took.as_nanos() as f64 / calls as f64)
}
