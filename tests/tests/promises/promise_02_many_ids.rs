//! Promise 2 for functions of many ids: a bulk load and single loads of the same keys don't load twice; what fails, panics or is dropped hands over, and nobody waits while others wait for them.

use cached_runtime::{
    Cache,
    private::{AllThreads, OutcomeOf, Pick as _, at, each, each_async},
};
use cached_tests::{Counter, Gate, eventually, run, start};
use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

type Numbers = Cache<u64, u64>;

/// What the attribute expands to.
macro_rules! items {
    ($cache:expr, $ids:expr) => {
        each($ids.iter().map(|id| (*id, place!($cache, id))).collect())
    };
}

macro_rules! items_async {
    ($cache:expr, $ids:expr) => {
        each_async($ids.iter().map(|id| (*id, place!($cache, id))).collect())
    };
}

macro_rules! place {
    ($cache:expr, $id:expr) => {
        at($cache, cached_runtime::private::Leaf($id, AllThreads).__part(), outcome!())
    };
}

macro_rules! outcome {
    () => {
        (&&&&&&&&OutcomeOf::<Option<u64>, AllThreads>::new()).__pick()
    };
}

/// The squares of these ids, and a note of which were asked for.
fn squares(asked: &Mutex<Vec<Vec<u64>>>, ids: Vec<u64>) -> HashMap<u64, u64> {
    asked.lock().unwrap().push(ids.clone());
    ids.into_iter().filter(|id| *id < 100).map(|id| (id, id * id)).collect()
}

#[test]
fn the_body_runs_once_with_what_is_missing() {
    let (cache, asked) = (Numbers::builder().build(), Mutex::new(Vec::new()));
    let call = |ids: &[u64]| -> BTreeMap<u64, u64> {
        items!(&cache, ids).run(|ids| squares(&asked, ids)).into_iter().collect()
    };
    assert_eq!(call(&[1, 2]), BTreeMap::from([(1, 1), (2, 4)]));
    assert_eq!(call(&[2, 3, 3, 1]), BTreeMap::from([(1, 1), (2, 4), (3, 9)]));
    assert_eq!(call(&[]), BTreeMap::new());
    assert_eq!(call(&[3, 1]).len(), 2);
    // Without a value: not kept, asked for again.
    assert_eq!(call(&[200, 1]), BTreeMap::from([(1, 1)]));
    assert_eq!(call(&[200]), BTreeMap::new());
    assert_eq!(*asked.lock().unwrap(), [vec![1, 2], vec![3], vec![200], vec![200]]);
    assert_eq!((cache.get(&3), cache.len(), cache.stats().loads), (Some(9), 3, 4));
}

#[test]
fn vectors_are_in_the_order_of_the_ids() {
    let (cache, calls) = (Numbers::builder().coalesce(false).build(), Counter::new());
    let call = |ids: &[u64]| -> Result<Vec<u64>, ()> {
        items!(&cache, ids).run(|ids: Vec<u64>| {
            calls.up();
            Ok(ids.iter().map(|id| id * 10).collect())
        })
    };
    assert_eq!(call(&[3, 1, 3, 2]), Ok(vec![30, 10, 30, 20]));
    assert_eq!(call(&[2, 4, 3]), Ok(vec![20, 40, 30]));
    assert_eq!(calls.get(), 2);
    let absent: Vec<Option<u64>> =
        items!(&cache, &[1_u64, 7, 8]).run(|ids: Vec<u64>| ids.iter().map(|id| (*id == 8).then_some(80)).collect());
    assert_eq!((absent, cache.get(&7), cache.get(&8)), (vec![Some(10), None, Some(80)], None, Some(80)));
}

#[test]
fn a_vector_of_another_length_goes_past_the_cache() {
    let (cache, asked) = (Numbers::builder().build(), Mutex::new(Vec::new()));
    cache.set(1, 10);
    let got: Vec<u64> = items!(&cache, &[1_u64, 2, 3]).run(|ids: Vec<u64>| {
        asked.lock().unwrap().push(ids);
        vec![7]
    });
    assert_eq!((got, cache.len(), cache.stats().bypassed), (vec![7], 1, 1));
    assert_eq!(*asked.lock().unwrap(), [vec![2, 3], vec![1, 2, 3]]);
}

