//! Counters add up: `hits + misses` are the calls, and what else there is to see.

use cached_runtime::{Cache, Stats, cached};
use cached_tests::crowd;
use std::time::Duration;

#[test]
fn each_counter() {
    #[cached(capacity = 2, skip(mode), bypass_if = mode == 'b', refresh_if = mode == 'r', cache_if = |value| *value < 1000)]
    fn load(n: u64, mode: char) -> Result<u64, String> {
        if mode == 'e' {
            return Err("on purpose".into());
        }
        std::thread::sleep(Duration::from_millis(2));
        Ok(n)
    }
    let _ = load(1, ' '); // miss, load
    let _ = load(1, ' '); // hit
    let _ = load(2, ' '); // miss, load
    let _ = load(3, ' '); // miss, load, eviction of 1
    let _ = load(4, 'e'); // miss, error
    let _ = load(1000, ' '); // miss, rejected
    let _ = load(3, 'b'); // bypassed
    load::invalidate(2);
    let stats = load::stats();
    assert_eq!((stats.hits, stats.misses), (1, 5), "{stats}");
    assert_eq!(
        (stats.evictions, stats.load_errors, stats.rejected, stats.bypassed, stats.invalidations),
        (1, 1, 1, 1, 1),
        "{stats}"
    );
    assert_eq!((stats.coalesced, stats.fenced, stats.expirations), (0, 0, 0), "{stats}");
    assert_eq!((stats.entries, stats.capacity, stats.max_weight), (1, Some(2), None), "{stats}");
    assert_eq!((stats.requests(), stats.hit_rate()), (6, 1.0 / 6.0), "{stats}");
    assert!(stats.load_time >= Duration::from_millis(8), "{:?}", stats.load_time);
    assert!(stats.mean_load_time().unwrap() >= Duration::from_micros(1600), "{:?}", stats.mean_load_time());

    load::reset_stats();
    let stats = load::stats();
    assert_eq!(
        (stats.requests(), stats.loads, stats.evictions, stats.load_time, stats.mean_load_time()),
        (0, 0, 0, Duration::ZERO, None)
    );
    assert_eq!((stats.entries, stats.hit_rate()), (1, 0.0), "entries are no counter");
    let _ = load(3, ' ');
    assert_eq!((load::stats().hits, load::stats().misses), (1, 0), "counting goes on from zero");
}

#[test]
fn the_sums_hold_under_contention() {
    #[cached(capacity = 50)]
    fn load(n: u64) -> u64 {
        n
    }
    crowd(4, |thread| {
        (0..5000).for_each(|n| assert_eq!(load((n * 7 + thread as u64) % 100), (n * 7 + thread as u64) % 100))
    });
    let stats = load::stats();
    assert_eq!(stats.hits + stats.misses, 20_000, "{stats}");
    assert_eq!(stats.misses, stats.loads + stats.coalesced, "{stats}");
    assert_eq!(stats.entries, 50);
    assert_eq!(stats.loads, stats.evictions + 50, "what was loaded is there or was evicted: {stats}");
}

#[test]
fn display_is_like_cache_info() {
    let cache: Cache<u32, u32> = Cache::builder().capacity(10).build();
    cache.get_or_load(1, || 1);
    cache.get_or_load(1, || 1);
    cache.get_or_load(1, || 1);
    cache.get_or_load(2, || 2);
    let text = cache.stats().to_string();
    for part in ["hits", "misses", "50"] {
        assert!(text.contains(part), "no {part} in: {text}");
    }
    assert!(!text.contains('\n'), "one line: {text}");
    assert!(!Stats::default().to_string().is_empty());
}

#[test]
fn hit_rate_of_nothing_is_no_nan() {
    assert_eq!(
        (Stats::default().hit_rate(), Stats::default().requests(), Stats::default().mean_load_time()),
        (0.0, 0, None)
    );
}

#[test]
fn a_fenced_fill_is_counted() {
    #[cached]
    fn load(n: u64) -> u64 {
        load::invalidate(n);
        n
    }
    load(1);
    assert_eq!((load::stats().fenced, load::stats().loads, load::stats().entries), (1, 1, 0));
}
