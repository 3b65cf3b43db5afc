//! `cache_if`, `bypass_if`, `refresh_if`, `capacity` and `coalesce` as expressions.

use cached_runtime::cached;
use cached_tests::{Counter, run};

#[test]
fn cache_if_keeps_only_what_satisfies_it() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_if = |value| *value % 2 == 0)]
    fn load(n: u64) -> u64 {
        RUNS.up();
        n
    }
    assert_eq!((load(2), load(2), RUNS.get()), (2, 2, 1));
    assert_eq!((load(3), load(3), RUNS.get()), (3, 3, 3));
    let stats = load::stats();
    assert_eq!((stats.rejected, stats.entries, stats.loads), (2, 1, 3));
}

/// The closure sees the value that would be kept, not the `Result` around it.
#[test]
fn cache_if_sees_the_value() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_if = |value| !value.is_empty())]
    async fn search(text: &str) -> Result<Vec<char>, String> {
        RUNS.up();
        if text == "!" { Err("what?".into()) } else { Ok(text.chars().collect()) }
    }
    run(|| async {
        for _ in 0..2 {
            assert_eq!(search("ab").await.unwrap().len(), 2);
            assert_eq!(search("").await.unwrap().len(), 0);
            assert_eq!(search("!").await.unwrap_err(), "what?");
        }
    });
    assert_eq!((RUNS.get(), search::stats().entries), (5, 1));
}

#[test]
fn cache_if_is_not_asked_about_an_absence() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_none = true, cache_if = |value| *value < 10)]
    fn find(n: u64) -> Option<u64> {
        RUNS.up();
        (n > 0).then_some(n)
    }
    for _ in 0..2 {
        assert_eq!((find(0), find(5), find(50)), (None, Some(5), Some(50)));
    }
    assert_eq!(RUNS.get(), 4);
}

/// A value that is not kept leaves the entry that stands alone or removes it, but is never served from the cache.
#[test]
fn a_refresh_that_is_not_kept() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_if = |value| *value < 2)]
    fn load() -> usize {
        RUNS.up()
    }
    assert_eq!((load(), load()), (1, 1));
    assert_eq!(load::refresh(), 2);
    assert_ne!(load(), 2, "2 was not to be kept");
}

#[test]
fn bypass_if_leaves_the_cache_alone() {
    static RUNS: Counter = Counter::new();
    #[cached(skip(fresh), bypass_if = fresh)]
    fn load(n: u64, fresh: bool) -> u64 {
        n * 100 + RUNS.up() as u64
    }
    assert_eq!(load(7, false), 701);
    assert_eq!((load(7, true), load(7, false)), (702, 701));
    assert_eq!((load(8, true), load::contains(8)), (803, false), "it stores nothing");
    let stats = load::stats();
    assert_eq!((stats.bypassed, stats.hits, stats.misses, stats.entries), (2, 1, 1, 1));
}

#[test]
fn bypass_if_over_the_key_and_borrowed_arguments() {
    static RUNS: Counter = Counter::new();
    #[cached(bypass_if = name.starts_with('_') || n > 100)]
    async fn load(name: &str, n: u64) -> usize {
        RUNS.up();
        name.len() + usize::try_from(n).unwrap()
    }
    run(|| async {
        for _ in 0..2 {
            assert_eq!((load("a", 1).await, load("_a", 1).await, load("a", 101).await), (2, 3, 102));
        }
    });
    assert_eq!((RUNS.get(), load::stats().bypassed), (5, 4));
}

#[test]
fn refresh_if_loads_anew_and_stores() {
    static RUNS: Counter = Counter::new();
    #[cached(skip(force), refresh_if = force)]
    fn load(n: u64, force: bool) -> u64 {
        n * 100 + RUNS.up() as u64
    }
    assert_eq!((load(7, false), load(7, false)), (701, 701));
    assert_eq!((load(7, true), load(7, false)), (702, 702));
    assert_eq!((load(8, true), load(8, false), RUNS.get()), (803, 803, 3));
}

#[test]
fn refresh_if_async_keeps_the_old_value_on_an_error() {
    static RUNS: Counter = Counter::new();
    #[cached(skip(force), refresh_if = force)]
    async fn load(n: u64, force: bool) -> Result<u64, String> {
        if RUNS.up() == 2 { Err("down".into()) } else { Ok(n) }
    }
    run(|| async {
        assert_eq!(load(7, false).await, Ok(7));
        assert_eq!(load(7, true).await, Err("down".into()));
        assert_eq!((load(7, false).await, RUNS.get()), (Ok(7), 2));
        assert_eq!((load(7, true).await, RUNS.get()), (Ok(7), 3));
    });
}

#[test]
fn options_are_expressions() {
    const PLACES: usize = 2;
    fn two() -> usize {
        PLACES
    }
    #[cached(capacity = PLACES + 1)]
    fn three(n: u32) -> u32 {
        n
    }
    #[cached(capacity = two())]
    fn asks(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| assert_eq!((three(n), asks(n)), (n, n)));
    assert_eq!((three::stats().entries, asks::stats().entries, three::stats().capacity), (3, 2, Some(3)));
}

#[test]
fn option_expressions_are_evaluated_once() {
    static ASKED: Counter = Counter::new();
    #[cached(capacity = { ASKED.up(); 5 })]
    fn load(n: u32) -> u32 {
        n
    }
    cached_tests::crowd(8, |i| load(i as u32));
    (0..10).for_each(|n| drop(load(n)));
    // Threads that come first at the same time may each evaluate it; later calls never do.
    let asked = ASKED.get();
    assert!((1..=8).contains(&asked), "{asked}");
    load(100);
    assert_eq!(ASKED.get(), asked);
}

#[test]
fn name_and_version() {
    #[cached(name = "named products", version = 3)]
    fn load(n: u32) -> u32 {
        n
    }
    #[cached(version = 2)]
    fn versioned(n: u32) -> u32 {
        n
    }
    assert_eq!((load(1), versioned(1)), (1, 1));
    assert_eq!(load::cache().name(), "named products");
    assert!(versioned::cache().name().contains("versioned"), "{}", versioned::cache().name());
}
