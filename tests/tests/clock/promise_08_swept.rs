//! Promise 8: expired entries are freed without being asked for: here by the sweeper of idle caches, once the test clock says that they are due.

use crate::{secs, stores};
use cached_runtime::{Cache, cached, clock};
use cached_tests::eventually;
use std::sync::{Arc, Weak};

#[test]
fn idle_caches() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, Arc<u32>>() {
        let cache = builder.ttl(secs(10)).build();
        let values: Vec<Weak<u32>> = (0..1000)
            .map(|key| {
                let value = Arc::new(key);
                cache.set(key, Arc::clone(&value));
                Arc::downgrade(&value)
            })
            .collect();
        clock.advance(secs(11));
        eventually(store, || values.iter().all(|value| value.strong_count() == 0));
        assert_eq!((cache.len(), cache.stats().entries), (0, 0), "{store}");
        eventually("they are counted", || cache.stats().expirations == values.len() as u64);
        assert_eq!(cache.stats().evictions, 0, "{store}");
    }
}

/// Only what is due goes: long-lived entries among them stay.
#[test]
fn not_what_is_alive() {
    let clock = clock::pause();
    #[cached(ttl = "10s")]
    fn load(n: u64) -> Arc<u64> {
        Arc::new(n)
    }
    let values: Vec<Weak<u64>> = (0..200).map(|n| Arc::downgrade(&load(n))).collect();
    clock.advance(secs(6));
    let values: Vec<Weak<u64>> = values
        .into_iter()
        .enumerate()
        .map(|(n, value)| if n % 2 == 0 { value } else { Arc::downgrade(&load::refresh(n as u64)) })
        .collect();
    clock.advance(secs(6));
    eventually("the expired ones are freed", || values.iter().step_by(2).all(|value| value.strong_count() == 0));
    assert!(values.iter().skip(1).step_by(2).all(|value| value.strong_count() == 1));
    assert_eq!((load::stats().entries, load::stats().expirations), (100, 100));
}

#[test]
fn by_idle_time_too() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, Arc<u32>>() {
        let cache = builder.tti(secs(10)).build();
        let (read, unread) = (Arc::new(1), Arc::new(2));
        cache.set(1, Arc::clone(&read));
        cache.set(2, Arc::clone(&unread));
        clock.advance(secs(8));
        cache.get(&1);
        clock.advance(secs(3));
        eventually(store, || Arc::strong_count(&unread) == 1);
        assert_eq!(Arc::strong_count(&read), 2, "{store}");
        clock.advance(secs(8));
        eventually(store, || Arc::strong_count(&read) == 1);
    }
}

/// A bounded cache full of expired entries has room: nothing alive must go for a new one.
#[test]
fn expired_entries_make_room() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().capacity(100).ttl(secs(10)).build();
    (0..50).for_each(|key| cache.set(key, key));
    clock.advance(secs(6));
    (50..100).for_each(|key| cache.set(key, key));
    clock.advance(secs(6));
    eventually("the first half is freed", || cache.stats().expirations == 50);
    (100..150).for_each(|key| cache.set(key, key));
    assert_eq!((cache.len(), cache.stats().evictions), (100, 0));
    assert!((50..150).all(|key| cache.contains(&key)));
}

/// A busy cache needs no sweeper: its own calls free what expired, a bounded part at a time.
#[test]
fn a_local_cache_by_its_calls() {
    let clock = clock::pause();
    #[cached(backend = local, ttl = "10s")]
    fn load(n: u32) -> Arc<u32> {
        Arc::new(n)
    }
    let values: Vec<Weak<u32>> = (0..300).map(|n| Arc::downgrade(&load(n))).collect();
    clock.advance(secs(11));
    for n in 1000..1400 {
        load(n);
    }
    let left = values.iter().filter(|value| value.strong_count() > 0).count();
    assert_eq!(left, 0, "400 calls free 300 expired entries");
    assert_eq!(load::stats().expirations, 300);
}

/// An expired value is dropped outside of all locks: its `Drop` may use the cache.
#[test]
fn a_swept_value_uses_the_cache() {
    let clock = clock::pause();
    struct Uses(u32);
    impl Drop for Uses {
        fn drop(&mut self) {
            plain::invalidate(self.0);
            plain(self.0 + 1000);
        }
    }
    #[cached]
    fn plain(n: u32) -> u32 {
        n
    }
    #[cached(ttl = "10s")]
    fn load(n: u32) -> Arc<Uses> {
        plain(n);
        Arc::new(Uses(n))
    }
    (0..20).for_each(|n| drop(load(n)));
    clock.advance(secs(11));
    eventually("all are dropped", || (0..20).all(|n| plain::contains(n + 1000)));
    assert!((0..20).all(|n| !plain::contains(n)));
}

/// The call that finds an expired value drops it, and that value's `Drop` asks for the very key that the call is about to load.
#[test]
fn an_expired_value_asks_for_its_own_key() {
    let clock = clock::pause();
    struct Asks(u32, std::thread::ThreadId);
    impl Drop for Asks {
        fn drop(&mut self) {
            // Once, and only if the call itself drops it: the sweeper may have been faster.
            if self.0 == 7 && self.1 == std::thread::current().id() {
                load(7);
            }
        }
    }
    thread_local!(static FIRST: std::cell::Cell<bool> = const { std::cell::Cell::new(true) });
    #[cached(ttl = "10s")]
    fn load(n: u32) -> Arc<Asks> {
        Arc::new(Asks(if FIRST.replace(false) { n } else { 0 }, std::thread::current().id()))
    }
    load(7);
    clock.advance(secs(11));
    let begun = std::time::Instant::now();
    load(7);
    assert!(begun.elapsed() < cached_tests::AT_ONCE, "it waited for itself: {:?}", begun.elapsed());
}
