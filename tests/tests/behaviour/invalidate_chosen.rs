//! `invalidate_where` and `invalidate_matching` in memory: what they take, loads that are under way, keys without a text, and caches of one thread.

use cached_runtime::{
    Builder, Cache, Eviction, cached,
    events::{self, InvalidationCause, What},
    invalidate_matching,
};
use cached_tests::{Gate, start};
use std::{cell::Cell, panic::AssertUnwindSafe, sync::Arc};

fn each_store(test: fn(Cache<u64, u64>)) {
    let builds: [fn() -> Builder<u64, u64>; 4] = [
        Cache::builder,
        || Cache::builder().capacity(100_000),
        || Cache::builder().eviction(Eviction::Sieve),
        || Cache::builder().unbounded(),
    ];
    builds.iter().for_each(|build| test(build().build()));
}

#[test]
fn what_is_chosen_goes_and_the_rest_stays() {
    each_store(|cache| {
        (0..2000).for_each(|key| cache.set(key, key % 7));
        let before: Vec<u64> = (0..2000).filter(|key| cache.contains(key)).collect();
        cache.invalidate_where(|key, value| key % 2 == 0 && *value == 3);
        for key in before {
            assert_eq!(cache.contains(&key), !(key % 2 == 0 && key % 7 == 3), "{key}");
        }
        cache.invalidate_where(|_, _| true);
        assert!(cache.is_empty());
    });
}

#[test]
fn a_load_under_way_is_not_stored_and_not_joined() {
    each_store(|cache| {
        let (reading, release) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let old = {
            let (cache, reading, release) = (cache.clone(), reading.clone(), release.clone());
            start(move || {
                cache.get_or_load(1, || {
                    reading.open();
                    release.wait();
                    1
                })
            })
        };
        reading.wait();
        // There is no value yet to ask about: what is under way counts as chosen.
        cache.invalidate_where(|_, _| false);
        assert_eq!(cache.get_or_load(1, || 2), 2, "it joined the old load");
        release.open();
        assert_eq!((old.end(), cache.get(&1), cache.stats().fenced), (1, Some(2), 1));
    });
}

#[test]
fn a_predicate_that_panics_leaves_the_cache_in_order() {
    each_store(|cache| {
        (0..10).for_each(|key| cache.set(key, key));
        let chosen =
            AssertUnwindSafe(|| cache.invalidate_where(|key, _| if *key == 5 { panic!("on purpose") } else { true }));
        assert!(std::panic::catch_unwind(chosen).is_err());
        cache.set(5, 50);
        assert_eq!((cache.get(&5), cache.get_or_load(11, || 11)), (Some(50), 11));
        cache.invalidate_where(|_, _| true);
        assert!(cache.is_empty());
    });
}

#[test]
fn a_predicate_may_ask_the_cache() {
    each_store(|cache| {
        (0..10).for_each(|key| cache.set(key, key));
        // Under a lock: what it asks for goes past the cache or is read, but never hangs.
        cache.invalidate_where(|key, _| cache.get_or_load(*key, || *key) % 2 == 0);
        let mut left: Vec<_> = cache.iter_keys().collect();
        left.sort_unstable();
        assert_eq!(left, [1, 3, 5, 7, 9]);
    });
}

#[test]
fn a_cache_of_one_thread() {
    let cache = Cache::<u64, u64>::builder().build_local();
    (0..10).for_each(|key| cache.set(key, key));
    cache.invalidate_where(|key, _| key % 2 == 0);
    assert_eq!(cache.iter_keys().count(), 5);
    let value = cache.get_or_load(20, || {
        cache.invalidate_where(|_, _| false);
        20
    });
    assert_eq!((value, cache.get(&20)), (20, None), "it was under way");
}

#[test]
fn functions_are_chosen_by_the_text_of_their_keys() {
    #[cached(key = "chosen:{kind}:{id}")]
    fn load(kind: &str, id: u64) -> u64 {
        id + kind.len() as u64
    }
    #[cached]
    fn without_a_template(id: u64) -> u64 {
        id
    }
    let fill = || {
        (1..=3).for_each(|id| drop((load("a", id), load("b", id))));
        without_a_template(1);
    };
    fill();
    invalidate_matching("chosen:a:*").wait().unwrap();
    assert!((1..=3).all(|id| !load::contains("a", id) && load::contains("b", id)));
    fill();
    invalidate_matching("chosen:?:[13]").wait().unwrap();
    assert!(load::contains("a", 2) && load::contains("b", 2) && !load::contains("a", 1) && !load::contains("b", 3));
    invalidate_matching("chosen:other*").wait().unwrap();
    assert!(load::contains("a", 2) && without_a_template::contains(1));
}

#[test]
fn a_load_under_way_is_fenced_by_a_pattern() {
    #[cached(key = "chosen under way:{id}")]
    fn load(id: u64) -> u64 {
        invalidate_matching("chosen under way:*").wait().unwrap();
        id
    }
    assert_eq!((load(1), load::contains(1)), (1, false));
}

#[test]
fn a_thread_s_own_function_is_cleared_by_a_pattern() {
    #[cached(key = "chosen local:{id}", backend = local)]
    fn load(id: u64) -> u64 {
        id
    }
    load(1);
    invalidate_matching("chosen of nobody:*").wait().unwrap();
    // Other threads' entries can't be looked at: all of them go, rather too much than too little.
    assert!(!load::contains(1));
}

#[test]
fn it_is_told_once() {
    let stream = events::stream(10_000);
    let cache = Cache::<u64, u64>::builder().name("chosen::told").build();
    (0..10).for_each(|key| cache.set(key, key));
    cache.invalidate_where(|_, _| true);
    let ours = std::iter::from_fn(|| stream.try_recv()).filter(|event| event.cache() == "chosen::told");
    let by_choice = |what: &What| matches!(what, What::Invalidated { cause: InvalidationCause::Where, .. });
    assert_eq!(ours.filter(|event| by_choice(event.what())).count(), 1);
}

#[test]
fn what_a_value_forgets_under_a_lock_is_not_served_and_freed_by_the_next_load() {
    thread_local! {
        static FORGETS: Cell<bool> = const { Cell::new(false) };
    }

    struct Forgetful(Arc<u64>);
    impl Clone for Forgetful {
        fn clone(&self) -> Self {
            // A hit copies under a lock: there is no time to look at each entry's key.
            if FORGETS.replace(false) {
                let _ = invalidate_matching("forgetful:*");
            }
            Self(Arc::clone(&self.0))
        }
    }

    #[cached(key = "forgetful:{id}", capacity = 100)]
    fn forgetful(id: u64) -> Forgetful {
        Forgetful(Arc::new(id))
    }

    let kept: Vec<_> = (0..50).map(|id| Arc::downgrade(&forgetful(id).0)).collect();
    assert!(kept.iter().all(|value| value.strong_count() == 1), "the cache has them, and nobody else");
    FORGETS.set(true);
    let _ = forgetful(7);
    assert!(!FORGETS.get(), "the copy was made");
    assert!((0..50).all(|id| !forgetful::contains(id)), "none is served");
    let _ = forgetful(1000);
    assert!(kept.iter().all(|value| value.strong_count() == 0), "all were freed");
}
