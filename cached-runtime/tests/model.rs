//! The protocols of single-flight and fences under a model checker: `RUSTFLAGS="--cfg shuttle" cargo test -p
//! cached-runtime --test model --release`. Random schedules and PCT (Burckhardt et al., ASPLOS 2010); a schedule that
//! hangs is reported as a deadlock, one that breaks an assertion is printed for replay.
//!
//! Time stands still in a model: no wait is ever ended by its bound.

#![cfg(shuttle)]

use cached_runtime::private::{AllThreads, Leaf, OutcomeOf, Pick as _, Write, at, each};
use cached_runtime::{Builder, Cache, Eviction, invalidate_tag};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::{future, thread};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Numbers = Cache<u32, usize>;

/// Runs a model on each kind of cache, under random schedules and under PCT.
fn check(model: impl Fn(Numbers) + Send + Sync + Clone + 'static) {
    check_with(|builder| builder, model);
}

/// The same with more options.
fn check_with(
    options: fn(Builder<u32, usize>) -> Builder<u32, usize>,
    model: impl Fn(Numbers) + Send + Sync + Clone + 'static,
) {
    let build: [fn() -> Builder<u32, usize>; 3] =
        [Cache::builder, || Cache::builder().eviction(Eviction::Sieve), || Cache::builder().capacity(1)];
    for build in build {
        let (random, pct) = (model.clone(), model.clone());
        shuttle::check_random(move || random(options(build()).build()), 3000);
        shuttle::check_pct(move || pct(options(build()).build()), 3000, 3);
    }
}

/// A source that a load reads, and a count of the loads.
#[derive(Default)]
struct Source {
    now: AtomicUsize,
    loads: AtomicUsize,
}

impl Source {
    fn load(&self) -> usize {
        self.loads.fetch_add(1, SeqCst);
        let value = self.now.load(SeqCst);
        thread::yield_now();
        value
    }
}

#[test]
fn a_value_that_was_loaded_before_an_invalidation_never_comes_after_it() {
    for forget in [|cache: &Numbers| cache.invalidate(&1), Cache::clear] {
        check(move |cache| {
            let source = Arc::new(Source::default());
            let reader = {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            };
            let other = {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            };
            source.now.store(1, SeqCst);
            forget(&cache);
            assert_eq!(cache.get_or_load(1, || source.load()), 1, "the old value came back");
            reader.join().unwrap();
            other.join().unwrap();
            assert_eq!(cache.get_or_load(1, || source.load()), 1, "the old value was stored late");
        });
    }
}

#[test]
fn a_load_never_replaces_a_value_that_was_set_after_it_began() {
    check(|cache| {
        let reader = {
            let cache = cache.clone();
            thread::spawn(move || {
                cache.get_or_load(1, || {
                    thread::yield_now();
                    0
                })
            })
        };
        cache.set(1, 7);
        assert_eq!(cache.get_or_load(1, || 8), 7);
        reader.join().unwrap();
        assert_eq!(cache.get(&1), Some(7));
    });
}

#[test]
fn concurrent_callers_run_one_load() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || cache.get_or_load(1, || source.load()))
            })
            .collect();
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), 0));
        assert_eq!(source.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_leader_that_panics_hands_over() {
    check(|cache| {
        let loads = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, loads) = (cache.clone(), loads.clone());
                thread::spawn(move || {
                    let load = || {
                        // The first load panics, the others don't.
                        thread::yield_now();
                        assert!(loads.fetch_add(1, SeqCst) > 0, "on purpose");
                        7
                    };
                    catch_unwind(AssertUnwindSafe(|| cache.get_or_load(1, load))).ok()
                })
            })
            .collect();
        let got: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert_eq!(got.iter().filter(|value| **value == Some(7)).count(), 2, "{got:?}");
    });
}

#[test]
fn failures_are_shared_and_never_hang() {
    check(|cache| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || {
                    cache.try_get_or_load(1, || {
                        thread::yield_now();
                        Err("no")
                    })
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), Err("no")));
        assert!(cache.is_empty());
    });
}

