//! Promise 9: a load never replaces one that began later, in whatever order they end. The rest of the promise needs the test clock: see `clock`.

use cached_runtime::cached;
use cached_tests::{Counter, Gate, run};
use futures::poll;
use std::pin::Pin;

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

macro_rules! in_every_order {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            /// Three loads of one key begin one after another, and end in each possible order.
            #[test]
            fn loads_without_coalescing() {
                static RUNS: Counter = Counter::new();
                static END: [[Gate; 3]; 6] = [const { [const { Gate::new() }; 3] }; 6];
                #[cached($($option)*, coalesce = false)]
                async fn load(order: usize) -> usize {
                    let run = (RUNS.up() - 1) % 3;
                    END[order][run].passed().await;
                    run
                }
                run(|| async {
                    for (order, ends) in ORDERS.iter().enumerate() {
                        let mut loads: Vec<_> = (0..3).map(|_| Box::pin(load(order))).collect();
                        for load in &mut loads {
                            assert!(poll!(load.as_mut()).is_pending());
                        }
                        let mut newest = None;
                        for &end in ends {
                            END[order][end].open();
                            assert_eq!(loads[end].as_mut().await, end);
                            newest = newest.max(Some(end));
                            assert_eq!(load::get(order).await, newest, "{ends:?} after {end}");
                        }
                    }
                });
            }

            /// As above, with two refreshes around a call.
            #[test]
            fn refreshes() {
                static RUNS: Counter = Counter::new();
                static END: [[Gate; 3]; 6] = [const { [const { Gate::new() }; 3] }; 6];
                #[cached($($option)*, coalesce = false)]
                async fn load(order: usize) -> usize {
                    let run = (RUNS.up() - 1) % 3;
                    END[order][run].passed().await;
                    run
                }
                run(|| async {
                    for (order, ends) in ORDERS.iter().enumerate() {
                        let mut loads: [Pin<Box<dyn Future<Output = usize>>>; 3] = [Box::pin(load::refresh(order)), Box::pin(load(order)), Box::pin(load::refresh(order))];
                        for load in &mut loads {
                            assert!(poll!(load.as_mut()).is_pending());
                        }
                        let mut newest = None;
                        for &end in ends {
                            END[order][end].open();
                            assert_eq!(loads[end].as_mut().await, end);
                            newest = newest.max(Some(end));
                            assert_eq!(load::get(order).await, newest, "{ends:?} after {end}");
                        }
                    }
                });
            }

            /// A value that was set in the meantime is newer than all loads that had begun.
            #[test]
            fn a_set_value_is_newer_than_loads_that_had_begun() {
                static RUNS: Counter = Counter::new();
                static END: [[Gate; 3]; 6] = [const { [const { Gate::new() }; 3] }; 6];
                #[cached($($option)*, coalesce = false)]
                async fn load(order: usize) -> usize {
                    let run = (RUNS.up() - 1) % 3;
                    END[order][run].passed().await;
                    run
                }
                run(|| async {
                    for (order, ends) in ORDERS.iter().enumerate() {
                        let mut loads: Vec<_> = (0..3).map(|_| Box::pin(load(order))).collect();
                        for load in &mut loads {
                            assert!(poll!(load.as_mut()).is_pending());
                        }
                        load::set(order, &99).await;
                        for &end in ends {
                            END[order][end].open();
                            assert_eq!(loads[end].as_mut().await, end);
                            assert_eq!(load::get(order).await, Some(99), "{ends:?} after {end}");
                        }
                    }
                });
            }
        }
    };
}

in_every_order!(lru, eviction = lru);
in_every_order!(sieve, eviction = sieve);
in_every_order!(unbounded, capacity = unbounded);
in_every_order!(local, backend = local);

/// An older load must not come back through eviction: the newer entry is pushed out, then the older load ends.
#[test]
fn after_the_newer_entry_was_evicted() {
    static RUNS: Counter = Counter::new();
    static RELEASE: Gate = Gate::new();
    #[cached(capacity = 1, coalesce = false)]
    async fn load(n: usize) -> usize {
        let run = RUNS.up();
        if run == 1 {
            RELEASE.passed().await;
        }
        n * 100 + run
    }
    run(|| async {
        let mut old = Box::pin(load(7));
        assert!(poll!(old.as_mut()).is_pending());
        assert_eq!(load(7).await, 702);
        assert_eq!(load(8).await, 803);
        assert_eq!(load::get(7).await, None, "evicted");
        RELEASE.open();
        assert_eq!(old.await, 701);
        // Stored or not, it must never be older than what was seen before.
        assert_ne!(load(7).await, 701, "an older load came back");
    });
}
