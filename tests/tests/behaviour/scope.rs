//! Scopes: bypass, fresh, observe; sync and async, nested, through panics, on every store in memory.

use cached_runtime::scope::{self, Found};
use cached_runtime::{Cache, cached};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn bypass_neither_reads_nor_stores() {
    let cache = Cache::builder().build();
    cache.set(1, "kept");
    assert_eq!(scope::bypass(|| cache.get_or_load(1, || "anew")), "anew");
    assert_eq!(scope::bypass(|| cache.get_or_load(2, || "two")), "two");
    assert_eq!(scope::bypass(|| (cache.get(&1), cache.contains(&1))), (None, false));
    assert_eq!((cache.get(&1), cache.contains(&2)), (Some("kept"), false));
    assert_eq!(cache.stats().bypassed, 2);
    scope::bypass(|| cache.set(3, "three"));
    assert_eq!(cache.get(&3), Some("three"), "writes act as ever");
}

#[test]
fn fresh_loads_each_entry_once() {
    let cache = Cache::builder().build();
    cache.set(1, 1);
    let both = scope::fresh(|| (cache.get_or_load(1, || 2), cache.get_or_load(1, || 3)));
    assert_eq!(both, (2, 2));
    assert_eq!(cache.get(&1), Some(2), "stored");
    assert_eq!(scope::fresh(|| cache.try_get_or_load(1, || Err("on purpose"))), Err("on purpose"));
    assert_eq!(cache.get(&1), Some(2), "a failed load leaves the old value");
}

#[test]
fn fresh_recursion_does_its_work_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[cached]
    fn fib(n: u64) -> u64 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    fib(30);
    RUNS.store(0, Ordering::Relaxed);
    assert_eq!(scope::fresh(|| fib(30)), 832_040);
    assert_eq!(RUNS.load(Ordering::Relaxed), 31);
}

#[test]
fn observe_reports_in_order() {
    let cache = Cache::builder().name("scope::observed").build();
    let other = Cache::<u32, u32>::builder().name("scope::other").build();
    cache.set(1, 1);
    let (sum, seen) = scope::observe(|| {
        cache.get_or_load(2, || 2);
        other.get(&1);
        cache.get_or_load(1, || 1) + cache.get_or_load(2, || 2)
    });
    assert_eq!(sum, 3);
    assert_eq!(seen.of("scope::observed"), [Found::Miss, Found::Hit, Found::Hit]);
    assert_eq!(seen.of("scope::other"), [Found::Miss]);
    assert_eq!((seen.hits(), seen.misses(), seen.more(), seen.all_hit()), (2, 2, 0, false));
    let hashes: Vec<_> = seen.seen().iter().map(scope::Seen::key_hash).collect();
    assert_eq!(hashes[0], hashes[3], "the same key");
    assert_ne!(hashes[0], hashes[2], "another key");
    assert_eq!(seen.seen()[0].backend(), "memory");
}

#[test]
fn scopes_nest() {
    let cache = Cache::builder().name("scope::nested").build();
    cache.set(1, 1);
    let ((), outer) = scope::observe(|| {
        let (_, inner) = scope::observe(|| scope::bypass(|| cache.get_or_load(1, || 9)));
        assert_eq!(inner.of("scope::nested"), [Found::Bypassed]);
        // The innermost of the two counts.
        assert_eq!(scope::bypass(|| scope::fresh(|| cache.get_or_load(1, || 2))), 2);
        assert_eq!(scope::fresh(|| scope::bypass(|| cache.get_or_load(1, || 3))), 3);
        assert_eq!(cache.get_or_load(1, || 4), 2);
    });
    assert_eq!(outer.of("scope::nested"), [Found::Bypassed, Found::Miss, Found::Bypassed, Found::Hit]);
}

#[test]
fn a_panic_ends_a_scope() {
    let cache = Cache::builder().build();
    cache.set(1, 1);
    assert!(catch_unwind(|| scope::bypass(|| panic!("on purpose"))).is_err());
    assert_eq!(cache.get_or_load(1, || 2), 1);
}

