//! Promise 3 for tags: a call that starts after `invalidate_tag` returned never gets a value of that tag whose load began before, and never joins such a load. Every store, every way in.

use cached_runtime::{Builder, Cache, Eviction, invalidate_tag, invalidate_tags};
use cached_tests::{Counter, Gate, crowd, run, start};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

/// Each store in turn, with a tag of its own: tags are the whole process's.
fn each_store(test: fn(Cache<u64, u64>, &str)) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let builds: [fn() -> Builder<u64, u64>; 6] = [
        Cache::builder,
        || Cache::builder().capacity(100_000),
        || Cache::builder().max_weight(1000),
        || Cache::builder().eviction(Eviction::Sieve),
        || Cache::builder().unbounded(),
        || Cache::builder().ttl(std::time::Duration::from_secs(3600)),
    ];
    for build in builds {
        test(build().build(), &format!("promise 3, {}", NEXT.fetch_add(1, SeqCst)));
    }
}

fn forget(tag: &str) {
    invalidate_tag(tag).wait().unwrap();
}

#[test]
fn entries_of_a_tag_are_gone_and_others_stay() {
    each_store(|cache, tag| {
        for key in 0..10 {
            cache.entry(key).tags(&[format_args!("{tag}"), format_args!("{tag} {}", key % 2)]).set(key);
        }
        cache.set(10, 10);
        forget(&format!("{tag} 1"));
        let mut left: Vec<_> = cache.iter_keys().collect();
        left.sort_unstable();
        assert_eq!(left, [0, 2, 4, 6, 8, 10]);
        assert!((0..=10).all(|key| cache.get(&key) == (key % 2 == 0).then_some(key)));
        // Once more, since the first look has noted what it found.
        assert!((0..=10).all(|key| cache.contains(&key) == (key % 2 == 0)));
        forget(tag);
        assert_eq!(cache.iter_keys().collect::<Vec<_>>(), [10]);
        assert_eq!(cache.get(&10), Some(10));
    });
}

#[test]
fn a_tag_invalidated_again_and_again() {
    each_store(|cache, tag| {
        let loads = Counter::new();
        let load = || cache.entry(1).tags(&[tag]).get_or_load(|| loads.up() as u64);
        for round in 1..=20 {
            assert_eq!((load(), load()), (round, round));
            forget("promise 3, of something else");
            assert_eq!(load(), round, "another tag has nothing to do with it");
            forget(tag);
        }
        assert_eq!(load(), 21);
    });
}

#[test]
fn an_entry_that_is_stored_after_its_tag_was_invalidated_counts() {
    each_store(|cache, tag| {
        forget(tag);
        cache.entry(1).tags(&[tag]).set(7);
        assert_eq!(cache.get(&1), Some(7));
    });
}

#[test]
fn an_entry_that_is_replaced_has_the_new_tags() {
    each_store(|cache, tag| {
        let other = format!("{tag}, other");
        cache.entry(1).tags(&[tag]).set(1);
        cache.entry(1).tags(&[&other]).set(2);
        forget(tag);
        assert_eq!(cache.get(&1), Some(2));
        forget(&other);
        assert_eq!(cache.get(&1), None);
        cache.entry(1).tags(&[tag]).set(1);
        cache.set(1, 3);
        forget(tag);
        assert_eq!(cache.get(&1), Some(3));
    });
}

#[test]
fn a_clear_and_a_tag_do_not_hide_each_other() {
    each_store(|cache, tag| {
        cache.entry(1).tags(&[tag]).set(1);
        forget("promise 3, of something else");
        assert_eq!(cache.get(&1), Some(1));
        cache.clear();
        assert_eq!(cache.get(&1), None);
        cache.entry(1).tags(&[tag]).set(2);
        forget("promise 3, of something else");
        assert_eq!(cache.get(&1), Some(2));
        forget(tag);
        cache.entry(2).tags(&[tag]).set(3);
        assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(3)));
    });
}

#[test]
fn several_at_once() {
    each_store(|cache, tag| {
        (0..10).for_each(|key| cache.entry(key).tags(&[format_args!("{tag} {key}")]).set(key));
        invalidate_tags((0..10).filter(|key| key % 3 == 0).map(|key| format!("{tag} {key}"))).wait().unwrap();
        assert!((0..10).all(|key| cache.contains(&key) == (key % 3 != 0)));
        invalidate_tags(Vec::<String>::new()).wait().unwrap();
        assert_eq!(cache.iter_keys().count(), 6);
    });
}

/// A load that reads the source, tells so, and stays in its body until it is let go.
struct Slow {
    source: AtomicU64,
    reading: Gate,
    release: Gate,
    loads: Counter,
}

impl Slow {
    fn new() -> Arc<Self> {
        let (reading, release) = (Gate::new(), Gate::new());
        Arc::new(Self { source: AtomicU64::new(1), reading, release, loads: Counter::new() })
    }

    fn load(&self) -> u64 {
        let value = self.source.load(SeqCst);
        if self.loads.up() == 1 {
            self.reading.open();
            self.release.wait();
        }
        value
    }
}

