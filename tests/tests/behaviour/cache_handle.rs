//! `Cache<K, V>` without any macro: whoever needs none loses nothing.

use cached_runtime::{Builder, Cache, Eviction, Local};
use cached_tests::{Counter, run};
use std::{rc::Rc, sync::Arc};

fn stores() -> Vec<(&'static str, Builder<String, u64>)> {
    vec![
        ("lru", Cache::builder()),
        ("sieve", Cache::builder().eviction(Eviction::Sieve)),
        ("unbounded", Cache::builder().unbounded()),
        ("by weight", Cache::builder().max_weight(1_000_000)),
        ("lru in shards", Cache::builder().capacity(100_000)),
        ("sieve in shards", Cache::builder().capacity(100_000).eviction(Eviction::Sieve)),
    ]
}

#[test]
fn set_get_contains_invalidate_clear() {
    for (store, builder) in stores() {
        let cache = builder.build();
        assert!(cache.is_empty() && cache.get("a").is_none(), "{store}");
        cache.set("a".into(), 1);
        cache.set("b".into(), 2);
        cache.set("a".into(), 3);
        // By the key or anything it borrows as.
        assert_eq!(
            (cache.get("a"), cache.get(&String::from("b")), cache.contains("c")),
            (Some(3), Some(2), false),
            "{store}"
        );
        assert_eq!((cache.len(), cache.stats().entries), (2, 2), "{store}");
        let mut keys: Vec<_> = cache.iter_keys().into_iter().collect();
        keys.sort();
        assert_eq!(keys, ["a", "b"], "{store}");
        cache.invalidate("a");
        cache.invalidate("never there");
        assert_eq!((cache.get("a"), cache.len()), (None, 1), "{store}");
        cache.clear();
        assert_eq!((cache.get("b"), cache.len(), cache.is_empty()), (None, 0, true), "{store}");
        cache.set("b".into(), 4);
        assert_eq!((cache.get("b"), cache.len()), (Some(4), 1), "{store}: it works after a clear");
    }
}

#[test]
fn the_same_of_a_local_cache() {
    let cache: Cache<Rc<str>, Rc<u64>, Local> = Cache::builder().capacity(2).build_local();
    cache.set("a".into(), Rc::new(1));
    cache.set("b".into(), Rc::new(2));
    cache.set("c".into(), Rc::new(3));
    assert_eq!((cache.get("a"), cache.get("c").map(|value| *value), cache.len()), (None, Some(3), 2));
    let clone = cache.clone();
    clone.invalidate("c");
    assert_eq!((cache.contains("c"), cache.iter_keys().into_iter().count()), (false, 1));
    assert_eq!(*cache.get_or_load("d".into(), || Rc::new(4)), 4);
    assert_eq!(*cache.get_or_load("d".into(), || unreachable!("a hit")), 4);
    assert_eq!(cache.try_get_or_load("e".into(), || Err("no")), Err("no"));
    cache.clear();
    assert_eq!((clone.len(), clone.capacity()), (0, Some(2)));
}

#[test]
fn loads() {
    for (store, builder) in stores() {
        let cache = builder.build();
        let runs = Counter::new();
        for _ in 0..3 {
            let value = cache.get_or_load("a".into(), || {
                runs.up();
                7
            });
            assert_eq!(value, 7, "{store}");
        }
        assert_eq!(runs.get(), 1, "{store}");
        assert_eq!(cache.try_get_or_load("b".into(), || Err("no")), Err("no"), "{store}");
        assert_eq!(cache.try_get_or_load("b".into(), || Ok::<_, &str>(8)), Ok(8), "{store}");
        assert_eq!(cache.try_get_or_load("b".into(), || Err("no")), Ok(8), "{store}");
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.load_errors), (3, 3, 1), "{store}");
    }
}

#[test]
fn loads_async() {
    for (store, builder) in stores() {
        let cache = builder.build();
        run(move || async move {
            assert_eq!(cache.get_or_load_async("a".into(), async { 7 }).await, 7, "{store}");
            assert_eq!(cache.get_or_load_async("a".into(), async { unreachable!("a hit") }).await, 7, "{store}");
            assert_eq!(cache.try_get_or_load_async("b".into(), async { Err("no") }).await, Err("no"), "{store}");
            assert_eq!(cache.try_get_or_load_async("b".into(), async { Ok::<_, &str>(8) }).await, Ok(8), "{store}");
            assert_eq!(cache.try_get_or_load_async("b".into(), async { Err("no") }).await, Ok(8), "{store}");
        });
    }
}

