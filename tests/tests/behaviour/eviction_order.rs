//! Who goes first: `lru` exactly the least recently used, `sieve` what a scan brought in.

use cached_runtime::{Cache, Eviction, cached};

fn sorted(cache: &Cache<u64, u64>) -> Vec<u64> {
    let mut keys: Vec<_> = cache.iter_keys().into_iter().collect();
    keys.sort_unstable();
    keys
}

#[test]
fn lru_is_exact_up_to_1024() {
    for capacity in [1, 2, 3, 16, 17, 100, 1024] {
        let cache: Cache<u64, u64> = Cache::builder().capacity(capacity).build();
        let n = capacity as u64;
        for key in 0..n {
            cache.set(key, key);
        }
        assert_eq!(cache.len(), capacity, "it fills up to {capacity}");
        // Every other one is read; then as many new ones come as there were unread ones.
        (0..n).filter(|key| key % 2 == 0).for_each(|key| assert_eq!(cache.get(&key), Some(key)));
        let unread = n / 2;
        (n..n + unread).for_each(|key| cache.set(key, key));
        let expected: Vec<_> = (0..n).filter(|key| key % 2 == 0).chain(n..n + unread).collect();
        assert_eq!(sorted(&cache), expected, "capacity {capacity}");
        assert_eq!(cache.stats().evictions, unread);
    }
}

#[test]
fn a_call_renews_and_a_load_renews() {
    #[cached(capacity = 3)]
    fn load(n: u64) -> u64 {
        n
    }
    assert_eq!([1, 2, 3, 1, 4].map(load), [1, 2, 3, 1, 4]);
    assert!(load::contains(1) && !load::contains(2) && load::contains(3));
    load::refresh(3);
    load(5);
    assert!(load::contains(3) && load::contains(4) && load::contains(5) && !load::contains(1));
    load::set(3, &30);
    load(6);
    assert!(load::contains(3) && !load::contains(4));
}

#[test]
fn contains_renews_nothing() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(2).build();
    cache.set(1, 1);
    cache.set(2, 2);
    assert!(cache.contains(&1));
    cache.set(3, 3);
    assert_eq!(sorted(&cache), [2, 3]);
    assert_eq!((cache.stats().hits, cache.stats().misses), (0, 0), "a look is no request");
}

/// A failed load takes nobody's place.
#[test]
fn a_failed_load_evicts_nothing() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(2).build();
    cache.set(1, 1);
    cache.set(2, 2);
    assert!(cache.try_get_or_load(3, || Err::<u64, ()>(())).is_err());
    assert_eq!((sorted(&cache), cache.stats().evictions), (vec![1, 2], 0));
}

#[test]
fn an_invalidated_place_is_free_again() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let cache: Cache<u64, u64> = Cache::builder().capacity(3).eviction(eviction).build();
        for round in 0..100 {
            (0..3).for_each(|key| cache.set(round * 3 + key, 1));
            assert_eq!(cache.len(), 3, "{eviction:?}");
            (0..3).for_each(|key| cache.invalidate(&(round * 3 + key)));
            assert_eq!(cache.len(), 0, "{eviction:?}");
        }
        assert_eq!(cache.stats().evictions, 0, "{eviction:?}: nobody had to go");
    }
}

/// A scan of keys that are used once pushes everything out of an LRU, but not what is used out of a SIEVE.
#[test]
fn sieve_survives_a_scan() {
    let hot = |eviction| {
        let cache: Cache<u64, u64> = Cache::builder().capacity(100).eviction(eviction).build();
        for _ in 0..3 {
            (0..50).for_each(|key| drop(cache.get_or_load(key, || key)));
        }
        (1000..1200).for_each(|key| drop(cache.get_or_load(key, || key)));
        (0..50).filter(|key| cache.contains(key)).count()
    };
    assert_eq!(hot(Eviction::Lru), 0);
    assert!(hot(Eviction::Sieve) >= 40, "{} of 50 hot keys survived", hot(Eviction::Sieve));
}

#[test]
fn sieve_keeps_what_is_read() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(3).eviction(Eviction::Sieve).build();
    (1..=3).for_each(|key| cache.set(key, key));
    cache.get(&1);
    cache.set(4, 4);
    assert!(cache.contains(&1) && cache.contains(&4), "{:?}", sorted(&cache));
    assert_eq!(cache.len(), 3);
}