#[test]
fn a_load_under_way_is_not_joined_and_not_stored() {
    each_store(|cache, tag| {
        let (slow, tag) = (Slow::new(), tag.to_owned());
        let call = {
            let (slow, tag, cache) = (slow.clone(), tag.clone(), cache.clone());
            move || cache.entry(1).tags(&[&tag]).get_or_load(|| slow.load())
        };
        let old = start(call.clone());
        slow.reading.wait();
        slow.source.store(2, SeqCst);
        forget(&tag);
        assert_eq!((start(call.clone()).end(), slow.loads.get()), (2, 2), "a late caller joined the old load");
        slow.release.open();
        assert_eq!(old.end(), 1, "the call that began before gets its own value");
        assert_eq!((call(), slow.loads.get(), cache.stats().fenced), (2, 2, 1), "the old value came back");
    });
}

#[test]
fn a_load_under_way_is_not_stored_when_nobody_calls_meanwhile() {
    each_store(|cache, tag| {
        let (slow, tag) = (Slow::new(), tag.to_owned());
        let call = {
            let (slow, tag, cache) = (slow.clone(), tag.clone(), cache.clone());
            move || cache.entry(1).tags(&["no tag of anybody", &tag]).get_or_load(|| slow.load())
        };
        let old = start(call.clone());
        slow.reading.wait();
        forget(&tag);
        slow.release.open();
        assert_eq!(old.end(), 1);
        assert!(!cache.contains(&1) && cache.is_empty());
        call();
        assert_eq!((slow.loads.get(), cache.stats().fenced), (2, 1));
    });
}

#[test]
fn those_who_waited_already_get_the_value() {
    each_store(|cache, tag| {
        let (slow, tag) = (Slow::new(), tag.to_owned());
        let call = {
            let (slow, tag, cache) = (slow.clone(), tag.clone(), cache.clone());
            move || cache.entry(1).tags(&[&tag]).get_or_load(|| slow.load())
        };
        let old = start(call.clone());
        slow.reading.wait();
        let waiting = start(call.clone());
        cached_tests::eventually("it waits", || cache.stats().misses == 2);
        cached_tests::let_them_block();
        forget(&tag);
        slow.release.open();
        assert_eq!(old.end(), 1);
        // It began before the invalidation: the old value and a new one are both right, and the source has not changed.
        assert_eq!(waiting.end(), 1);
        assert!(!cache.contains(&1) || slow.loads.get() == 2);
    });
}

#[test]
fn a_load_of_an_async_call_is_not_joined_and_not_stored() {
    each_store(|cache, tag| {
        let tag = tag.to_owned();
        run(move || async move {
            let (reading, release) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
            let old = tokio::spawn({
                let (cache, tag, reading, release) = (cache.clone(), tag.clone(), reading.clone(), release.clone());
                async move {
                    let load = async {
                        reading.open();
                        release.passed().await;
                        1
                    };
                    cache.entry(1).tags(&[tag]).get_or_load_async(load).await
                }
            });
            reading.passed().await;
            invalidate_tag(&tag).await.unwrap();
            assert_eq!(cache.entry(1).tags(&[&tag]).get_or_load_async(async { 2 }).await, 2);
            release.open();
            assert_eq!(old.await.unwrap(), 1);
            assert_eq!(cache.get(&1), Some(2));
            let kept = cache.entry(2).tags(&[&tag]).try_get_or_load_async(async { Ok::<_, ()>(3) }).await;
            assert_eq!((kept, cache.get(&2)), (Ok(3), Some(3)));
            invalidate_tag(&tag).await.unwrap();
            assert_eq!(cache.get(&2), None);
        });
    });
}

#[test]
fn a_cache_of_one_thread_hears_of_it_from_another() {
    let cache = Cache::<u64, u64>::builder().build_local();
    cache.entry(1).tags(&["promise 3, local"]).set(1);
    cache.set(2, 2);
    start(|| forget("promise 3, local")).end();
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(2)));
    let value = cache.entry(1).tags(&["promise 3, local"]).get_or_load(|| {
        start(|| forget("promise 3, local")).end();
        3
    });
    assert_eq!((value, cache.get(&1)), (3, None));
}

/// A tag that counts how often it is displayed.
struct Counted<'a>(&'a Counter);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.up();
        f.write_str("promise 3, counted")
    }
}

#[test]
fn a_hit_does_not_ask_for_the_tags() {
    each_store(|cache, _| {
        let asked = Counter::new();
        for _ in 0..5 {
            assert_eq!(cache.entry(1).tags(&[Counted(&asked)]).get_or_load(|| 7), 7);
        }
        assert_eq!(asked.get(), 1);
    });
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

#[test]
fn a_tag_whose_display_panics_leaves_nothing_behind() {
    each_store(|cache, _| {
        for _ in 0..2 {
            let (cache, loads) = (cache.clone(), Arc::new(Counter::new()));
            let counted = loads.clone();
            let call = start(move || cache.entry(1).tags(&[Panics]).get_or_load(|| counted.up() as u64));
            assert_eq!(cached_tests::message(&*call.outcome().unwrap_err()), "on purpose");
            assert_eq!(loads.get(), 0);
        }
        assert_eq!(cache.get_or_load(1, || 7), 7);
    });
}

#[test]
fn many_threads_see_each_of_their_own_invalidations() {
    each_store(|cache, tag| {
        let (tag, source) = (tag.to_owned(), Arc::new(AtomicU64::new(0)));
        let shared = cache.clone();
        crowd(4, move |_| {
            for _ in 0..300 {
                let now = source.fetch_add(1, SeqCst) + 1;
                forget(&tag);
                let seen = shared.entry(1).tags(&[&tag]).get_or_load(|| source.load(SeqCst));
                assert!(seen >= now, "{seen} after {now} was invalidated");
            }
        });
    });
}
