//! Promise 8: `len <= capacity` and `weight <= max_weight` at every observation, also while threads insert as fast as they can.

use cached_runtime::{Cache, Eviction, cached};
use cached_tests::crowd;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

const EVICTIONS: [Eviction; 2] = [Eviction::Lru, Eviction::Sieve];

/// Three threads change the cache, one watches it.
fn watched(
    cache: &Cache<u64, u64>,
    change: impl Fn(&Cache<u64, u64>, u64) + Send + Sync + 'static,
    observe: impl Fn(&Cache<u64, u64>) + Send + Sync + 'static,
) {
    let cache = cache.clone();
    let (done, observations) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let seen = Arc::clone(&observations);
    crowd(4, move |thread| {
        if thread == 3 {
            while !done.load(SeqCst) {
                observe(&cache);
                seen.fetch_add(1, SeqCst);
            }
            return;
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread as u64 + 1);
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            change(&cache, random);
        }
        done.store(true, SeqCst);
    });
    assert!(observations.load(SeqCst) > 0);
}

#[test]
fn never_more_than_the_capacity() {
    for eviction in EVICTIONS {
        // The last one is more than one lock is for.
        for capacity in [0, 1, 2, 7, 64, 1000, 3000] {
            let cache: Cache<u64, u64> = Cache::builder().capacity(capacity).eviction(eviction).build();
            watched(
                &cache,
                |cache, random| {
                    let key = random % 5000;
                    match random >> 60 {
                        0 => cache.set(key, key),
                        1 => cache.invalidate(&key),
                        _ => assert_eq!(cache.get_or_load(key, || key), key),
                    }
                },
                move |cache| {
                    let (len, entries) = (cache.len(), cache.stats().entries);
                    assert!(len <= capacity && entries <= capacity, "{len}, {entries} entries in {capacity} places");
                },
            );
            assert_eq!(cache.capacity(), Some(capacity));
            if capacity > 0 && capacity <= 1024 {
                // No place is lost by all that: it fills up again.
                (0..5000).for_each(|key| cache.set(key, key));
                assert_eq!((cache.len(), cache.iter_keys().into_iter().count()), (capacity, capacity));
            }
        }
    }
}

#[test]
fn never_more_than_the_weight() {
    for eviction in EVICTIONS {
        let cache: Cache<u64, u64> =
            Cache::builder().max_weight(1000).weigh(|_, value| (*value % 97) as usize).eviction(eviction).build();
        watched(
            &cache,
            |cache, random| {
                let key = random % 500;
                match random >> 60 {
                    0 => cache.set(key, random >> 8),
                    1 => cache.invalidate(&key),
                    _ => drop(cache.get_or_load(key, || random >> 8)),
                }
            },
            |cache| {
                let stats = cache.stats();
                assert!(stats.weight <= 1000, "{stats}");
                assert_eq!(stats.max_weight, Some(1000));
            },
        );
        // The sum is exact when all is quiet: it neither leaks nor goes below zero.
        let weight: u64 = cache.iter_keys().into_iter().filter_map(|key| cache.get(&key)).map(|value| value % 97).sum();
        assert_eq!(cache.stats().weight, weight);
        cache.clear();
        (0..500).for_each(|key| cache.invalidate(&key));
        assert_eq!((cache.stats().weight, cache.len()), (0, 0));
    }
}

/// Refreshes and loads of other threads in the smallest cache.
#[test]
fn refreshes_count_too() {
    #[cached(capacity = 3)]
    fn load(n: u64) -> u64 {
        n
    }
    crowd(4, |thread| {
        for n in 0..5000 {
            let key = (n * 7 + thread as u64) % 10;
            assert_eq!(if n % 3 == 0 { load::refresh(key) } else { load(key) }, key);
            assert!(load::stats().entries <= 3);
        }
    });
    assert_eq!(load::stats().entries, 3);
}

#[test]
fn each_thread_of_a_local_cache_has_its_bound() {
    #[cached(capacity = 5, backend = local)]
    fn load(n: u64) -> u64 {
        n
    }
    crowd(3, |_| {
        for n in 0..1000 {
            load(n % 17);
            let here = (0..17).filter(|n| load::contains(*n)).count();
            assert!(here <= 5, "{here} entries in 5 places");
        }
    });
}

/// What the body keeps alive is bounded too: evicted values are freed.
#[test]
fn evicted_values_are_freed() {
    struct Counted;
    static ALIVE: AtomicU64 = AtomicU64::new(0);
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, SeqCst);
        }
    }
    for eviction in EVICTIONS {
        let cache: Cache<u64, Arc<Counted>> = Cache::builder().capacity(10).eviction(eviction).build();
        for key in 0..1000 {
            cache.get_or_load(key, || {
                ALIVE.fetch_add(1, SeqCst);
                Arc::new(Counted)
            });
            assert!(ALIVE.load(SeqCst) <= 11, "{eviction:?} keeps {} values alive", ALIVE.load(SeqCst));
        }
        drop(cache);
        cached_tests::eventually("the last handle frees the values", || ALIVE.load(SeqCst) == 0);
    }
}

/// Keys that are loaded and invalidated, or loaded and failed, leave nothing behind that grows.
#[test]
fn nothing_grows_beside_the_entries() {
    let cache: Cache<u64, u64> = Cache::builder().unbounded().build();
    for key in 0..100_000 {
        cache.get_or_load(key, || key);
        cache.invalidate(&key);
        assert!(cache.try_get_or_load(key, || Err::<u64, ()>(())).is_err());
    }
    assert_eq!((cache.len(), cache.iter_keys().into_iter().count()), (0, 0));
}