#[test]
fn a_wait_cycle_between_threads_is_broken() {
    fn a(cache: &Numbers, depth: u32) -> usize {
        cache.get_or_load(1, || if depth == 0 { 1 } else { 1 + b(cache, depth - 1) })
    }
    fn b(cache: &Numbers, depth: u32) -> usize {
        cache.get_or_load(2, || if depth == 0 { 1 } else { 1 + a(cache, depth - 1) })
    }
    check(|cache| {
        let other = cache.clone();
        let thread = thread::spawn(move || b(&other, 2));
        a(&cache, 2);
        thread.join().unwrap();
    });
}

#[test]
fn a_longer_wait_cycle_is_broken() {
    fn visit(cache: &Numbers, key: u32, depth: u32) -> usize {
        cache.get_or_load(key, || if depth == 0 { 1 } else { 1 + visit(cache, (key + 1) % 3, depth - 1) })
    }
    check(|cache| {
        let threads: Vec<_> = (0..3)
            .map(|key| {
                let cache = cache.clone();
                thread::spawn(move || visit(&cache, key, 3))
            })
            .collect();
        threads.into_iter().for_each(|thread| assert_ne!(thread.join().unwrap(), 0));
    });
}

#[test]
fn an_async_leader_that_is_dropped_hands_over() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let dropped = {
            let (cache, source) = (cache.clone(), source.clone());
            future::spawn(async move {
                let load = cache.get_or_load_async(1, async {
                    future::yield_now().await;
                    future::yield_now().await;
                    source.load()
                });
                // Polls once or twice, then drops it.
                let mut load = Box::pin(load);
                for _ in 0..2 {
                    let polled = std::future::poll_fn(|cx| {
                        std::task::Poll::Ready(std::future::Future::poll(load.as_mut(), cx).is_ready())
                    });
                    if polled.await {
                        break;
                    }
                    future::yield_now().await;
                }
            })
        };
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                future::spawn(async move {
                    let load = async {
                        future::yield_now().await;
                        source.load()
                    };
                    assert_eq!(cache.get_or_load_async(1, load).await, 0);
                })
            })
            .collect();
        future::block_on(async {
            dropped.await.unwrap();
            for waiter in waiters {
                waiter.await.unwrap();
            }
        });
        assert_eq!(source.loads.load(SeqCst), 1);
    });
}

#[test]
fn a_sync_call_does_not_wait_for_an_async_leader() {
    check(|cache| {
        let task = {
            let cache = cache.clone();
            future::spawn(async move {
                cache
                    .get_or_load_async(1, async {
                        future::yield_now().await;
                        1
                    })
                    .await
            })
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || cache.get_or_load(1, || 2))
            })
            .collect();
        threads.into_iter().for_each(|thread| assert!((1..=2).contains(&thread.join().unwrap())));
        assert!((1..=2).contains(&future::block_on(task).unwrap()));
    });
}

/// The place of a key, as the macros make it.
macro_rules! place {
    ($cache:expr, $key:expr, $ret:ty) => {
        at($cache, Leaf($key, AllThreads).__part(), (&&&&&&&&OutcomeOf::<$ret, AllThreads>::new()).__pick())
    };
}

#[test]
fn an_invalidated_tag_leaves_nothing_behind() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let load = |cache: &Numbers, source: &Source| cache.entry(1).tags(&["a", "b"]).get_or_load(|| source.load());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || [load(&cache, &source), load(&cache, &source)])
            })
            .collect();
        // Hits look closely, and note how far they looked, while this epoch is new.
        let other = thread::spawn(|| drop(invalidate_tag("of something else")));
        source.now.store(1, SeqCst);
        drop(invalidate_tag("b"));
        assert_eq!(load(&cache, &source), 1, "the old value came back");
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap().is_sorted(), "time ran backwards"));
        other.join().unwrap();
        assert_eq!(load(&cache, &source), 1, "the old value was stored late");
    });
}

