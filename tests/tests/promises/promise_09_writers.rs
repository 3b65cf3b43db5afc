//! Promise 9 for writers: two that commit in one order and fill in the other never leave the older value, and a load that began before a writer committed never replaces its value.

use cached_runtime::{
    Builder, Cache, Eviction, invalidate_tag,
    private::{AllThreads, Forget, Leaf, OutcomeOf, Pick as _, Write, at},
};
use cached_tests::{Gate, crowd, start};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

type Numbers = Cache<u64, u64>;

macro_rules! place {
    ($cache:expr) => {
        at($cache, Leaf(&1_u64, AllThreads).__part(), (&&&&&&&&OutcomeOf::<u64, AllThreads>::new()).__pick())
    };
}

fn each_store(test: fn(Numbers)) {
    let builds: [fn() -> Builder<u64, u64>; 3] =
        [Cache::builder, || Cache::builder().eviction(Eviction::Sieve), || Cache::builder().unbounded()];
    builds.iter().for_each(|build| test(build().build()));
}

#[test]
fn a_writer_alone_stores_its_value() {
    each_store(|cache| {
        for value in 1..=3 {
            let writing = place!(&cache).owned().writing();
            writing.commit(&value).wait().unwrap();
            assert_eq!(cache.get(&1), Some(value));
        }
        place!(&cache).owned().forgetting().forget().wait().unwrap();
        assert_eq!((cache.get(&1), cache.len()), (None, 0));
    });
}

#[test]
fn two_writers_that_overlap_leave_neither_value() {
    each_store(|cache| {
        for first in [true, false] {
            cache.set(1, 0);
            let (a, b) = (place!(&cache).owned().writing(), place!(&cache).owned().writing());
            if first {
                a.commit(&1).wait().unwrap();
                assert_eq!(cache.get(&1), None);
                b.commit(&2).wait().unwrap();
            } else {
                b.commit(&2).wait().unwrap();
                a.commit(&1).wait().unwrap();
            }
            assert_eq!(cache.get(&1), None);
        }
        place!(&cache).owned().writing().commit(&3).wait().unwrap();
        assert_eq!(cache.get(&1), Some(3), "the next one is alone again");
    });
}

/// The invalidation before the writer's ticket is no concern of its, the one after it is; a load is under way all the time.
#[test]
fn a_writer_that_came_to_a_load_heeds_what_came_after_it() {
    each_store(|cache| {
        for (again, expected) in [(false, Some(5)), (true, None)] {
            let loaded = cache.get_or_load(1, || {
                cache.invalidate(&1);
                let writing = place!(&cache).owned().writing();
                if again {
                    cache.invalidate(&1);
                }
                writing.commit(&5).wait().unwrap();
                7
            });
            assert_eq!((loaded, cache.get(&1)), (7, expected));
            cache.invalidate(&1);
        }
    });
}

#[test]
fn what_is_dropped_or_abandoned_is_forgotten_and_what_is_released_stays() {
    each_store(|cache| {
        cache.set(1, 7);
        place!(&cache).owned().writing().release().wait().unwrap();
        assert_eq!(cache.get(&1), Some(7));
        drop(place!(&cache).owned().forgetting());
        assert_eq!(cache.get(&1), Some(7));
        drop(place!(&cache).owned().writing());
        assert_eq!(cache.get(&1), None);
        cache.set(1, 8);
        place!(&cache).owned().writing().abandon().wait().unwrap();
        assert_eq!(cache.get(&1), None);
    });
}

#[test]
fn an_invalidation_during_a_write_counts() {
    each_store(|cache| {
        let during: [fn(&Numbers); 5] = [
            |cache| cache.invalidate(&1),
            |cache| cache.clear(),
            |cache| cache.set(1, 9),
            |cache| cache.invalidate_where(|_, _| true),
            |_| invalidate_tag("promise 9, a writer").wait().unwrap(),
        ];
        for during in during {
            let writing = place!(&cache).tags(&|tag| tag(format_args!("promise 9, a writer"))).owned().writing();
            during(&cache);
            writing.commit(&1).wait().unwrap();
            assert_eq!(cache.get(&1), None);
        }
    });
}

#[test]
fn a_load_from_before_the_commit_is_not_stored_and_not_joined() {
    each_store(|cache| {
        let (reading, release) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let writing = place!(&cache).owned().writing();
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
        writing.commit(&2).wait().unwrap();
        assert_eq!(cache.get_or_load(1, || unreachable!()), 2);
        release.open();
        assert_eq!((old.end(), cache.get(&1), cache.stats().fenced), (1, Some(2), 1));
    });
}

#[test]
fn writers_by_force() {
    each_store(|cache| {
        let source = Arc::new(AtomicU64::new(0));
        crowd(4, move |_| {
            for _ in 0..500 {
                let writing = place!(&cache).owned().writing();
                // The commit to the source; the one to the cache comes in whatever order.
                let value = source.fetch_add(1, SeqCst) + 1;
                std::thread::yield_now();
                writing.commit(&value).wait().unwrap();
                let seen = cache.get_or_load(1, || source.load(SeqCst));
                assert!(seen >= value, "{seen} after {value} was committed");
            }
        });
    });
}
