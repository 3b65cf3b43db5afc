//! Calls for many ids: one look, one run of the body with what is missing, and for each id all that a single call promises.

use crate::many::calls;
use crate::subject::Subject;
use cached_tests::{
    Counter, eventually,
    redis::{Cluster, Server},
    run, run_parallel,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, mpsc},
    thread,
};

type Asked = Arc<Mutex<Vec<Vec<u64>>>>;

/// A body that notes what it was asked for.
fn body(asked: &Asked) -> impl FnMut(Vec<u64>) -> HashMap<u64, String> + use<> {
    let asked = Arc::clone(asked);
    move |missing| {
        asked.lock().unwrap().push(missing.clone());
        missing.into_iter().map(|id| (id, format!("bulk {id}"))).collect()
    }
}

#[test]
fn the_body_runs_once_with_what_is_missing() {
    let server = Server::start();
    let subject = Subject::patient("bulk", &server.url());
    let asked = Asked::default();
    let warm: Vec<_> = (0..3).map(|key| subject.warm(key)).collect();
    let mut client = server.client();
    let before = calls(&mut client, "mget");
    let found = subject.cache().get_or_load_many([0, 7, 1, 8, 2, 7], body(&asked));
    assert_eq!(calls(&mut client, "mget") - before, 1, "one look");
    let mut ids = asked.lock().unwrap().remove(0);
    ids.sort_unstable();
    assert_eq!((ids, asked.lock().unwrap().len()), (vec![7, 8], 0));
    assert_eq!((found.len(), &found[&0], &found[&7], &found[&8]), (5, &warm[0], &"bulk 7".into(), &"bulk 8".into()));
    // They are the entries of single calls, and everything is a hit from here on.
    assert_eq!(subject.cache().get(&7).as_deref(), Some("bulk 7"));
    let before = calls(&mut client, "mget");
    let again = subject.cache().get_or_load_many([0, 7, 1, 8, 2], body(&asked));
    assert_eq!((again.len(), asked.lock().unwrap().len(), calls(&mut client, "mget") - before), (5, 0, 1));
    assert_eq!(subject.cache().get_or_load_many([], body(&asked)).len(), 0);
}

#[test]
fn all_that_a_body_may_return() {
    let server = Server::start();
    let subject = Subject::patient("bulk_shapes", &server.url());
    let cache = subject.cache();
    let texts = |ids: Vec<u64>| ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>();
    assert_eq!(cache.get_or_load_many([3, 1, 2], texts), ["3", "1", "2"]);
    assert_eq!(cache.get_or_load_many([4, 1, 3], texts), ["4", "1", "3"]);
    let absent = |ids: Vec<u64>| ids.into_iter().map(|id| (id > 9).then(|| id.to_string())).collect::<Vec<_>>();
    assert_eq!(cache.get_or_load_many([5, 1, 10], absent), [None, Some("1".into()), Some("10".into())]);
    assert!(!cache.contains(&5) && cache.contains(&10), "what is absent is not kept");
    let tree = |ids: Vec<u64>| ids.into_iter().map(|id| (id, id.to_string())).collect::<BTreeMap<_, _>>();
    assert_eq!(cache.get_or_load_many([11, 1], tree).into_keys().collect::<Vec<_>>(), [1, 11]);
    let fails = |_: Vec<u64>| Err::<Vec<String>, _>("no database");
    assert_eq!(cache.get_or_load_many([1, 20], fails), Err("no database"));
    assert_eq!(cache.get_or_load_many([1, 3], fails), Ok(vec!["1".into(), "3".into()]), "all there: nobody is asked");
    assert!(!cache.contains(&20));
    // A `Vec` of another length says nothing about anybody: the caller gets what the body gives for all.
    let runs = Counter::new();
    let short = |ids: Vec<u64>| {
        runs.up();
        if ids.len() == 2 { Vec::new() } else { texts(ids) }
    };
    assert_eq!(cache.get_or_load_many([30, 1, 31], short), ["30", "1", "31"]);
    assert_eq!((runs.get(), cache.contains(&30)), (2, false));
}

#[test]
fn an_async_body() {
    let server = Server::start();
    let subject = Subject::patient("bulk_async", &server.url());
    let kept = subject.warm(1);
    let cache = subject.cache().clone();
    run_parallel(move || async move {
        let task = tokio::spawn(async move {
            let load = |missing: Vec<u64>| async move {
                tokio::task::yield_now().await;
                Ok::<_, String>(missing.into_iter().map(|id| (id, id.to_string())).collect::<HashMap<_, _>>())
            };
            cache.get_or_load_many_async(0..100, load).await
        });
        let found = task.await.expect("no panic").expect("a database");
        assert_eq!((found.len(), &found[&1], &found[&99]), (100, &kept, &"99".to_owned()));
    });
    assert_eq!(subject.cache().get_many(0..100).iter().flatten().count(), 100);
}

