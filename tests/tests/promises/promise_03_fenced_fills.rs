//! Promise 3: a call that starts after an invalidation never gets a value whose load began before, and never joins such a load. Threads; tasks are in the next file.

use cached_runtime::{Cache, cached};
use cached_tests::{Counter, Gate, crowd, start};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A cached function that reads `SOURCE`, counts its `RUNS`, and whose first load stays in the body, `READING` open, until `RELEASE`.
macro_rules! first_load_waits {
    ($load:ident, [$($option:tt)*]) => {
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        static RUNS: Counter = Counter::new();
        static READING: Gate = Gate::new();
        static RELEASE: Gate = Gate::new();
        #[cached($($option)*)]
        fn $load(n: u64) -> u64 {
            let value = n * 100 + SOURCE.load(SeqCst);
            if RUNS.up() == 1 {
                READING.open();
                RELEASE.wait();
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
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::invalidate(7);
                assert_eq!(load::get(7), None);
                // A late caller doesn't join the old flight, which is still running.
                assert_eq!((start(|| load(7)).end(), RUNS.get()), (702, 2));
                RELEASE.open();
                assert_eq!(old.end(), 701, "the call that began before gets its own value");
                assert_eq!((load(7), RUNS.get()), (702, 2), "the old value must not come back");
                assert_eq!(load::stats().fenced, 1);
            }

            #[test]
            fn invalidate_during_a_load_and_nobody_calls_again_before_it_ends() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::invalidate(7);
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert!(!load::contains(7));
                assert_eq!((load::get(7), load::stats().entries), (None, 0));
                assert_eq!((load(7), RUNS.get(), load::stats().fenced), (702, 2, 1));
            }

            #[test]
            fn clear_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::clear();
                assert_eq!((start(|| load(7)).end(), RUNS.get()), (702, 2));
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load(7), RUNS.get(), load::stats().fenced), (702, 2, 1));
            }

            #[test]
            fn clear_during_a_load_and_nobody_calls_again_before_it_ends() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::clear();
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load::get(7), load::stats().entries), (None, 0));
                assert_eq!((load(7), RUNS.get()), (702, 2));
            }

            #[test]
            fn set_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                load::set(7, &799);
                assert_eq!(start(|| load(7)).end(), 799, "a set value is there at once");
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load(7), RUNS.get()), (799, 1));
            }

            #[test]
            fn set_and_invalidate_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                load::set(7, &799);
                SOURCE.store(2, SeqCst);
                load::invalidate(7);
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load(7), RUNS.get()), (702, 2));
            }

            #[test]
            fn refresh_during_a_load() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                assert_eq!(start(|| load::refresh(7)).end(), 702);
                RELEASE.open();
                assert!([701, 702].contains(&old.end()));
                assert_eq!((load(7), RUNS.get()), (702, 2), "an older load never replaces a newer one");
            }

            #[test]
            fn invalidate_during_a_refresh() {
                static SOURCE: AtomicU64 = AtomicU64::new(1);
                static RUNS: Counter = Counter::new();
                static READING: Gate = Gate::new();
                static RELEASE: Gate = Gate::new();
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    let value = n * 100 + SOURCE.load(SeqCst);
                    if RUNS.up() == 2 {
                        READING.open();
                        RELEASE.wait();
                    }
                    value
                }
                assert_eq!(load(7), 701);
                SOURCE.store(2, SeqCst);
                let refresh = start(|| load::refresh(7));
                READING.wait();
                assert_eq!(start(|| load(7)).end(), 701, "a refresh leaves the entry until it ends");
                SOURCE.store(3, SeqCst);
                load::invalidate(7);
                assert_eq!(start(|| load(7)).end(), 703);
                RELEASE.open();
                assert_eq!(refresh.end(), 702);
                assert_eq!((load(7), RUNS.get()), (703, 3));
            }

            #[test]
            fn without_coalescing() {
                first_load_waits!(load, [$($option)*, coalesce = false]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::invalidate(7);
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load::get(7), load(7)), (None, 702));
            }

            #[test]
            fn without_coalescing_an_older_load_ends_last() {
                first_load_waits!(load, [$($option)*, coalesce = false]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                assert_eq!(start(|| load(7)).end(), 702);
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load(7), RUNS.get()), (702, 2));
            }

            #[test]
            fn without_coalescing_clear_during_a_load() {
                first_load_waits!(load, [$($option)*, coalesce = false]);
                let old = start(|| load(7));
                READING.wait();
                SOURCE.store(2, SeqCst);
                load::clear();
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load::get(7), load(7)), (None, 702));
            }

            /// The flight that began after the invalidation is the one to join, whichever ends first.
            #[test]
            fn the_old_flight_ends_while_the_new_one_runs() {
                static SOURCE: AtomicU64 = AtomicU64::new(1);
                static RUNS: Counter = Counter::new();
                static READING: [Gate; 2] = [Gate::new(), Gate::new()];
                static RELEASE: [Gate; 2] = [Gate::new(), Gate::new()];
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    let value = n * 100 + SOURCE.load(SeqCst);
                    let run = RUNS.up() - 1;
                    if run < 2 {
                        READING[run].open();
                        RELEASE[run].wait();
                    }
                    value
                }
                let old = start(|| load(7));
                READING[0].wait();
                SOURCE.store(2, SeqCst);
                load::invalidate(7);
                let new = start(|| load(7));
                READING[1].wait();
                RELEASE[0].open();
                assert_eq!(old.end(), 701);
                assert_eq!(load::get(7), None);
                let late = start(|| load(7));
                cached_tests::let_them_block();
                RELEASE[1].open();
                assert_eq!((new.end(), late.end(), load(7), RUNS.get()), (702, 702, 702, 2));
            }

            #[test]
            fn other_keys_keep_their_loads() {
                first_load_waits!(load, [$($option)*]);
                let old = start(|| load(7));
                READING.wait();
                load::invalidate(8);
                RELEASE.open();
                assert_eq!(old.end(), 701);
                assert_eq!((load::get(7), load::stats().fenced), (Some(701), 0));
            }

            #[test]
            fn invalidate_in_the_body_itself() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    if RUNS.up() == 1 {
                        load::invalidate(n);
                    }
                    n
                }
                assert_eq!((load(7), load::contains(7)), (7, false));
                assert_eq!((load(7), load(7), RUNS.get()), (7, 7, 2));
            }

            #[test]
            fn clear_in_the_body_itself() {
                static RUNS: Counter = Counter::new();
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    if RUNS.up() == 1 {
                        load::clear();
                    }
                    n
                }
                assert_eq!((load(7), load::contains(7)), (7, false));
                assert_eq!((load(7), load(7), RUNS.get()), (7, 7, 2));
            }

            #[test]
            fn set_in_the_body_itself() {
                #[cached($($option)*)]
                fn load(n: u64) -> u64 {
                    load::set(n, &99);
                    n
                }
                assert_eq!((load(7), load(7)), (7, 99));
            }

            #[test]
            fn every_thread_sees_the_invalidation() {
                static SOURCE: AtomicU64 = AtomicU64::new(1);
                #[cached($($option)*)]
                fn load(_n: u64) -> u64 {
                    SOURCE.load(SeqCst)
                }
                for round in 2..50 {
                    crowd(4, |_| load(7));
                    SOURCE.store(round, SeqCst);
                    load::invalidate(7);
                    assert_eq!(crowd(4, |_| load(7)), [round; 4]);
                }
            }
        }
    };
}

