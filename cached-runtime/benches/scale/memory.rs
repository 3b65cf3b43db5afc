//! Resident memory an entry: each contestant fills a cache in a process of its own. It must never count what was there
//! before the first entry.

use cached_runtime::{Cache, Eviction};
use std::process::Command;
use std::time::Duration;

const ENTRIES: usize = 1_000_000;

type Fill = fn(&mut dyn FnMut());

/// Fills, and calls back while everything is still there.
const CONTESTANTS: [(&str, Fill); 8] = [
    ("cached-runtime, lru", |measure| ours(Eviction::Lru, None, measure)),
    ("cached-runtime, lru, ttl", |measure| ours(Eviction::Lru, Some(Duration::from_hours(1)), measure)),
    ("cached-runtime, sieve", |measure| ours(Eviction::Sieve, None, measure)),
    ("cached-runtime, sieve, ttl", |measure| ours(Eviction::Sieve, Some(Duration::from_hours(1)), measure)),
    ("cached max_size", |measure| {
        let mut cache = cached::LruCache::<u64, u64>::builder().max_size(ENTRIES).build().expect("a bound above zero");
        (0..ENTRIES as u64).for_each(|key| {
            cached::Cached::cache_set(&mut cache, key, key);
        });
        measure();
    }),
    ("cached max_size, ttl", |measure| {
        let mut cache = cached::LruTtlCache::<u64, u64>::builder()
            .max_size(ENTRIES)
            .ttl(Duration::from_hours(1))
            .build()
            .expect("a bound above zero");
        (0..ENTRIES as u64).for_each(|key| {
            cached::Cached::cache_set(&mut cache, key, key);
        });
        measure();
    }),
    ("lru", |measure| {
        let mut cache = lru::LruCache::new(std::num::NonZeroUsize::new(ENTRIES).expect("a bound above zero"));
        (0..ENTRIES as u64).for_each(|key| {
            cache.put(key, key);
        });
        measure();
    }),
    ("quick_cache", |measure| {
        let cache = quick_cache::sync::Cache::<u64, u64>::new(ENTRIES);
        (0..ENTRIES as u64).for_each(|key| cache.insert(key, key));
        measure();
    }),
];

fn ours(eviction: Eviction, ttl: Option<Duration>, measure: &mut dyn FnMut()) {
    let builder = Cache::<u64, u64>::builder().capacity(ENTRIES).eviction(eviction);
    let cache = if let Some(ttl) = ttl { builder.ttl(ttl).build() } else { builder.build() };
    (0..ENTRIES as u64).for_each(|key| cache.set(key, key));
    measure();
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kilo| kilo * 1024)
}

/// In the child: prints how many bytes were added.
pub(crate) fn fill(name: &str) {
    let Some((_, fill)) = CONTESTANTS.iter().find(|(known, _)| *known == name) else { return };
    let before = resident();
    fill(&mut || println!("{}", resident() - before));
}

pub(crate) fn run() {
    println!("| | bytes an entry |\n|---|--:|");
    for (name, _) in CONTESTANTS {
        let program = std::env::current_exe().expect("the program's own path");
        let output = Command::new(program).args(["--fill", name]).output().expect("a process of its own");
        let bytes: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0);
        println!("| {name} | {} |", bytes / ENTRIES as u64);
    }
}
