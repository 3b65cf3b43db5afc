//! `cache_err` and `cache_none` with a duration: kept that long, whatever the ttl.

use crate::secs;
use cached_runtime::{cached, clock};
use cached_tests::Counter;

#[test]
fn an_error_for_a_while() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(ttl = "60s", cache_err = "5s")]
    fn load(n: u64) -> Result<u64, String> {
        RUNS.up();
        if n == 0 { Err("zero".into()) } else { Ok(n) }
    }
    for _ in 0..2 {
        assert_eq!((load(0), load(1)), (Err("zero".into()), Ok(1)));
    }
    assert_eq!(RUNS.get(), 2);
    clock.advance(secs(4));
    assert_eq!((load(0), load::get(0), RUNS.get()), (Err("zero".into()), Some(Err("zero".into())), 2));
    clock.advance(secs(1));
    assert_eq!((load(0), load(1), RUNS.get()), (Err("zero".into()), Ok(1), 3));
    clock.advance(secs(54));
    assert_eq!((load(1), RUNS.get()), (Ok(1), 3));
    clock.advance(secs(1));
    assert_eq!((load(1), RUNS.get()), (Ok(1), 4));
}

#[test]
fn an_absence_for_a_while_without_any_ttl() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(cache_none = "5s")]
    async fn find(n: u64) -> Option<u64> {
        RUNS.up();
        (n > 0).then_some(n)
    }
    let find = |n| futures::executor::block_on(find(n));
    for _ in 0..2 {
        assert_eq!((find(0), find(1)), (None, Some(1)));
    }
    clock.advance(secs(4));
    assert_eq!((find(0), RUNS.get()), (None, 2));
    clock.advance(secs(1));
    assert_eq!((find(0), RUNS.get()), (None, 3));
    clock.advance(secs(1_000_000));
    assert_eq!((find(1), RUNS.get()), (Some(1), 3), "values are kept for good");
}

#[test]
fn both_with_their_own_durations() {
    let clock = clock::pause();
    static RUNS: Counter = Counter::new();
    #[cached(ttl = "60s", cache_err = "5s", cache_none = "20s")]
    fn find(n: u64) -> Result<Option<u64>, String> {
        RUNS.up();
        match n {
            0 => Err("zero".into()),
            1 => Ok(None),
            n => Ok(Some(n)),
        }
    }
    let all = || (0..3).filter(|n| find::contains(*n)).collect::<Vec<_>>();
    (0..3).for_each(|n| drop(find(n)));
    clock.advance(secs(4));
    assert_eq!(all(), [0, 1, 2]);
    clock.advance(secs(2));
    assert_eq!(all(), [1, 2]);
    clock.advance(secs(15));
    assert_eq!(all(), [2]);
    clock.advance(secs(40));
    assert_eq!((all(), RUNS.get()), (vec![], 3));
}

/// Longer than the ttl is what was asked for.
#[test]
fn longer_than_the_ttl() {
    let clock = clock::pause();
    #[cached(ttl = "5s", cache_none = "60s")]
    fn find(n: u64) -> Option<u64> {
        (n > 0).then_some(n)
    }
    assert_eq!((find(0), find(1)), (None, Some(1)));
    clock.advance(secs(30));
    assert_eq!((find::contains(0), find::contains(1)), (true, false));
    clock.advance(secs(30));
    assert!(!find::contains(0));
}

/// `true` keeps them as long as values.
#[test]
fn as_long_as_values() {
    let clock = clock::pause();
    #[cached(ttl = "10s", cache_err = true)]
    fn load(n: u64) -> Result<u64, String> {
        Err(n.to_string())
    }
    load(1).unwrap_err();
    clock.advance(secs(9));
    assert!(load::contains(1));
    clock.advance(secs(1));
    assert!(!load::contains(1));
}
