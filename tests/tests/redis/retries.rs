//! Promise 6 for invalidations that fail: each is made up for, however many they are, whatever else fails, and whether or
//! not this process has a function that they are about. What lies in Redis is looked at by a client of its own.

use crate::subject::patiently;
use cached_runtime::{Cache, Redis, invalidate_matching, invalidate_tags, redis::Config};
use cached_tests::{
    eventually,
    redis::{Client, Proxy, Server, alone},
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// More than any queue keeps one by one.
const MANY: usize = 1100;
const MINUTE: Duration = Duration::from_mins(1);

/// Installs a connection over a proxy that refuses everything.
fn cut_off(name: &'static str, server: &Server) -> Proxy {
    let proxy = Proxy::before(server.address());
    Config::from_url(server.url_at(proxy.address())).namespace("tests").install_as(name).expect("a good URL");
    proxy.refuse(true);
    proxy
}

fn begin_with<'k>(keys: &'k [String], start: &str) -> Vec<&'k String> {
    keys.iter().filter(|key| key.starts_with(start)).collect()
}

fn put(client: &mut Client, keys: impl IntoIterator<Item = String>) {
    for key in keys {
        client.call(&["SET", &key, "[1]"]);
    }
}

#[test]
fn more_tags_than_are_kept_are_made_up_for_by_a_process_without_their_functions() {
    if !alone("retries::more_tags_than_are_kept_are_made_up_for_by_a_process_without_their_functions") {
        return;
    }
    let server = Server::start();
    let mut client = server.client();
    put(&mut client, (0..MANY).map(|n| format!("tests:tag:{{{n}}}")));
    let others = ["tests:f:v0:{1}", "tests:f:v0:gen", "tests:tags:{1}", "other:tag:{1}"];
    put(&mut client, others.map(str::to_owned));
    let proxy = cut_off("retries_tags", &server);
    // One that can't be cleared.
    let plain: Cache<u64, Vec<u64>, Redis> = Cache::builder()
        .name("plain beside tags")
        .template(&["plain:", ""])
        .plain()
        .ttl(MINUTE)
        .redis("retries_tags")
        .build_redis();
    assert_eq!(plain.get(&1), None);
    invalidate_tags((0..MANY).map(|n| n.to_string())).wait().expect_err("nobody was told");
    proxy.refuse(false);
    eventually("all of them to be made up for", || begin_with(&client.keys(), "tests:tag:").is_empty());
    let mut left = client.keys();
    left.sort();
    assert_eq!(left, ["other:tag:{1}", "tests:f:v0:gen", "tests:f:v0:{1}", "tests:tags:{1}"]);
}

#[test]
fn more_tags_than_are_kept_are_not_waited_for_for_ever_where_nobody_may_walk() {
    if !alone("retries::more_tags_than_are_kept_are_not_waited_for_for_ever_where_nobody_may_walk") {
        return;
    }
    let server = Server::with().user("app", "secret", "~* &* +@all -scan").start();
    let mut client = server.client();
    put(&mut client, (0..MANY).map(|n| format!("tests:tag:{{{n}}}")));
    let proxy = Proxy::before(server.address());
    patiently(&format!("redis://app:secret@{}", proxy.address())).install_as("retries_no_scan").expect("a good URL");
    let cache: Cache<u64, u64, Redis> =
        Cache::builder().name("tagged").ttl(MINUTE).redis("retries_no_scan").build_redis();
    let call = |value| cache.entry(1).tags(&["mine"]).get_or_load(|| value);
    assert_eq!((call(1), call(2)), (1, 1));
    proxy.refuse(true);
    proxy.cut();
    invalidate_tags((0..MANY).map(|n| n.to_string())).wait().expect_err("nobody was told");
    proxy.refuse(false);
    eventually("what has a tag to be stored again", || {
        // The first that is kept may be either's.
        let found = call(2);
        assert_ne!(found, 1, "it is a miss, since a tag of it may be among those");
        call(3) == found
    });
    // Those that were kept one by one are made up for everywhere.
    eventually("them", || begin_with(&client.keys(), "tests:tag:").len() <= MANY - 1024 + 1);
}

/// A walk over all keys costs the servers much: one that fails again and again takes a small share of their time.
#[test]
fn walks_that_fail_are_far_between() {
    if !alone("retries::walks_that_fail_are_far_between") {
        return;
    }
    const DELAY: Duration = Duration::from_millis(50);
    let server = Server::with().user("app", "secret", "%R~* &* +@all").start();
    put(&mut server.client(), ["tests:f:v0:{page:1}".to_owned()]);
    let proxy = Proxy::before(server.address());
    patiently(&format!("redis://app:secret@{}", proxy.address())).install_as("retries_rest").expect("a good URL");
    let scans = Arc::new(Mutex::new(Vec::new()));
    let _watching = proxy.hold({
        let scans = Arc::clone(&scans);
        move |command| {
            if command.name() == "SCAN" {
                scans.lock().expect("no panic").push(Instant::now());
            }
            false
        }
    });
    proxy.delay(DELAY);
    invalidate_matching("page:*").wait().expect_err("it may not be removed");
    // Two walks by the call itself, two by the first that tries again, and the next.
    eventually("a third try", || scans.lock().expect("no panic").len() > 4);
    let scans = scans.lock().expect("no panic");
    // Each walk looks and removes.
    assert!(scans[4] - scans[3] >= 10 * 4 * DELAY, "{:?}", scans[4] - scans[3]);
}