/// A loader may borrow: nothing of it outlives the call.
#[test]
fn loaders_may_borrow() {
    let cache: Cache<u32, usize> = Cache::builder().build();
    let text = String::from("abc");
    assert_eq!(cache.get_or_load(1, || text.len()), 3);
    let (borrowed, handle) = (&text, &cache);
    assert_eq!(futures::executor::block_on(handle.get_or_load_async(2, async { borrowed.len() + 1 })), 4);
}

#[test]
fn clones_are_handles_to_one_cache() {
    let cache: Cache<u32, u32> = Cache::builder().name("one of two").build();
    let clone = cache.clone();
    cache.set(1, 10);
    assert_eq!((clone.get(&1), clone.name()), (Some(10), "one of two"));
    clone.clear();
    assert_eq!((cache.get(&1), cache.stats()), (None, clone.stats()));
}

#[test]
fn capacities() {
    assert_eq!(Cache::<u32, u32>::builder().build().capacity(), Some(1024), "the default");
    assert_eq!(Cache::<u32, u32>::builder().capacity(7).build().capacity(), Some(7));
    assert_eq!(Cache::<u32, u32>::builder().unbounded().build().capacity(), None);
    assert_eq!(Cache::<u32, u32>::builder().max_weight(7).build().capacity(), None);
    assert_eq!(Cache::<u32, u32>::builder().capacity(7).build_local().capacity(), Some(7));
    // A capacity that nobody will ever fill is not reserved ahead.
    let vast: Cache<u32, u32> = Cache::builder().capacity(usize::MAX).build();
    let vast_sieve: Cache<u32, u32> = Cache::builder().capacity(usize::MAX).eviction(Eviction::Sieve).build();
    vast.set(1, 1);
    vast_sieve.set(1, 1);
    assert_eq!((vast.get(&1), vast_sieve.get(&1), vast.capacity()), (Some(1), Some(1), Some(usize::MAX)));
}

#[test]
fn capacity_zero_stores_nothing_and_works() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let cache: Cache<u32, u32> = Cache::builder().capacity(0).eviction(eviction).build();
        cache.set(1, 1);
        assert_eq!((cache.get(&1), cache.get_or_load(1, || 2), cache.get_or_load(1, || 3)), (None, 2, 3));
        assert_eq!(cache.try_get_or_load(1, || Err::<u32, _>("no")), Err("no"));
        assert_eq!(futures::executor::block_on(cache.get_or_load_async(1, async { 4 })), 4);
        cache.invalidate(&1);
        cache.clear();
        assert_eq!((cache.len(), cache.stats().entries, cache.stats().hits, cache.capacity()), (0, 0, 0, Some(0)));
    }
    let local: Cache<u32, u32, Local> = Cache::builder().capacity(0).build_local();
    local.set(1, 1);
    assert_eq!((local.get(&1), local.get_or_load(1, || 2), local.len()), (None, 2, 0));
}

/// Handles are `Send` and `Sync` as their parts are, and cheap to put into statics and structs.
#[test]
fn handles_are_send_and_sync() {
    fn shared<T: Send + Sync + Clone + 'static>(of: T) -> T {
        of
    }
    let cache = shared(Cache::<Arc<str>, Vec<u8>>::builder().build());
    assert!(cache.is_empty());
}

#[test]
fn keys_while_others_change() {
    for (store, builder) in stores() {
        let cache = builder.build();
        let handle = cache.clone();
        cached_tests::crowd(3, move |thread| {
            for n in 0..500_u64 {
                match thread {
                    0 => handle.set((n % 50).to_string(), n),
                    1 => handle.invalidate(&*(n % 50).to_string()),
                    _ => {
                        let keys: Vec<_> = handle.iter_keys().into_iter().collect();
                        assert!(keys.len() <= 50);
                        let mut unique = keys.clone();
                        unique.sort();
                        unique.dedup();
                        assert_eq!(unique.len(), keys.len(), "a key twice");
                    }
                }
            }
        });
        assert!(cache.len() <= 50, "{store}");
    }
}