fenced!(lru, eviction = lru);
fenced!(sieve, eviction = sieve);
fenced!(unbounded, capacity = unbounded);

#[test]
fn the_builder_too() {
    static READING: Gate = Gate::new();
    static RELEASE: Gate = Gate::new();
    let cache: Cache<u64, &str> = Cache::builder().capacity(4).build();
    let handle = cache.clone();
    let old = start(move || {
        handle.get_or_load(7, || {
            READING.open();
            RELEASE.wait();
            "old"
        })
    });
    READING.wait();
    cache.invalidate(&7);
    assert_eq!(cache.get_or_load(7, || "new"), "new");
    RELEASE.open();
    assert_eq!((old.end(), cache.get(&7), cache.stats().fenced), ("old", Some("new"), 1));
}

mod local {
    use super::*;

    #[test]
    fn invalidate_clear_and_set_in_the_body_itself() {
        static RUNS: Counter = Counter::new();
        #[cached(backend = local)]
        fn load(n: u64) -> u64 {
            match RUNS.up() {
                1 => load::invalidate(n),
                2 => load::clear(),
                3 => load::set(n, &99),
                _ => unreachable!("the set value is there"),
            }
            n
        }
        assert_eq!([load(7), load(7), load(7), load(7)], [7, 7, 7, 99]);
    }

    /// `clear` acts on the shards of all threads, and on the loads that run there.
    #[test]
    fn clear_by_another_thread() {
        first_load_waits!(load, [backend = local]);
        let old = start(|| {
            let first = load(7);
            (first, load::contains(7), load(7), load(7))
        });
        READING.wait();
        SOURCE.store(2, SeqCst);
        load::clear();
        RELEASE.open();
        assert_eq!((old.end(), RUNS.get()), ((701, false, 702, 702), 2));
    }

    #[test]
    fn clear_by_another_thread_frees_entries_that_stand() {
        static SOURCE: AtomicU64 = AtomicU64::new(1);
        #[cached(backend = local)]
        fn load(_n: u64) -> u64 {
            SOURCE.load(SeqCst)
        }
        static LOADED: Gate = Gate::new();
        static CLEARED: Gate = Gate::new();
        let other = start(|| {
            let first = load(7);
            LOADED.open();
            CLEARED.wait();
            (first, load(7))
        });
        LOADED.wait();
        SOURCE.store(2, SeqCst);
        load::clear();
        CLEARED.open();
        assert_eq!(other.end(), (1, 2));
    }
}