#[test]
fn an_error_goes_to_the_caller_and_nothing_is_kept() {
    let cache = Numbers::builder().build();
    cache.set(1, 10);
    let call = |fails: bool| -> Result<Vec<u64>, &str> {
        items!(&cache, &[1_u64, 2]).run(|ids: Vec<u64>| if fails { Err("no") } else { Ok(ids) })
    };
    assert_eq!((call(true), cache.len()), (Err("no"), 1));
    assert_eq!((call(false), cache.len()), (Ok(vec![10, 2]), 2));
}

#[test]
fn a_bulk_load_and_single_loads_of_the_same_keys_do_not_load_twice() {
    let cache = Numbers::builder().build();
    let (reading, release, loads) = (Arc::new(Gate::new()), Arc::new(Gate::new()), Arc::new(Counter::new()));
    let single = {
        let (cache, reading, release, loads) = (cache.clone(), reading.clone(), release.clone(), loads.clone());
        start(move || {
            cache.get_or_load(1, || {
                loads.up();
                reading.open();
                release.wait();
                11
            })
        })
    };
    reading.wait();
    let (in_bulk, asked) = (Arc::new(Gate::new()), Arc::new(Mutex::new(Vec::new())));
    let bulk = {
        let (cache, in_bulk, asked) = (cache.clone(), in_bulk.clone(), asked.clone());
        start(move || -> Vec<u64> {
            items!(&cache, &[1_u64, 2, 3]).run(|ids: Vec<u64>| {
                asked.lock().unwrap().push(ids.clone());
                in_bulk.open();
                ids.iter().map(|id| id * 10).collect()
            })
        })
    };
    in_bulk.wait();
    // Its own ids have landed before it waits for the other's.
    eventually("2 and 3 are there", || cache.contains(&2) && cache.contains(&3));
    assert_eq!(cache.get_or_load(3, || unreachable!()), 30);
    release.open();
    assert_eq!((single.end(), bulk.end()), (11, vec![11, 20, 30]));
    assert_eq!((loads.get(), asked.lock().unwrap().clone()), (1, vec![vec![2, 3]]));
}

#[test]
fn a_single_call_waits_for_a_bulk_load() {
    let cache = Numbers::builder().build();
    let (reading, release) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let bulk = {
        let (cache, reading, release) = (cache.clone(), reading.clone(), release.clone());
        start(move || -> Vec<u64> {
            items!(&cache, &[1_u64, 2]).run(|ids: Vec<u64>| {
                reading.open();
                release.wait();
                ids.iter().map(|id| id * 10).collect()
            })
        })
    };
    reading.wait();
    let single = {
        let cache = cache.clone();
        start(move || cache.get_or_load(2, || unreachable!("another call loads it")))
    };
    eventually("it waits", || cache.stats().misses == 3);
    cached_tests::let_them_block();
    release.open();
    assert_eq!((bulk.end(), single.end()), (vec![10, 20], 20));
}

#[test]
fn two_bulk_calls_that_need_each_others_ids_end() {
    let cache = Numbers::builder().build();
    let bodies = Arc::new(std::sync::Barrier::new(2));
    let call = |ids: [u64; 3]| {
        let (cache, bodies) = (cache.clone(), bodies.clone());
        start(move || -> Vec<u64> {
            items!(&cache, ids).run(|missing: Vec<u64>| {
                // Both have begun their loads before either ends one.
                bodies.wait();
                missing
            })
        })
    };
    // Each leads one id of its own, and at most one of them the third.
    let (a, b) = (call([1, 3, 5]), call([2, 5, 3]));
    assert_eq!((a.end(), b.end()), (vec![1, 3, 5], vec![2, 5, 3]));
    assert_eq!(cache.stats().loads, 2);
}

#[test]
fn ids_of_a_load_that_failed_are_loaded_by_one_more_body() {
    let cache = Numbers::builder().build();
    let (reading, release) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let failing = {
        let (cache, reading, release) = (cache.clone(), reading.clone(), release.clone());
        start(move || {
            cache.try_get_or_load(1, || {
                reading.open();
                release.wait();
                Err::<u64, _>("no")
            })
        })
    };
    reading.wait();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let bulk = {
        let (cache, asked) = (cache.clone(), asked.clone());
        start(move || -> Vec<u64> {
            items!(&cache, &[1_u64, 2]).run(|ids: Vec<u64>| {
                asked.lock().unwrap().push(ids.clone());
                ids.iter().map(|id| id * 10).collect()
            })
        })
    };
    eventually("its own id is there", || cache.contains(&2));
    release.open();
    assert_eq!((failing.end(), bulk.end()), (Err("no"), vec![10, 20]));
    assert_eq!(*asked.lock().unwrap(), [vec![2], vec![1]]);
}