#[test]
fn promise_2_what_others_load_is_waited_for_and_not_loaded_again() {
    let server = Server::start();
    let subject = Subject::patient("bulk_join", &server.url());
    let (begun, begins) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let single = thread::spawn({
        let cache = subject.cache().clone();
        move || {
            cache.get_or_load(7, || {
                begun.send(()).expect("the test waits");
                goes.recv().expect("the test tells");
                "single".to_owned()
            })
        }
    });
    begins.recv().expect("the load begins");
    let asked = Asked::default();
    let mut load = body(&asked);
    // The body runs while the other load goes on: it is what lets it end. Waiting first would never come to it.
    let found = subject.cache().get_or_load_many([6, 7, 8], move |ids| {
        go.send(()).expect("the load waits");
        load(ids)
    });
    assert_eq!(found[&7], "single");
    let mut ids = asked.lock().unwrap().remove(0);
    ids.sort_unstable();
    assert_eq!((ids, asked.lock().unwrap().len()), (vec![6, 8], 0));
    assert_eq!(single.join().expect("no panic"), "single");
}

#[test]
fn promise_2_crowds_of_overlapping_calls_load_each_id_once() {
    let server = Server::start();
    let subject = Subject::patient("bulk_crowd", &server.url());
    let asked = Asked::default();
    run_parallel({
        let (cache, asked) = (subject.cache().clone(), Arc::clone(&asked));
        move || async move {
            let calls: Vec<_> = (0..16_u64)
                .map(|first| {
                    let (cache, asked) = (cache.clone(), Arc::clone(&asked));
                    tokio::spawn(async move {
                        let load = |ids: Vec<u64>| {
                            asked.lock().unwrap().push(ids.clone());
                            async move {
                                tokio::task::yield_now().await;
                                ids.into_iter().map(|id| (id, id.to_string())).collect::<HashMap<_, _>>()
                            }
                        };
                        cache.get_or_load_many_async(first..first + 20, load).await
                    })
                })
                .collect();
            for (first, call) in (0..).zip(calls) {
                let found = call.await.expect("no panic");
                assert!((first..first + 20).all(|id| found[&id] == id.to_string()), "{found:?}");
            }
        }
    });
    let mut ids: Vec<u64> = asked.lock().unwrap().concat();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), all), (35, 35), "each once");
}

#[test]
fn promise_3_an_invalidation_during_the_body_fences_its_id_only() {
    let server = Server::start();
    let subject = Subject::patient("bulk_fence", &server.url());
    let asked = Asked::default();
    let mut load = body(&asked);
    let cache = subject.cache().clone();
    let found = subject.cache().get_or_load_many([1, 2], move |ids| {
        cache.invalidate(&1).expect("a server");
        load(ids)
    });
    assert_eq!(found.len(), 2);
    assert_eq!(subject.cache().get_many([1, 2]), [None, Some("bulk 2".into())]);
}

#[test]
fn promise_4_a_body_may_call_for_its_own_ids() {
    let server = Server::start();
    let subject = Subject::patient("bulk_recursion", &server.url());
    let cache = subject.cache().clone();
    let found = subject.cache().get_or_load_many([1, 2], move |ids| {
        ids.into_iter().map(|id| (id, cache.get_or_load(id, || format!("inner {id}")))).collect::<HashMap<_, _>>()
    });
    assert_eq!(found[&1], "inner 1");
}

#[test]
fn promise_5_a_panic_hands_over() {
    let server = Server::start();
    let subject = Subject::patient("bulk_panic", &server.url());
    let cache = subject.cache().clone();
    thread::spawn(move || cache.get_or_load_many([1, 2], |_| -> HashMap<u64, String> { panic!("on purpose") }))
        .join()
        .expect_err("it goes to the caller");
    let asked = Asked::default();
    assert_eq!(subject.cache().get_or_load_many([1, 2], body(&asked)).len(), 2);
    eventually("the entries", || {
        subject.cache().get_many([1, 2]).iter().flatten().count() == 2 || {
            subject.cache().get_or_load_many([1, 2], body(&asked)).is_empty()
        }
    });
}

#[test]
fn promise_6_without_a_server_the_body_runs() {
    let subject = Subject::at("bulk_nowhere", "redis://127.0.0.1:1");
    let asked = Asked::default();
    assert_eq!(subject.cache().get_or_load_many([1, 2, 1], body(&asked)).len(), 2);
    let cache = subject.cache().clone();
    let load = |ids: Vec<u64>| async move { ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>() };
    assert_eq!(run(move || async move { cache.get_or_load_many_async([3, 4], load).await }), ["3", "4"]);
}

#[test]
fn a_cluster_has_them_on_all_nodes() {
    let cluster = Cluster::start();
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    let subject = Subject::patient("bulk_cluster", &format!("redis+cluster://{}", hosts.join(",")));
    subject.recovered();
    let asked = Asked::default();
    assert_eq!(subject.cache().get_or_load_many(0..60, body(&asked)).len(), 60);
    eventually("all of them to be hits", || {
        subject.cache().get_or_load_many(0..60, body(&asked));
        subject.cache().get_many(0..60).iter().flatten().count() == 60
    });
}