#[test]
fn two_tags_and_a_clear_do_not_hide_each_other() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let load = |cache: &Numbers, source: &Source| cache.entry(1).tags(&["a", "b"]).get_or_load(|| source.load());
        let forget: [fn(&Numbers); 3] =
            [|_| drop(invalidate_tag("a")), |_| drop(invalidate_tag("b")), |cache| cache.clear()];
        let authors: Vec<_> = forget
            .into_iter()
            .map(|forget| {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || {
                    let version = source.now.fetch_add(1, SeqCst) + 1;
                    forget(&cache);
                    assert!(load(&cache, &source) >= version);
                })
            })
            .collect();
        authors.into_iter().for_each(|author| author.join().unwrap());
        assert_eq!(load(&cache, &source), 3);
    });
}

#[test]
fn two_writers_never_leave_the_older_value() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || {
                    let writing = place!(&cache, &1_u32, usize).owned().writing();
                    // The commit to the source; those to the cache come in whatever order.
                    let version = source.now.fetch_add(1, SeqCst) + 1;
                    thread::yield_now();
                    drop(writing.commit(&version));
                    assert!(cache.get_or_load(1, || source.load()) >= version, "an older value than was written");
                })
            })
            .collect();
        let reader = {
            let (cache, source) = (cache.clone(), source.clone());
            thread::spawn(move || cache.get_or_load(1, || source.load()))
        };
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        reader.join().unwrap();
        assert_eq!(cache.get_or_load(1, || source.load()), 2, "the older value was left");
    });
}

#[test]
fn a_writer_beside_an_invalidation_never_leaves_the_older_value() {
    let forget: [fn(&Numbers); 4] = [
        |cache| cache.invalidate(&1),
        |cache| cache.clear(),
        |cache| cache.invalidate_where(|_, _| true),
        |_| drop(invalidate_tag("a")),
    ];
    for forget in forget {
        check(move |cache| {
            let source = Arc::new(Source::default());
            let load = |cache: &Numbers, source: &Source| cache.entry(1).tags(&["a"]).get_or_load(|| source.load());
            let writer = {
                let (cache, source) = (cache.clone(), source.clone());
                thread::spawn(move || {
                    let tags = |tag: &mut dyn FnMut(std::fmt::Arguments<'_>)| tag(format_args!("a"));
                    let writing = place!(&cache, &1_u32, usize).tags(&tags).owned().writing();
                    let version = source.now.fetch_add(1, SeqCst) + 1;
                    thread::yield_now();
                    drop(writing.commit(&version));
                })
            };
            let version = source.now.fetch_add(1, SeqCst) + 1;
            forget(&cache);
            assert!(load(&cache, &source) >= version, "the old value came back");
            writer.join().unwrap();
            assert_eq!(load(&cache, &source), 2, "the older value was left");
        });
    }
}

/// From the first moment on each call finds its entry due for a renewal.
fn renewing(builder: Builder<u32, usize>) -> Builder<u32, usize> {
    builder.ttl(std::time::Duration::from_secs(3600)).refresh_ahead(0.0)
}

#[test]
fn a_renewal_never_brings_back_what_was_forgotten() {
    let forget: [fn(&Numbers); 5] = [
        |cache| cache.invalidate(&1),
        |cache| cache.clear(),
        |cache| cache.invalidate_where(|_, _| true),
        |_| drop(invalidate_tag("a")),
        |cache| cache.set(1, 1),
    ];
    for forget in forget {
        check_with(renewing, move |cache| {
            let source = Arc::new(Source::default());
            let load = |cache: &Numbers, source: &Source| cache.entry(1).tags(&["a"]).get_or_load(|| source.load());
            load(&cache, &source);
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let (cache, source) = (cache.clone(), source.clone());
                    thread::spawn(move || load(&cache, &source))
                })
                .collect();
            source.now.store(1, SeqCst);
            forget(&cache);
            assert_eq!(load(&cache, &source), 1, "the old value came back");
            readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() <= 1));
            assert_eq!(cache.get(&1).unwrap_or(1), 1, "a renewal was stored late");
        });
    }
}

