//! How long the longest hits take while another thread inserts into the same cache, which grows, evicts and sweeps. It
//! must never call a pause the cache's that the machine made: a control without any cache is measured beside it.

use crate::{Random, Run, Table, load};
use cached_runtime::{Builder, Cache, Eviction};
use parking_lot::Mutex;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A pause of the cache's own is there in each run, one of the machine's is not: the run whose longest hit was the
/// shortest tells them apart.
const RUNS: usize = 5;

/// One row for each contestant.
pub(crate) fn table(run: &Run) -> Table {
    let (entries, runs) = if run.quick { (20_000, 1) } else { (1_000_000, RUNS) };
    let head =
        [&format!("hits while {entries} entries are inserted"), "p50", "p99", "p99.99", "longest", "of all runs"];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    for Contestant { name, make, writes } in contestants(entries) {
        let mut all: Vec<Vec<Duration>> = (0..runs).map(|_| hits_beside_writes(&make(), writes * entries)).collect();
        for times in &mut all {
            times.sort_unstable();
        }
        let longest = all.iter().filter_map(|times| times.last()).max().copied().unwrap_or_default();
        let Some(times) = all.into_iter().min_by_key(|times| times.last().copied()) else { continue };
        let at = |share: f64| show(times[quantile(times.len(), share)]);
        rows.push(vec![name.into(), at(0.5), at(0.99), at(0.9999), at(1.0), show(longest)]);
    }
    Table::new(
        rows,
        "One thread asks for 1000 hot keys, each call timed (two clock reads included), while another fills the cache from \
               empty to twice its capacity; five times, of which the run with the shortest longest hit is shown: what the machine \
               does in between is not in all of them. Without the time in which the system let others run in the place of one \
               of the two threads, as it tells (schedstat); what a virtual machine is kept waiting for besides is in them. \"no cache\" is what the machine itself adds.",
    )
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

/// Someone who takes part: how to make it anew, and how often as many calls as there are entries are made beside it.
struct Contestant {
    name: &'static str,
    make: Box<dyn Fn() -> Ask>,
    writes: u64,
}

type Options = fn(Builder<u64, u64>) -> Builder<u64, u64>;

fn contestants(entries: u64) -> Vec<Contestant> {
    let capacity = usize::try_from(entries).unwrap_or(usize::MAX);
    let contestant = |name, make: Box<dyn Fn() -> Ask>| Contestant { name, make, writes: 2 };
    let ours = |name, options: Options| {
        contestant(
            name,
            Box::new(move || {
                let cache = options(Cache::builder().capacity(capacity)).build();
                Arc::new(move |key| cache.get_or_load(key, || load(key)))
            }),
        )
    };
    let quick = move || -> Ask {
        let quick = quick_cache::sync::Cache::<u64, u64>::new(capacity);
        Arc::new(move |key| quick.get_or_insert_with(&key, || Ok::<_, ()>(load(key))).unwrap_or(0))
    };
    let lru = || -> Ask {
        let lru = Mutex::new(lru::LruCache::<u64, u64>::unbounded());
        Arc::new(move |key| *lru.lock().get_or_insert(key, || load(key)))
    };
    vec![
        // As long as the others take, or there would be less of the machine in it.
        Contestant { name: "no cache", make: Box::new(|| Arc::new(load)), writes: 200 },
        ours("**cached-runtime** lru", |builder| builder),
        ours("**cached-runtime** lru, ttl of 50 ms", |builder| builder.ttl(Duration::from_millis(50))),
        ours("**cached-runtime** sieve", |builder| builder.eviction(Eviction::Sieve)),
        ours("**cached-runtime** unbounded", Builder::unbounded),
        contestant("quick_cache", Box::new(quick)),
        contestant("hand-written `Mutex<LruCache>`", Box::new(lru)),
    ]
}

/// How long two threads were ready to run and the system let others run.
struct Delays([String; 2]);

/// Where the system says that of the calling thread.
fn schedstat() -> String {
    let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    format!("/proc/{}/schedstat", thread.display())
}

impl Delays {
    /// So far. Zero where the system doesn't say.
    fn sum(&self) -> Duration {
        let of = |path: &String| -> u64 {
            let told = std::fs::read_to_string(path).unwrap_or_default();
            told.split_whitespace().nth(1).and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
        };
        Duration::from_nanos(self.0.iter().map(of).sum())
    }
}

/// What takes longer than this is looked at more closely.
const LONG: Duration = Duration::from_micros(50);

/// The times of the hits, without those in which the system let others run in the place of one of the two threads.
fn hits_beside_writes(ask: &Ask, calls: u64) -> Vec<Duration> {
    let (stop, ready) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
    let (tell, told) = mpsc::channel();
    let writer = thread::spawn({
        let (ask, stop, ready) = (Arc::clone(ask), Arc::clone(&stop), Arc::clone(&ready));
        move || {
            let _ = tell.send(schedstat());
            ready.wait();
            for key in 0..calls {
                black_box(ask(1_000_000_000 + key));
            }
            stop.store(true, Ordering::Relaxed);
        }
    });
    (0..1000).for_each(|key| _ = black_box(ask(key)));
    let mut random = Random(6);
    let mut times = Vec::with_capacity(20_000_000);
    let delays = Delays([schedstat(), told.recv().unwrap_or_default()]);
    ready.wait();
    let mut seen = delays.sum();
    while !stop.load(Ordering::Relaxed) && times.len() < times.capacity() {
        let key = random.next() % 1000;
        let began = Instant::now();
        black_box(ask(black_box(key)));
        let mut took = began.elapsed();
        // Now and then besides, so that a delay is not taken for that of a later hit.
        if took > LONG || times.len().is_multiple_of(4096) {
            let before = std::mem::replace(&mut seen, delays.sum());
            took = took.saturating_sub(seen.saturating_sub(before));
        }
        times.push(took);
    }
    let _ = writer.join();
    times
}
