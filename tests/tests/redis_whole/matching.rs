//! What walks over all keys of a server: invalidation by pattern, and freeing the memory of what is dead. All connections of
//! the process take part, so the patterns here match nothing of the other tests.

use crate::subject::{Subject, patiently};
use cached_runtime::{Cache, Redis, escape_pattern, invalidate_matching, redis::reclaim};
use cached_tests::redis::{Cluster, Server};
use std::{sync::mpsc, thread, time::Duration};

/// A cache whose keys are those of a template.
fn templated(connection: &'static str, pieces: &'static [&'static str]) -> Cache<String, String, Redis> {
    Cache::builder().name(connection).ttl(Duration::from_mins(1)).redis(connection).template(pieces).build_redis()
}

/// Calls the public function until all connections of the process answer: those of other tests come and go, and their
/// errors count like ours.
fn forget(pattern: &str) {
    drop(invalidate_matching(pattern).wait());
}

fn load(cache: &Cache<String, String, Redis>, key: &str) -> String {
    cache.get_or_load(key.to_owned(), || format!("value of {key}"))
}

fn has(cache: &Cache<String, String, Redis>, key: &str) -> bool {
    cache.contains(&key.to_owned())
}

#[test]
fn what_matches_goes_and_the_rest_stays() {
    let server = Server::start();
    patiently(&server.url()).install_as("match_plain").expect("a good URL");
    let cache = templated("match_plain", &["mp-product:", ""]);
    let other = Cache::<u64, String>::builder().name("other").ttl(Duration::from_mins(1));
    let other = other.redis("match_plain").build_redis();
    other.set(7, "other".to_owned()).expect("a server");
    let long = "x".repeat(400);
    let longer = "y".repeat(400);
    for key in ["1", "12", "2", "a*b", "a:b/c", &long, &longer] {
        load(&cache, key);
    }
    // Of somebody else, under the same server.
    let mut client = server.client();
    client.call(&["SET", "elsewhere:f:v0:{mp-product:1}", "theirs"]);
    forget("mp-product:1*");
    assert_eq!(["1", "12", "2", "a*b"].map(|key| has(&cache, key)), [false, false, true, true]);
    forget(&format!("mp-product:{}", escape_pattern("a*b")));
    assert_eq!(["2", "a*b", "a:b/c"].map(|key| has(&cache, key)), [true, false, true]);
    // The text is what the arguments say, also where Redis has it encoded.
    forget("mp-product:a:b/?");
    assert_eq!(["2", "a:b/c"].map(|key| has(&cache, key)), [true, false]);
    // Names that hold a hash only are found by the text in the entry.
    forget("mp-product:x*");
    assert_eq!([&long, &longer, "2"].map(|key| has(&cache, key)), [false, true, true]);
    assert_eq!(other.get(&7).as_deref(), Some("other"));
    assert_eq!(client.call(&["EXISTS", "elsewhere:f:v0:{mp-product:1}"]).text(), "1");
}

#[test]
fn promise_3_a_load_that_began_before_is_not_stored() {
    let server = Server::start();
    patiently(&server.url()).install_as("match_fence").expect("a good URL");
    let cache = templated("match_fence", &["mf:", ""]);
    let (begun, begins) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let loading = thread::spawn({
        let cache = cache.clone();
        move || {
            cache.get_or_load("7".to_owned(), || {
                begun.send(()).expect("the test waits");
                goes.recv().expect("the test tells");
                "old".to_owned()
            })
        }
    });
    begins.recv().expect("the load begins");
    forget("mf:*");
    // Not joined either.
    assert_eq!(cache.get_or_load("7".to_owned(), || "new".to_owned()), "new");
    go.send(()).expect("the load waits");
    assert_eq!(loading.join().expect("no panic"), "old");
    assert_eq!(cache.get(&"7".to_owned()).as_deref(), Some("new"));
}

#[test]
fn promise_3_entries_that_come_and_go_during_the_walk() {
    let server = Server::start();
    patiently(&server.url()).install_as("match_many").expect("a good URL");
    let cache = templated("match_many", &["mm:", ""]);
    // More than one step of the walk, among others.
    let mut client = server.client();
    for chunk in (0..4000).collect::<Vec<_>>().chunks(500) {
        let words: Vec<String> = ["MSET".to_owned()]
            .into_iter()
            .chain(chunk.iter().flat_map(|n| [format!("filler:{n}"), "x".into()]))
            .collect();
        client.call(&words);
    }
    for round in 0..5 {
        for key in 0..50 {
            cache.set(key.to_string(), format!("old {round}")).expect("a server");
        }
        let churn = thread::spawn({
            let cache = cache.clone();
            // Loads that begin before the walk and end somewhere in it.
            let loads: Vec<_> = (50..58).collect();
            move || {
                let loading = loads.into_iter().map(|key: u64| {
                    let cache = cache.clone();
                    thread::spawn(move || {
                        cache.get_or_load(key.to_string(), || {
                            thread::sleep(Duration::from_millis(key % 8));
                            format!("loaded {round}")
                        })
                    })
                });
                loading.collect::<Vec<_>>().into_iter().for_each(|load| drop(load.join().expect("no panic")));
            }
        });
        forget("mm:*");
        churn.join().expect("no panic");
        for key in 0..50 {
            assert_eq!(cache.get(&key.to_string()), None, "key {key} in round {round}");
        }
        forget("mm:*");
        assert!((50..58).all(|key| !has(&cache, &key.to_string())));
    }
}

#[test]
fn an_error_is_told_and_the_rest_is_forgotten_later() {
    let server = Server::start();
    let subject = Subject::patient("match_fails", &server.url());
    let kept = subject.warm(70007);
    server.client().call(&["CONFIG", "SET", "min-replicas-to-write", "3"]);
    invalidate_matching("70007").wait().expect_err("no replicas");
    assert_ne!(subject.call(70007).value, kept, "it waits to be cleared, and isn't served meanwhile");
    server.client().call(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    cached_tests::eventually("the clear", || subject.cache().stats().pending == 0);
    subject.recovered();
}

#[test]
fn all_masters_of_a_cluster() {
    let cluster = Cluster::start();
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    patiently(&format!("redis+cluster://{}", hosts.join(","))).install_as("match_cluster").expect("a good URL");
    let cache = templated("match_cluster", &["mc:", ""]);
    let keys: Vec<String> = (0..60).map(|key| format!("{}{key}", ["a", "b"][key % 2])).collect();
    cached_tests::eventually("all to be stored", || {
        keys.iter().for_each(|key| drop(load(&cache, key)));
        keys.iter().all(|key| has(&cache, key))
    });
    forget("mc:a*");
    for key in &keys {
        assert_eq!(has(&cache, key), key.starts_with('b'), "{key}");
    }
}

#[test]
fn memory_of_the_dead_is_freed() {
    let server = Server::start();
    patiently(&server.url()).install_as("reclaim").expect("a good URL");
    let of_version = |version| {
        let builder = Cache::<u64, String>::builder().name("reclaim").version(version).redis("reclaim");
        builder.ttl(Duration::from_mins(1)).build_redis()
    };
    let caches = [1, 2, 3].map(of_version);
    for cache in &caches {
        (0..20).for_each(|key| cache.set(key, "x".to_owned()).expect("a server"));
    }
    caches[1].clear().expect("a server");
    (0..5).for_each(|key| caches[1].set(100 + key, "y".to_owned()).expect("a server"));
    // Only what this process doesn't use any more: the versions that it knows are each compared with the others.
    let [_, second, third] = caches;
    let mut client = server.client();
    let entries = |client: &mut cached_tests::redis::Client, version: &str| {
        client.keys().iter().filter(|key| key.contains(&format!(":{version}:{{"))).count()
    };
    assert_eq!(["v1", "v2", "v3"].map(|version| entries(&mut client, version)), [20, 25, 20]);
    drop(third);
    // Other tests' servers, which come and go, may be what fails; this one's keys are gone all the same.
    drop(reclaim().wait());
    assert_eq!(["v1", "v2", "v3"].map(|version| entries(&mut client, version)), [0, 5, 20]);
    assert_eq!(second.get(&100).as_deref(), Some("y"));
}
