//! Calls for many ids whose values grow old in Redis: who is served what, and which ids a body is asked for. In real time:
//! nothing here hangs on how long a step takes.

use crate::subject::patiently;
use crate::windows::{LONG, Numbers, grows_old, numbers};
use cached_runtime::cached;
use cached_tests::{Counter, Gate, eventually, redis::Server, run, start};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

type Got = Result<BTreeMap<u64, u64>, &'static str>;

/// A source of many values, that notes what it was asked for.
#[derive(Clone, Default)]
struct Source(Arc<State>);

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Vec<u64>>>,
    runs: Counter,
    fails: AtomicBool,
}

impl Source {
    fn load(&self, ids: &[u64]) -> Got {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let run = self.0.runs.up() as u64;
        let values = ids.iter().map(|id| (*id, run)).collect();
        self.0.asked.lock().unwrap().push(ids);
        if self.0.fails.load(Ordering::SeqCst) { Err("down") } else { Ok(values) }
    }

    fn fail(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::SeqCst);
    }

    fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }
}

fn got(values: impl IntoIterator<Item = (u64, u64)>) -> Got {
    Ok(values.into_iter().collect())
}

fn call(cache: &Numbers, source: &Source, ids: impl IntoIterator<Item = u64>) -> Got {
    cache.get_or_load_many(ids, |ids| source.load(&ids))
}

#[test]
fn what_is_due_is_loaded_with_what_is_missing_and_others_have_the_old_values() {
    let server = Server::start();
    let caches = ["bulk_swr_a", "bulk_swr_b"].map(|name| numbers(name, &server, |it| it.stale_while_revalidate(LONG)));
    let source = Source::default();
    assert_eq!(call(&caches[0], &source, [1, 2]), got([(1, 1), (2, 1)]));
    grows_old(&caches[0], 1);
    grows_old(&caches[0], 2);
    source.asked();
    let (begun, gate) = (Arc::new(Counter::new()), Arc::new(Gate::new()));
    let renewing = start({
        let (cache, source, begun, gate) = (caches[0].clone(), source.clone(), Arc::clone(&begun), Arc::clone(&gate));
        move || {
            cache.get_or_load_many([1, 2, 3], |ids: Vec<u64>| {
                begun.up();
                gate.wait();
                source.load(&ids)
            })
        }
    });
    eventually("a call to be chosen", || begun.get() == 1);
    for cache in &caches {
        assert_eq!(call(cache, &source, [1, 2]), got([(1, 1), (2, 1)]), "one renewal is enough");
    }
    assert!(source.asked().is_empty());
    gate.open();
    assert_eq!(renewing.end(), got([(1, 2), (2, 2), (3, 2)]));
    assert_eq!(source.asked(), [vec![1, 2, 3]], "one body");
    assert_eq!(caches[0].stats().refreshes, 2);
}

#[test]
fn an_error_gives_old_values_where_all_that_is_missing_has_one() {
    let server = Server::start();
    let cache = numbers("bulk_error", &server, |it| it.stale_if_error(LONG));
    let source = Source::default();
    assert_eq!(call(&cache, &source, [1, 2, 4]), got([(1, 1), (2, 1), (4, 1)]));
    [1, 2, 4].into_iter().for_each(|key| grows_old(&cache, key));
    source.fail(true);
    assert_eq!(call(&cache, &source, [1, 3]), Err("down"), "3 has none");
    let before = cache.stats().stale;
    assert_eq!(call(&cache, &source, [1, 2]), got([(1, 1), (2, 1)]));
    assert_eq!(cache.stats().stale - before, 2);
    assert_eq!(call(&cache, &source, [2, 1]), got([(1, 1), (2, 1)]), "throttled or not");
    cache.invalidate(&4).expect("a server");
    assert_eq!(call(&cache, &source, [4]), Err("down"), "promise 9: not after an invalidation");
    source.fail(false);
    let last = || call(&cache, &source, [1, 2]);
    eventually("the next try", || last().is_ok_and(|found| found.values().all(|run| *run > 2)));
}

#[test]
fn a_value_that_is_invalidated_while_the_body_runs_is_no_way_out() {
    let server = Server::start();
    let cache = numbers("bulk_error_gone", &server, |it| it.stale_if_error(LONG));
    let source = Source::default();
    assert_eq!(call(&cache, &source, [1, 2]), got([(1, 1), (2, 1)]));
    [1, 2].into_iter().for_each(|key| grows_old(&cache, key));
    let found: Got = cache.get_or_load_many([1, 2], |_: Vec<u64>| {
        cache.invalidate(&2).expect("a server");
        Err("down")
    });
    assert_eq!(found, Err("down"));
}

#[test]
fn a_function_goes_past_and_loads_anew() {
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

    #[cached(
        backend = redis("bulk_flags"),
        ttl = "60s",
        each = id in ids,
        skip(past, anew),
        bypass_if = past,
        refresh_if = anew,
        stale_while_revalidate = "60s"
    )]
    async fn numbers(ids: &[u64], past: bool, anew: bool) -> Vec<usize> {
        let mut asked = ASKED.lock().unwrap();
        asked.push(ids.to_vec());
        vec![asked.len(); ids.len()]
    }

    let server = Server::start();
    patiently(&server.url()).install_as("bulk_flags").expect("a good URL");
    run(|| async {
        assert_eq!(numbers(&[1, 2], false, false).await, [1, 1]);
        assert_eq!(numbers(&[1, 3], true, false).await, [2, 2], "past the cache");
        assert_eq!(numbers(&[1, 2], false, false).await, [1, 1]);
        assert_eq!(numbers(&[2, 3], false, true).await, [3, 3]);
        assert_eq!(numbers(&[1, 2, 3], false, false).await, [1, 3, 3]);
        assert_eq!(numbers::stats().bypassed, 1);
    });
    assert_eq!(*ASKED.lock().unwrap(), [vec![1, 2], vec![1, 3], vec![2, 3]]);
}
