//! `max_weight` and `weigh`: a bound by weight instead of count.

use cached_runtime::{Cache, Eviction, cached};
use cached_tests::Counter;

#[test]
fn bound_by_weight() {
    #[cached(max_weight = "1KiB", weigh = |key, value| key.len() + value.len())]
    fn repeat(text: &str) -> String {
        text.repeat(9)
    }
    for n in 0..100 {
        // Ten times its length: 100 bytes.
        let text = format!("{n:010}");
        assert_eq!(repeat(&text).len(), 90);
        assert!(repeat::stats().weight <= 1024);
    }
    let stats = repeat::stats();
    assert_eq!(
        (stats.entries, stats.weight, stats.max_weight, stats.capacity, stats.evictions),
        (10, 1000, Some(1024), None, 90),
        "{stats}"
    );
    // The last ten stay.
    assert!(repeat::contains("0000000099") && repeat::contains("0000000090") && !repeat::contains("0000000089"));
}

#[test]
fn heavier_than_everything_keeps_the_function_working() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let runs = Counter::new();
        let cache: Cache<u32, u32> =
            Cache::builder().max_weight(10).weigh(|_, value| *value as usize).eviction(eviction).build();
        for _ in 0..3 {
            let value = cache.get_or_load(1, || {
                runs.up();
                11
            });
            assert_eq!((value, cache.len(), cache.stats().weight), (11, 0, 0));
        }
        assert_eq!((runs.get(), cache.stats().rejected), (3, 3));
        cache.set(2, 10);
        assert_eq!((cache.get(&2), cache.stats().weight), (Some(10), 10), "just as heavy fits");
        cache.get_or_load(3, || 1000);
        assert_eq!(cache.get(&2), Some(10), "what is not kept pushes nothing out");
        cache.set(2, 11);
        assert_ne!(cache.get(&2), Some(10), "the old value must not survive a set that was too heavy");
    }
}

#[test]
fn replacing_changes_the_weight() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let cache: Cache<u32, usize> =
            Cache::builder().max_weight(100).weigh(|_, value| *value).eviction(eviction).build();
        cache.set(1, 30);
        cache.set(2, 30);
        cache.set(1, 60);
        assert_eq!((cache.stats().weight, cache.len()), (90, 2));
        cache.set(1, 5);
        assert_eq!(cache.stats().weight, 35);
        cache.set(2, 100);
        assert_eq!((cache.stats().weight, cache.get(&1), cache.get(&2)), (100, None, Some(100)));
        cache.invalidate(&2);
        assert_eq!((cache.stats().weight, cache.len()), (0, 0));
        cache.set(3, 50);
        cache.clear();
        assert_eq!((cache.stats().weight, cache.len()), (0, 0));
    }
}

#[test]
fn one_heavy_pushes_many_light_ones_out() {
    let cache: Cache<u32, usize> = Cache::builder().max_weight(100).weigh(|_, value| *value).build();
    (0..10).for_each(|key| cache.set(key, 10));
    cache.get(&0);
    cache.set(100, 75);
    // The two that were used last stay: 0 by the read, 9 by the write.
    let mut keys: Vec<_> = cache.iter_keys().into_iter().collect();
    keys.sort_unstable();
    assert_eq!((keys, cache.stats().evictions), (vec![0, 9, 100], 8));
}

#[test]
fn weightless_and_overweight() {
    let cache: Cache<u32, usize> = Cache::builder().max_weight(100).weigh(|_, value| *value).build();
    (0..1000).for_each(|key| cache.set(key, 0));
    assert_eq!((cache.len(), cache.stats().weight), (1000, 0));
    cache.set(5000, usize::MAX);
    cache.set(5001, usize::MAX);
    assert_eq!((cache.get(&5000), cache.stats().weight), (None, 0), "no overflow");
    let vast: Cache<u32, usize> = Cache::builder().max_weight(u64::MAX).weigh(|_, value| *value).build();
    for key in 0..5 {
        vast.set(key, usize::MAX / 2);
        assert_eq!(vast.get(&key), Some(usize::MAX / 2), "the sum must not wrap");
    }
}

/// Without `weigh` an entry weighs one.
#[test]
fn without_weigh() {
    let cache: Cache<u32, u32> = Cache::builder().max_weight(5).build();
    (0..10).for_each(|key| cache.set(key, key));
    assert_eq!((cache.len(), cache.stats().weight), (5, 5));
}
