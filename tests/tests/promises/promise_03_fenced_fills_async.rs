//! Promise 3 for tasks: the same interleavings without a single race, because one thread polls them in turn. `local` takes part.

use cached_runtime::{Cache, cached};
use cached_tests::{Counter, Gate, run};
use futures::poll;
use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

/// A cached async function that reads `SOURCE`, counts its `RUNS`, and whose first load waits in the body for `RELEASE`.
macro_rules! first_load_waits {
    ($load:ident, [$($option:tt)*]) => {
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static RUNS: Counter = Counter::new();
        static RELEASE: Gate = Gate::new();
        #[cached($($option)*)]
        async fn $load(n: u64) -> u64 {
            let value = n * 100 + SOURCE.load(SeqCst);
            if RUNS.up() == 1 {
                RELEASE.passed().await;
            }
            value
        }
    };
}

macro_rules! fenced {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn invalidate_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let (mut old, mut joined) = (pin!(load(7)), pin!(load(7)));
                    assert!(poll!(old.as_mut()).is_pending() && poll!(joined.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    load::invalidate(7).await;
                    assert_eq!(load::get(7).await, None);
                    assert_eq!((load(7).await, RUNS.get()), (702, 2), "a late caller must not join the old flight");
                    RELEASE.open();
                    assert_eq!((old.await, joined.await), (701, 701), "those who called before get its value");
                    assert_eq!((load(7).await, RUNS.get()), (702, 2), "the old value must not come back");
                });
                assert_eq!(load::stats().fenced, 1);
            }

            #[test]
            fn invalidate_during_a_load_and_nobody_calls_again_before_it_ends() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    load::invalidate(7).await;
                    RELEASE.open();
                    assert_eq!((old.await, load::contains(7).await), (701, false));
                    assert_eq!((load(7).await, RUNS.get()), (702, 2));
                });
            }

            #[test]
            fn clear_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    load::clear().await;
                    assert_eq!((load(7).await, RUNS.get()), (702, 2));
                    RELEASE.open();
                    assert_eq!((old.await, load(7).await, RUNS.get()), (701, 702, 2));
                });
            }

            #[test]
            fn set_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    load::set(7, &799).await;
                    assert_eq!(load(7).await, 799);
                    RELEASE.open();
                    assert_eq!((old.await, load(7).await, RUNS.get()), (701, 799, 1));
                });
            }

            #[test]
            fn refresh_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    assert_eq!(load::refresh(7).await, 702);
                    RELEASE.open();
                    assert!([701, 702].contains(&old.await));
                    assert_eq!((load(7).await, RUNS.get()), (702, 2), "an older load never replaces a newer one");
                });
            }

            #[test]
            fn without_coalescing() {
                first_load_waits!(load, [$($option)*, coalesce = false]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    assert_eq!(load(7).await, 702);
                    RELEASE.open();
                    assert_eq!((old.await, load(7).await), (701, 702));
                });
            }

            #[test]
            fn without_coalescing_invalidate_during_a_load() {
                first_load_waits!(load, [$($option)*, coalesce = false]);
                run(|| async {
                    let mut old = pin!(load(7));
                    assert!(poll!(old.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    load::invalidate(7).await;
                    RELEASE.open();
                    assert_eq!((old.await, load::get(7).await, load(7).await), (701, None, 702));
                });
            }

            /// A waiter that joined an invalidated flight must not become the leader of a load that late callers then mistake for a new one.
            #[test]
            fn the_leader_of_an_invalidated_flight_is_dropped() {
                first_load_waits!(load, [$($option)*]);
                run(|| async {
                    let (mut old, mut joined) = (Box::pin(load(7)), Box::pin(load(7)));
                    assert!(poll!(old.as_mut()).is_pending() && poll!(joined.as_mut()).is_pending());
                    SOURCE.store(2, SeqCst);
                    load::invalidate(7).await;
                    drop(old);
                    assert_eq!(joined.await, 702);
                    assert_eq!(load(7).await, 702);
                });
            }

            #[test]
            fn invalidate_in_the_body_itself() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                async fn load(n: u64) -> u64 {
                    if RUNS.up() == 1 {
                        load::invalidate(n).await;
                        tokio::task::yield_now().await;
                    }
                    n
                }
                run(|| async {
                    assert_eq!((load(7).await, load::contains(7).await), (7, false));
                    assert_eq!((load(7).await, load(7).await, RUNS.get()), (7, 7, 2));
                });
            }
        }
    };
}

fenced!(lru, eviction = lru);
fenced!(sieve, eviction = sieve);
fenced!(unbounded, capacity = unbounded);
fenced!(local, backend = local);

#[test]
fn the_builder_too() {
    let cache: Cache<u64, &str> = Cache::builder().capacity(4).build();
    run(move || async move {
        let release = Gate::new();
        let mut old = pin!(cache.get_or_load_async(7, async {
            release.passed().await;
            "old"
        }));
        assert!(poll!(old.as_mut()).is_pending());
        cache.invalidate(&7);
        assert_eq!(cache.get_or_load_async(7, async { "new" }).await, "new");
        release.open();
        assert_eq!((old.await, cache.get(&7)), ("old", Some("new")));
    });
}
