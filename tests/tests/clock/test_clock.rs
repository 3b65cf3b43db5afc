//! The test clock itself: it stands until it is advanced, one test holds it at a time, and it goes on afterwards.

use crate::secs;
use cached_runtime::{Cache, cached, clock};
use cached_tests::{Gate, eventually, let_them_block, start};
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

#[test]
fn stands_still_until_it_is_advanced() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(Duration::from_millis(30)).build();
    cache.set(1, 1);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(cache.get(&1), Some(1), "real time does not count");
    clock.advance(secs(1));
    assert_eq!(cache.get(&1), None);
}

#[test]
fn is_the_same_for_all_threads() {
    let clock = clock::pause();
    #[cached(ttl = "10s")]
    fn load(n: u32) -> u32 {
        n
    }
    load(1);
    clock.advance(secs(20));
    assert!(!start(|| load::contains(1)).end());
}

#[test]
fn one_holder_at_a_time() {
    static FIRST: Gate = Gate::new();
    static RELEASED: AtomicBool = AtomicBool::new(false);
    let clock = clock::pause();
    let other = start(|| {
        FIRST.open();
        let _clock = clock::pause();
        RELEASED.load(SeqCst)
    });
    FIRST.wait();
    let_them_block();
    RELEASED.store(true, SeqCst);
    drop(clock);
    assert!(other.end(), "two threads held the clock");
}

#[test]
fn a_thread_may_pause_it_again() {
    let outer = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(secs(10)).build();
    cache.set(1, 1);
    {
        let inner = clock::pause();
        inner.advance(secs(5));
    }
    assert_eq!(cache.get(&1), Some(1));
    outer.advance(secs(6));
    assert_eq!(cache.get(&1), None);
}

#[test]
fn time_goes_on_afterwards() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(Duration::from_millis(100)).build();
    cache.set(1, 1);
    clock.advance(Duration::from_millis(10));
    drop(clock);
    // Another test may pause it in between, but not for ever.
    eventually("it expires in real time", || cache.get(&1).is_none());
}
