//! Promise 8: expired entries are freed without being asked for, in real time; idle caches too. The same with the test clock is in `clock`.

use cached_runtime::{Cache, Eviction, cached};
use cached_tests::eventually;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Counts itself down when it is freed.
#[derive(Debug)]
struct Alive(&'static AtomicUsize);

impl Alive {
    fn new(count: &'static AtomicUsize) -> Arc<Self> {
        count.fetch_add(1, SeqCst);
        Arc::new(Self(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn idle(builder: cached_runtime::Builder<u32, Arc<Alive>>, count: &'static AtomicUsize) {
    let cache = builder.build();
    for key in 0..500 {
        cache.set(key, Alive::new(count));
    }
    assert!(count.load(SeqCst) > 0);
    eventually("an idle cache frees its expired values", || count.load(SeqCst) == 0);
    assert_eq!((cache.len(), cache.stats().expirations), (0, 500));
}

#[test]
fn idle_lru() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    idle(Cache::builder().ttl(Duration::from_millis(300)), &COUNT);
}

#[test]
fn idle_sieve() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    idle(Cache::builder().ttl(Duration::from_millis(300)).eviction(Eviction::Sieve), &COUNT);
}

#[test]
fn idle_unbounded() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    idle(Cache::builder().ttl(Duration::from_millis(300)).unbounded(), &COUNT);
}

#[test]
fn idle_by_tti() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    idle(Cache::builder().tti(Duration::from_millis(300)), &COUNT);
}

/// A local cache can't be swept by another thread, but by any call on its own.
#[test]
fn a_local_cache_by_other_calls() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    #[cached(backend = local, ttl = "50ms")]
    fn load(n: u32) -> Arc<Alive> {
        let _ = n;
        Alive::new(&COUNT)
    }
    for n in 0..200 {
        load(n);
    }
    eventually("calls for one key free the others", || {
        load(1000);
        COUNT.load(SeqCst) <= 1
    });
}

#[test]
fn a_local_cache_ends_with_its_thread() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    #[cached(backend = local)]
    fn load(n: u32) -> Arc<Alive> {
        let _ = n;
        Alive::new(&COUNT)
    }
    std::thread::spawn(|| {
        (0..20).for_each(|n| drop(load(n)));
        assert_eq!(COUNT.load(SeqCst), 20);
    })
    .join()
    .unwrap();
    eventually("the values are freed", || COUNT.load(SeqCst) == 0);
}

/// `clear` makes entries unreachable at once; their memory follows without further calls.
#[test]
fn cleared_values_are_freed() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    for builder in [Cache::builder(), Cache::builder().eviction(Eviction::Sieve), Cache::builder().unbounded()] {
        let cache: Cache<u32, Arc<Alive>> = builder.build();
        (0..500).for_each(|key| cache.set(key, Alive::new(&COUNT)));
        cache.clear();
        assert_eq!((cache.len(), cache.stats().entries, cache.iter_keys().into_iter().count()), (0, 0, 0));
        eventually("a cleared cache frees its values", || COUNT.load(SeqCst) == 0);
    }
}

/// The sweeper is one for the process: a value whose `Drop` panics in it must not end it.
#[test]
fn a_panicking_drop_does_not_end_the_sweeping() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    struct Panics(Arc<Alive>);
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(Arc::strong_count(&self.0) == 0, "dropped in the sweeper, on purpose");
        }
    }
    let bad: Cache<u32, Arc<Panics>> = Cache::builder().ttl(Duration::from_millis(100)).build();
    (0..10).for_each(|key| bad.set(key, Arc::new(Panics(Alive::new(&COUNT)))));
    eventually("the first are dropped", || COUNT.load(SeqCst) < 10);
    let good: Cache<u32, Arc<Alive>> = Cache::builder().ttl(Duration::from_millis(100)).build();
    static GOOD: AtomicUsize = AtomicUsize::new(0);
    (0..10).for_each(|key| good.set(key, Alive::new(&GOOD)));
    eventually("other caches are swept", || GOOD.load(SeqCst) == 0);
    eventually("the rest of the bad ones are dropped", || COUNT.load(SeqCst) == 0);
}

/// A dropped cache frees its values, however many times it was swept.
#[test]
fn a_dropped_cache() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    for builder in [Cache::builder(), Cache::builder().eviction(Eviction::Sieve), Cache::builder().unbounded()] {
        let cache: Cache<u32, Arc<Alive>> = builder.ttl(Duration::from_secs(3600)).build();
        let other = cache.clone();
        (0..50).for_each(|key| cache.set(key, Alive::new(&COUNT)));
        drop(cache);
        assert_eq!(COUNT.load(SeqCst), 50, "another handle is there");
        drop(other);
        eventually("the last handle frees the values", || COUNT.load(SeqCst) == 0);
    }
}

/// A ttl shorter than the tick of a coarse clock is still one: it holds for a while, and it ends.
#[test]
fn short_times_to_live() {
    for (ttl, builder) in [
        (2, Cache::builder()),
        (5, Cache::builder().eviction(Eviction::Sieve)),
        (20, Cache::builder().unbounded()),
        (40, Cache::builder()),
    ] {
        let cache: Cache<u32, u32> = builder.ttl(Duration::from_millis(ttl)).build();
        let mut hits = 0;
        for round in 0..20 {
            cache.set(1, round);
            hits += u32::from(cache.get(&1) == Some(round));
        }
        assert!(hits > 10, "{hits} hits of 20 right after the store, with {ttl} ms");
        let stored = std::time::Instant::now();
        cache.set(2, 2);
        eventually("it ends", || cache.get(&2).is_none());
        assert!(stored.elapsed() < Duration::from_secs(5));
        cache.set(3, 3);
        std::thread::sleep(Duration::from_millis(ttl));
        assert_eq!(cache.get(&3), None, "after {ttl} ms");
    }
}
