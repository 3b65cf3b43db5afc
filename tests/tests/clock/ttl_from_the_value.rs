//! `ttl = |value| ..`: each value says how long it lives.

use crate::secs;
use cached_runtime::{cached, clock};
use cached_tests::Counter;
use std::time::Duration;

#[test]
fn each_its_own() {
    let clock = clock::pause();
    #[cached(ttl = |value| Duration::from_secs(*value))]
    fn load(n: u64) -> u64 {
        n
    }
    (1..=10).for_each(|n| assert_eq!(load(n * 10), n * 10));
    for gone in 1..=10 {
        clock.advance(secs(9));
        assert!(load::contains(gone * 10));
        clock.advance(secs(1));
        assert!(!load::contains(gone * 10));
        assert_eq!((gone + 1..=10).filter(|n| load::contains(n * 10)).count() as u64, 10 - gone);
    }
}

#[derive(Clone)]
struct Token {
    expires_in: Duration,
}

#[test]
fn of_results_and_async() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(ttl = |value: &Token| value.expires_in)]
    async fn token(scope: &str) -> Result<Token, String> {
        RUNS.up();
        scope.parse().map(|seconds| Token { expires_in: secs(seconds) }).map_err(|_| "no number".into())
    }
    let token = |scope| futures::executor::block_on(token(scope));
    for _ in 0..2 {
        assert!(token("x").is_err() && token("10").is_ok() && token("20").is_ok());
    }
    assert_eq!(RUNS.get(), 4);
    clock.advance(secs(15));
    assert!(token("20").is_ok());
    assert_eq!(RUNS.get(), 4);
    assert!(token("10").is_ok());
    assert_eq!(RUNS.get(), 5);
}

/// A value that says zero is not kept at all, and an entry that stands is not left in its place.
#[test]
fn zero_stores_nothing() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(ttl = |value| if *value == 0 { Duration::ZERO } else { Duration::from_secs(10) })]
    fn load(n: u64) -> u64 {
        RUNS.up();
        n
    }
    assert_eq!((load(0), load(0), RUNS.get(), load::stats().entries), (0, 0, 2, 0));
    assert_eq!((load(1), load(1), RUNS.get()), (1, 1, 3));
    clock.advance(secs(10));
    assert_eq!((load(1), RUNS.get()), (1, 4));
}

/// What is set by hand lives as long as its value says, too.
#[test]
fn set_values_too() {
    let clock = clock::pause();
    #[cached(ttl = |value| Duration::from_secs(*value))]
    fn load(n: u64) -> u64 {
        n
    }
    assert_eq!(load(2), 2);
    load::set(1, &100);
    load::set(2, &5);
    clock.advance(secs(50));
    assert_eq!((load::get(1), load::get(2)), (Some(100), None));
    clock.advance(secs(50));
    assert_eq!(load::get(1), None);
}