/// Hits of the last of ten rounds over so many keys, in a cache of 1000 that others had filled.
fn hits_of_a_loop(cache: &Cache<u64, u64>, keys: u64) -> u64 {
    (10_000..11_000).for_each(|key| drop(cache.get_or_load(key, || key)));
    for round in 0..10 {
        if round == 9 {
            cache.reset_stats();
        }
        (0..keys).for_each(|key| drop(cache.get_or_load(key, || key)));
        assert!(cache.len() <= 1000);
    }
    cache.stats().hits
}

/// Keys that come in a loop over more than fit push each other out of an LRU, but a part of them stays in a SIEVE; and
/// those that fit come in.
#[test]
fn sieve_keeps_what_it_can_of_a_loop() {
    let by_weight = || Cache::builder().max_weight(1000).weigh(|_, _| 1);
    for (keys, lru, least) in [(500, 500, 450), (900, 900, 810), (1100, 0, 500), (2000, 0, 100)] {
        for builder in [Cache::builder().capacity(1000), by_weight()] {
            assert_eq!(hits_of_a_loop(&builder.build(), keys), lru);
        }
        for builder in [Cache::builder().capacity(1000), by_weight()] {
            let hits = hits_of_a_loop(&builder.eviction(Eviction::Sieve).build(), keys);
            assert!(hits >= least, "{hits} of {keys}");
        }
    }
}

/// What is stored anew is not taken for new: it need not wait in the queue.
#[test]
fn sieve_keeps_what_is_stored_anew_through_a_scan() {
    let cache: Cache<u64, u64> = Cache::builder().capacity(100).eviction(Eviction::Sieve).build();
    (0..100).for_each(|key| cache.set(key, key));
    cache.set(7, 8);
    (1000..2000).for_each(|key| cache.set(key, key));
    assert_eq!((cache.get(&7), cache.len()), (Some(8), 100));
}

/// Whatever has to go, it is never what just came.
#[test]
fn sieve_of_any_size_has_what_was_just_stored() {
    for capacity in 1..=30 {
        let cache: Cache<u64, u64> = Cache::builder().capacity(capacity).eviction(Eviction::Sieve).build();
        for key in 0..200 {
            cache.set(key, key);
            assert_eq!(cache.get_or_load(1000 + key % 7, || 1), 1);
            cache.set(2000 + key, key);
            assert_eq!(cache.get(&(2000 + key)), Some(key), "capacity {capacity}");
        }
        assert_eq!(cache.len(), capacity);
    }
}

/// Better hit ratios than LRU on a skewed stream, which is what it is for.
#[test]
fn sieve_beats_lru_on_a_skewed_stream() {
    let hits = |eviction| {
        let cache: Cache<u64, u64> = Cache::builder().capacity(100).eviction(eviction).build();
        let mut seed = 0x1234_5678_9abc_def0_u64;
        for _ in 0..50_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // Close to zipf: the logarithm of the rank is uniform.
            let uniform = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            let key = 10_000_f64.powf(uniform) as u64;
            cache.get_or_load(key, || key);
        }
        cache.stats().hits
    };
    let (lru, sieve) = (hits(Eviction::Lru), hits(Eviction::Sieve));
    assert!(sieve > lru, "{sieve} hits of sieve, {lru} of lru");
}

/// Beyond one lock the order is no longer exact, but no place is wasted on a grand scale, and what is hot stays.
#[test]
fn large_caches() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let cache: Cache<u64, u64> = Cache::builder().capacity(10_000).eviction(eviction).build();
        for key in 0..100_000 {
            cache.set(key, key);
            if key % 100 == 0 {
                assert_eq!(cache.get_or_load(1_000_000, || 1), 1);
            }
        }
        assert!((9_500..=10_000).contains(&cache.len()), "{eviction:?}: {} of 10,000 places", cache.len());
        assert_eq!(
            (cache.capacity(), cache.stats().loads),
            (Some(10_000), 1),
            "{eviction:?}: the hot key was loaded once"
        );
        let keys: std::collections::HashSet<_> = cache.iter_keys().into_iter().collect();
        assert_eq!(keys.len(), cache.len(), "{eviction:?}");
        assert!(keys.iter().all(|key| *key == 1_000_000 || cache.get(key) == Some(*key)));
        cache.clear();
        assert_eq!(
            (cache.len(), cache.iter_keys().into_iter().count(), cache.get(&1_000_000)),
            (0, 0, None),
            "{eviction:?}"
        );
    }
}