#[test]
fn one_renewal_runs_at_a_time_and_nobody_waits_for_it() {
    check_with(renewing, |cache| {
        let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        cache.set(1, 0);
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, under_way, most) = (cache.clone(), under_way.clone(), most.clone());
                thread::spawn(move || {
                    cache.get_or_load(1, || {
                        most.fetch_max(under_way.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        under_way.fetch_sub(1, SeqCst);
                        1
                    })
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| assert!(caller.join().unwrap() <= 1));
        assert_eq!((most.load(SeqCst), cache.get(&1)), (1, Some(1)));
    });
}

/// Its entries are past their time at once, and good for errors.
fn good_for_errors(builder: Builder<u32, usize>) -> Builder<u32, usize> {
    builder.ttl(std::time::Duration::from_nanos(1)).stale_if_error(std::time::Duration::from_secs(3600))
}

#[test]
fn an_old_value_is_not_served_on_error_after_it_was_forgotten() {
    let forget: [fn(&Numbers); 4] = [
        |cache| cache.invalidate(&1),
        |cache| cache.clear(),
        |cache| cache.invalidate_where(|_, _| true),
        |_| drop(invalidate_tag("a")),
    ];
    for forget in forget {
        check_with(good_for_errors, move |cache| {
            let load = |cache: &Numbers| {
                cache.entry(1).tags(&["a"]).try_get_or_load(|| {
                    thread::yield_now();
                    Err(())
                })
            };
            cache.entry(1).tags(&["a"]).set(7);
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let cache = cache.clone();
                    thread::spawn(move || load(&cache))
                })
                .collect();
            forget(&cache);
            assert_eq!(load(&cache), Err(()), "served on error what was forgotten");
            readers.into_iter().for_each(|reader| assert!(matches!(reader.join().unwrap(), Ok(7) | Err(()))));
        });
    }
}

#[test]
fn bulk_and_single_loads_run_one_load_a_key() {
    check_with(
        |builder| builder.capacity(8),
        |cache| {
            let loads: Arc<[AtomicUsize; 4]> = Arc::default();
            let bulks: Vec<_> = [[1_u32, 2, 3], [3, 2, 1]]
                .into_iter()
                .map(|ids| {
                    let (cache, loads) = (cache.clone(), loads.clone());
                    thread::spawn(move || {
                        let items = ids.iter().map(|id| (*id, place!(&cache, id, Option<usize>))).collect();
                        let got: HashMap<u32, usize> = each(items).run(|ids: Vec<u32>| {
                            thread::yield_now();
                            for id in &ids {
                                loads[*id as usize].fetch_add(1, SeqCst);
                            }
                            ids.into_iter().map(|id| (id, id as usize)).collect::<HashMap<_, _>>()
                        });
                        assert_eq!(got, HashMap::from([(1, 1), (2, 2), (3, 3)]));
                    })
                })
                .collect();
            let (single, count) = (cache.clone(), loads.clone());
            let single = thread::spawn(move || {
                for key in [2, 1] {
                    let load = || {
                        thread::yield_now();
                        count[key as usize].fetch_add(1, SeqCst);
                        key as usize
                    };
                    assert_eq!(single.get_or_load(key, load), key as usize);
                }
            });
            bulks.into_iter().for_each(|bulk| bulk.join().unwrap());
            single.join().unwrap();
            assert_eq!([1, 2, 3].map(|key: usize| loads[key].load(SeqCst)), [1, 1, 1]);
        },
    );
}

#[test]
fn a_bulk_load_never_stores_what_was_forgotten() {
    check(|cache| {
        let source = Arc::new(Source::default());
        let bulk = {
            let (cache, source) = (cache.clone(), source.clone());
            thread::spawn(move || {
                let items = [1_u32, 2].iter().map(|id| (*id, place!(&cache, id, Option<usize>))).collect();
                let _: HashMap<u32, usize> = each(items).run(|ids: Vec<u32>| {
                    let value = source.load();
                    ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
                });
            })
        };
        source.now.store(1, SeqCst);
        cache.invalidate(&1);
        assert_eq!(cache.get_or_load(1, || source.load()), 1, "joined an outdated load");
        bulk.join().unwrap();
        assert_eq!(cache.get(&1).unwrap_or(1), 1, "the old value was stored late");
    });
}