#[test]
fn a_body_that_panics_hands_over() {
    let cache = Numbers::builder().build();
    let panicked = catch_unwind(AssertUnwindSafe(|| -> Vec<u64> {
        items!(&cache, &[1_u64, 2]).run(|_: Vec<u64>| panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    assert_eq!((cache.get_or_load(1, || 7), cache.len()), (7, 1));
    let again: Vec<u64> = items!(&cache, &[1_u64, 2]).run(|ids: Vec<u64>| ids);
    assert_eq!(again, [7, 2]);
}

#[test]
fn a_body_may_call_the_functions_of_its_own_ids() {
    let cache = Numbers::builder().build();
    let got: Vec<u64> = items!(&cache, &[1_u64, 2]).run(|ids: Vec<u64>| {
        let inner: Vec<u64> = items!(&cache, &ids).run(|ids: Vec<u64>| ids.iter().map(|id| id + 1).collect());
        assert_eq!(cache.get_or_load(1, || unreachable!("the inner call has stored it")), 2);
        inner.iter().map(|value| value * 100).collect()
    });
    assert_eq!(got, [200, 300]);
    assert!(cache.contains(&1) && cache.contains(&2));
}

#[test]
fn async_calls_share_loads_and_dropped_ones_hand_over() {
    run(|| async {
        let cache = Numbers::builder().build();
        let (reading, release, asked) =
            (Arc::new(Gate::new()), Arc::new(Gate::new()), Arc::new(Mutex::new(Vec::new())));
        let call = |ids: [u64; 2]| {
            let (cache, reading, release, asked) = (cache.clone(), reading.clone(), release.clone(), asked.clone());
            async move {
                let body = |ids: Vec<u64>| {
                    let (reading, release, asked) = (reading.clone(), release.clone(), asked.clone());
                    async move {
                        asked.lock().unwrap().push(ids.clone());
                        reading.open();
                        release.passed().await;
                        ids
                    }
                };
                let got: Vec<u64> = items_async!(&cache, ids).run_async(body).await;
                got
            }
        };
        let dropped = tokio::spawn(call([1, 2]));
        reading.passed().await;
        let waiting = tokio::spawn(call([2, 3]));
        while asked.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
        release.open();
        assert_eq!(waiting.await.unwrap(), [2, 3]);
        assert_eq!(*asked.lock().unwrap(), [vec![1, 2], vec![3], vec![2]]);
        assert_eq!(call([3, 2]).await, [3, 2]);
        assert_eq!(asked.lock().unwrap().len(), 3);
    });
}

/// The same through the attribute.
#[tokio::test]
async fn a_function_of_many_ids_and_that_of_one_do_not_load_twice() {
    use cached_runtime::cached;

    static READING: Gate = Gate::new();
    static RELEASE: Gate = Gate::new();
    static IN_BULK: Gate = Gate::new();
    static LOADS: Counter = Counter::new();
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

    #[cached(key = id)]
    async fn number(id: u64) -> Result<u64, String> {
        LOADS.up();
        READING.open();
        RELEASE.passed().await;
        Ok(id * 11)
    }

    #[cached(each = id in ids, key = id, cache = number::cache())]
    async fn numbers(ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        ASKED.lock().unwrap().push(ids.to_vec());
        IN_BULK.open();
        Ok(ids.iter().map(|id| (*id, id * 10)).collect())
    }

    let single = tokio::spawn(number(1));
    READING.passed().await;
    let bulk = tokio::spawn(async { numbers(&[1, 2, 3]).await });
    IN_BULK.passed().await;
    // Its own ids land before it waits for the other's; and they are that function's entries.
    while number::get(3).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(number(2).await, Ok(20));
    RELEASE.open();
    assert_eq!(single.await.unwrap(), Ok(11));
    assert_eq!(bulk.await.unwrap().unwrap(), HashMap::from([(1, 11), (2, 20), (3, 30)]));
    assert_eq!((LOADS.get(), ASKED.lock().unwrap().clone()), (1, vec![vec![2, 3]]));
}