#[test]
fn a_key_that_may_not_be_removed_keeps_no_other() {
    if !alone("retries::a_key_that_may_not_be_removed_keeps_no_other") {
        return;
    }
    let server = Server::with().user("app", "secret", "%R~* ~tests:f:v0:{page:[^3]* &* +@all").start();
    let mut client = server.client();
    // Several steps of a walk.
    put(&mut client, (1000..4000).map(|n| format!("tests:f:v0:{{page:{n}}}")));
    patiently(&format!("redis://app:secret@{}", server.address())).install_as("retries_one").expect("a good URL");
    invalidate_matching("page:*").wait().expect_err("some may not be removed");
    let left = client.keys();
    assert_eq!((left.len(), begin_with(&left, "tests:f:v0:{page:3").len()), (1000, 1000));
}

#[test]
fn a_pattern_is_made_up_for_by_a_process_without_its_functions() {
    if !alone("retries::a_pattern_is_made_up_for_by_a_process_without_its_functions") {
        return;
    }
    let server = Server::start();
    let mut client = server.client();
    put(&mut client, ["tests:f:v0:{page:1}", "tests:f:v0:{book:1}"].map(str::to_owned));
    let proxy = cut_off("retries_pattern", &server);
    invalidate_matching("page:*").wait().expect_err("nobody was told");
    proxy.refuse(false);
    eventually("it to be made up for", || begin_with(&client.keys(), "tests:f:v0:{page").is_empty());
    assert_eq!(client.keys(), ["tests:f:v0:{book:1}"]);
}

#[test]
fn what_a_pending_pattern_matches_is_a_miss_here() {
    if !alone("retries::what_a_pending_pattern_matches_is_a_miss_here") {
        return;
    }
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    Config::from_url(server.url_at(proxy.address())).namespace("tests").install_as("retries_miss").expect("a good URL");
    let [pages, books] = [(&["page:", ""], "pages"), (&["book:", ""], "books")].map(|(template, name)| {
        let builder = Cache::<u64, u64, _>::builder().name(name).template(template).ttl(MINUTE);
        builder.redis("retries_miss").build_redis()
    });
    for cache in [&pages, &books] {
        eventually("a stored value", || {
            cache.get_or_load(1, || 1);
            cache.get(&1).is_some()
        });
    }
    let held = proxy.hold(|command| command.name() == "SCAN");
    invalidate_matching("page:*").wait().expect_err("nobody answered");
    let mut client = server.client();
    assert_eq!(begin_with(&client.keys(), "tests:pages:v0:{").len(), 1, "it still stands there");
    for _ in 0..20 {
        assert_eq!(pages.get(&1), None, "this process knows that it is outdated");
    }
    held.release();
    eventually("it to be made up for", || begin_with(&client.keys(), "tests:pages:v0:{").is_empty());
    eventually("it to be stored anew", || {
        pages.get_or_load(1, || 2);
        pages.get(&1) == Some(2)
    });
    // On a busy machine one read may be late.
    eventually("the other, which isn't meant", || books.get(&1) == Some(1));
}

#[test]
fn more_plain_keys_than_others_keep_are_made_up_for() {
    let server = Server::start();
    let mut client = server.client();
    put(&mut client, (0..MANY).map(|n| format!("item:{n}")));
    put(&mut client, ["items:1".to_owned()]);
    let proxy = cut_off("retries_plain", &server);
    let items: Cache<usize, Vec<u64>, Redis> = Cache::builder()
        .name("items")
        .template(&["item:", ""])
        .plain()
        .ttl(MINUTE)
        .redis("retries_plain")
        .build_redis();
    for n in 0..MANY {
        items.invalidate(&n).expect_err("nobody was told");
    }
    assert_eq!(items.stats().pending, MANY as u64);
    proxy.refuse(false);
    eventually("all of them to be made up for", || begin_with(&client.keys(), "item:").is_empty());
    assert_eq!(client.keys(), ["items:1"]);
    eventually("the queue to empty", || items.stats().pending == 0);
}

#[test]
fn one_that_keeps_failing_holds_up_no_other() {
    let server = Server::with().user("app", "secret", "~* &* +@all").start();
    let mut client = server.client();
    Config::from_url(format!("redis://app:secret@{}", server.address()))
        .namespace("tests")
        .install_as("retries_some")
        .expect("a good URL");
    let cache: Cache<u64, u64, Redis> =
        Cache::builder().name("some").template(&["some:", ""]).ttl(MINUTE).redis("retries_some").build_redis();
    let keys: Vec<u64> = (10..50).collect();
    eventually("stored values", || {
        keys.iter().all(|key| {
            cache.get_or_load(*key, || 1);
            cache.get(key).is_some()
        })
    });
    let may_write = |client: &mut Client, pattern: &str| {
        client.call(&["ACL", "SETUSER", "app", "resetkeys", "%R~*", pattern]);
    };
    may_write(&mut client, "~nothing");
    for key in &keys {
        cache.invalidate(key).expect_err("it is not permitted");
    }
    assert_eq!(cache.stats().pending, keys.len() as u64);
    // All but those that begin with a three.
    may_write(&mut client, "~*:{some:[^3]*");
    eventually("the others to be made up for", || cache.stats().pending == 10);
    let left = client.keys();
    assert_eq!(begin_with(&left, "tests:some:v0:{some:").len(), 10, "{left:?}");
    may_write(&mut client, "~*");
    eventually("all to be made up for", || cache.stats().pending == 0);
    assert!(begin_with(&client.keys(), "tests:some:v0:{some:").is_empty());
}