#[test]
fn other_threads_are_outside() {
    let cache = Cache::builder().build();
    cache.set(1, 1);
    let from_another = scope::bypass(|| std::thread::scope(|s| s.spawn(|| cache.get_or_load(1, || 2)).join().unwrap()));
    assert_eq!(from_another, 1);
}

#[test]
fn local_caches_obey() {
    let cache = Cache::builder().name("scope::local").build_local();
    cache.set(1, 1);
    assert_eq!(scope::bypass(|| cache.get_or_load(1, || 2)), 2);
    let (_, seen) = scope::observe(|| cache.get_or_load(1, || 3));
    assert_eq!(seen.of("scope::local"), [Found::Hit]);
    assert_eq!(scope::fresh(|| cache.get_or_load(1, || 4)), 4);
    assert_eq!(cache.get(&1), Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn futures_carry_their_scope() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[cached(name = "scope::quote")]
    async fn quote(_n: u32) -> u32 {
        // Elsewhere, perhaps, when it is polled again.
        tokio::task::yield_now().await;
        RUNS.fetch_add(1, Ordering::Relaxed)
    }
    let first = quote(1).await;
    let task = tokio::spawn(scope::bypass_async(async {
        tokio::task::yield_now().await;
        quote(1).await
    }));
    assert_ne!(task.await.unwrap(), first);
    assert_eq!(quote(1).await, first, "nothing was stored");
    let (anew, seen) = scope::observe_async(scope::fresh_async(async { quote(1).await })).await;
    assert_ne!(anew, first);
    assert_eq!(seen.of("scope::quote"), [Found::Miss]);
    let ((again, spawned), seen) = scope::observe_async(async {
        let spawned = tokio::spawn(quote(1));
        (quote(1).await, spawned.await.unwrap())
    })
    .await;
    assert_eq!((again, spawned), (anew, anew));
    assert_eq!(seen.of("scope::quote"), [Found::Hit], "a spawned task is outside");
}

#[tokio::test]
async fn interleaved_futures_keep_their_scopes_apart() {
    let cache = Cache::builder().name("scope::apart").build();
    cache.set(1, 1);
    let ask = async |anew: u32| {
        tokio::task::yield_now().await;
        let found = cache.get_or_load_async(1, async move { anew }).await;
        tokio::task::yield_now().await;
        found
    };
    let (past, (plain, seen)) = futures::join!(scope::bypass_async(ask(2)), scope::observe_async(ask(3)));
    assert_eq!((past, plain), (2, 1));
    assert_eq!(seen.of("scope::apart"), [Found::Hit]);
    drop(scope::bypass_async(ask(4)));
    assert_eq!(ask(5).await, 1);
}

#[test]
fn calls_for_many_ids_obey_scopes_and_are_told() {
    use cached_runtime::private::{AllThreads, Leaf, OutcomeOf, Pick as _, at, each};
    use std::collections::HashMap;
    let (cache, runs) = (Cache::<u32, u32>::builder().name("scope::many").build(), AtomicU32::new(0));
    let many = |ids: &[u32]| -> HashMap<u32, u32> {
        let outcome = (&&&&&&&&OutcomeOf::<Option<u32>, AllThreads>::new()).__pick();
        let items = ids.iter().map(|id| (*id, at(&cache, Leaf(id, AllThreads).__part(), outcome))).collect();
        each(items).run(|ids: Vec<u32>| {
            let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
            ids.iter().map(|id| (*id, id + run)).collect::<HashMap<_, _>>()
        })
    };
    assert_eq!(many(&[1])[&1], 2);
    let (got, seen) = scope::observe(|| many(&[1, 2]));
    assert_eq!((got[&1], got[&2]), (2, 4));
    assert_eq!(seen.of("scope::many"), [Found::Hit, Found::Miss]);
    assert_eq!(scope::bypass(|| many(&[1, 2])), HashMap::from([(1, 4), (2, 5)]), "all of them, and nothing is stored");
    assert_eq!(many(&[1])[&1], 2);
    assert_eq!(scope::fresh(|| many(&[1, 2])), HashMap::from([(1, 5), (2, 6)]));
    assert_eq!(many(&[1, 2]), HashMap::from([(1, 5), (2, 6)]), "stored");
}
