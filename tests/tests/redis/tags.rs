//! Promise 3 for tags on Redis: what an `invalidate_tag` has met is never served again, in no process, and no load from
//! before it is joined. Tags are of the whole application, so each test has some of its own.

use crate::subject::{note, patiently};
use cached_runtime::{
    Cache, Redis, invalidate_tag, invalidate_tags,
    redis::{Config, check_named},
};
use cached_tests::{
    Gate, eventually,
    redis::{Parent, Peer, Reply, Server, alone},
    run, start,
};
use std::{sync::Arc, time::Duration};

type Pages = Cache<u64, String, Redis>;

fn pages(connection: &'static str, url: &str) -> Pages {
    patiently(url).install_as(connection).expect("a good URL");
    Cache::builder().name("pages").ttl(Duration::from_mins(1)).redis(connection).build_redis()
}

/// Loads a page, in which `text` stands.
fn load(pages: &Pages, key: u64, tags: &[&str], text: &str) -> String {
    pages.entry(key).tags(&tags).get_or_load(|| text.to_owned())
}

#[test]
fn a_tag_takes_what_has_it_and_nothing_else() {
    if !alone("tags::a_tag_takes_what_has_it_and_nothing_else") {
        return;
    }
    let server = Server::start();
    let pages = pages("tags_take", &server.url());
    for (key, tags) in [(1, &["take a", "take b"][..]), (2, &["take b"]), (3, &["take c"]), (4, &[])] {
        load(&pages, key, tags, "old");
    }
    let texts = |new: &str| {
        let all = [(1, &["take a", "take b"][..]), (2, &["take b"]), (3, &["take c"]), (4, &[])];
        all.map(|(key, tags)| load(&pages, key, tags, new))
    };
    assert_eq!(texts("new"), ["old"; 4]);
    invalidate_tag("take a").wait().expect("a server");
    assert_eq!(texts("new"), ["new", "old", "old", "old"]);
    invalidate_tags(["take b", "take c"]).wait().expect("a server");
    assert_eq!(texts("newer"), ["newer", "newer", "newer", "old"]);
    run({
        let pages = pages.clone();
        move || async move {
            invalidate_tag("take c").await.expect("a server");
            assert_eq!(pages.entry(3).tags(&["take c"]).get_async().await, None);
            let text = pages.entry(3).tags(&["take c"]).get_or_load_async(async { "newest".to_owned() }).await;
            assert_eq!(text, "newest");
            assert_eq!(pages.entry(3).tags(&["take c"]).get_async().await.as_deref(), Some("newest"));
        }
    });
}

#[test]
fn what_is_set_carries_its_tags() {
    if !alone("tags::what_is_set_carries_its_tags") {
        return;
    }
    let server = Server::start();
    let pages = pages("tags_set", &server.url());
    pages.entry(1).tags(&["set a"]).set("set".to_owned()).expect("a server");
    assert_eq!(pages.entry(1).tags(&["set a"]).get().as_deref(), Some("set"));
    assert_eq!(pages.get(&1), None, "it is found with its tags only");
    invalidate_tag("set a").wait().expect("a server");
    assert_eq!(pages.entry(1).tags(&["set a"]).get(), None);
}

#[test]
fn a_tag_reaches_other_processes_both_ways() {
    if !alone("tags::a_tag_reaches_other_processes_both_ways") {
        return;
    }
    let server = Server::start();
    let here = pages("tags_here", &server.url());
    let mut there = Peer::start("tags::role_of_a_process");
    there.tell(&server.url());
    there.expect("ready");
    for round in 0..5 {
        let old = format!("old {round}");
        load(&here, round, &["reach"], &old);
        there.tell(&format!("load {round}"));
        there.expect(&old);
        there.tell("invalidate");
        there.expect("ok");
        assert_eq!(load(&here, round, &["reach"], "new"), "new");
        there.tell(&format!("load {round}"));
        there.expect("new");
        invalidate_tag("reach").wait().expect("a server");
        there.tell(&format!("load {round}"));
        there.expect("of the other process");
    }
}

#[test]
fn role_of_a_process() {
    let Some(mut parent) = Parent::of_this() else { return };
    let pages = pages("tags_there", &parent.hear().expect("a URL"));
    parent.tell("ready");
    while let Some(line) = parent.hear() {
        match line.split_once(' ') {
            Some(("load", key)) => {
                parent.tell(&load(&pages, key.parse().expect("a key"), &["reach"], "of the other process"));
            }
            _ => parent.tell(invalidate_tag("reach").wait().map_or("failed", |()| "ok")),
        }
    }
}

/// The process has not used the connection at all: it is configured by the environment.
#[test]
fn a_tag_is_invalidated_before_any_function_was_called() {
    if !alone("tags::a_tag_is_invalidated_before_any_function_was_called") {
        return;
    }
    let server = Server::start();
    let pages = pages("tags_first", &server.url());
    load(&pages, 1, &["first"], "old");
    let mut there = Peer::start_with("tags::role_of_a_process_without_calls", &[("CACHED_REDIS_URL", &server.url())]);
    there.tell("go");
    there.expect("ok");
    // Its namespace is another, so nothing of ours is met; the command has come all the same.
    let calls = server.client().info("commandstats", "cmdstat_unlink").expect("an answer");
    assert!(calls.starts_with("calls=1,"), "{calls}");
    assert_eq!(load(&pages, 1, &["first"], "new"), "old");
}

#[test]
fn role_of_a_process_without_calls() {
    let Some(mut parent) = Parent::of_this() else { return };
    parent.hear();
    parent.tell(invalidate_tag("first").wait().map_or("failed", |()| "ok"));
    parent.hear();
}

#[test]
fn a_load_from_before_is_neither_joined_nor_stored() {
    if !alone("tags::a_load_from_before_is_neither_joined_nor_stored") {
        return;
    }
    let server = Server::start();
    let caches = [pages("tags_leader", &server.url()), pages("tags_other", &server.url())];
    for (key, other) in [(1, &caches[0]), (2, &caches[1])] {
        let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let leader = start({
            let (pages, loading, gate) = (caches[0].clone(), Arc::clone(&loading), Arc::clone(&gate));
            move || {
                pages.entry(key).tags(&["before"]).get_or_load(|| {
                    loading.open();
                    gate.wait();
                    "old".to_owned()
                })
            }
        });
        loading.wait();
        invalidate_tag("before").wait().expect("a server");
        let fresh = {
            let other = other.clone();
            cached_tests::within(cached_tests::PATIENCE, "a call after the invalidation", move || {
                load(&other, key, &["before"], "new")
            })
        };
        assert_eq!(fresh, "new", "it joined a load that began before");
        gate.open();
        assert_eq!(leader.end(), "old", "its own caller gets it");
        assert_eq!(load(&caches[0], key, &["before"], "newest"), "new", "the older load replaced the newer");
    }
}

#[test]
fn a_full_server_still_invalidates() {
    if !alone("tags::a_full_server_still_invalidates") {
        return;
    }
    let server = Server::with().max_memory("3mb").start();
    let pages = pages("tags_full", &server.url());
    load(&pages, 1, &["full"], "old");
    assert_eq!(load(&pages, 1, &["full"], "new"), "old");
    let (mut client, value) = (server.client(), "x".repeat(100_000));
    let full = (0..100).any(|n| matches!(client.ask(&["SET", &format!("k{n}"), &value]), Ok(Reply::Error(_))));
    assert!(full, "it takes everything");
    invalidate_tag("full").wait().expect("UNLINK works on a full server");
    assert_eq!(load(&pages, 1, &["full"], "new"), "new");
}

#[test]
fn while_the_server_is_away_what_has_the_tag_is_a_miss_and_it_is_repeated() {
    if !alone("tags::while_the_server_is_away_what_has_the_tag_is_a_miss_and_it_is_repeated") {
        return;
    }
    let mut server = Server::start();
    let quick = Config::from_url(server.url()).namespace("tests");
    quick.install_as("tags_away").expect("a good URL");
    let here: Pages = Cache::builder().name("pages").ttl(Duration::from_mins(1)).redis("tags_away").build_redis();
    let there = pages("tags_witness", &server.url());
    eventually("it to be stored", || {
        load(&here, 1, &["away"], "old");
        there.entry(1).tags(&["away"]).get().is_some()
    });
    let begun = std::time::Instant::now();
    server.freeze();
    invalidate_tag("away").wait().expect_err("nobody answered");
    assert_eq!(load(&here, 1, &["away"], "new"), "new", "it is outdated here");
    server.thaw();
    // Nobody calls anything in the process that failed: it is repeated all the same.
    eventually("the invalidation to be repeated", || there.entry(1).tags(&["away"]).get().is_none());
    note("an invalidated tag, server stopped", Duration::ZERO, Some(begun.elapsed()));
    assert_eq!(load(&there, 1, &["away"], "newest"), "newest");
}

#[test]
fn tags_under_load_never_leave_an_older_value() {
    if !alone("tags::tags_under_load_never_leave_an_older_value") {
        return;
    }
    use std::sync::atomic::{AtomicU64, Ordering};
    static DATABASE: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
    let server = Server::start();
    let caches: Vec<_> = ["tag_oracle_a", "tag_oracle_b", "tag_oracle_c"]
        .into_iter()
        .map(|connection| {
            patiently(&server.url()).install_as(connection).expect("a good URL");
            let builder = Cache::<u64, u64, _>::builder().name("tag oracle").ttl(Duration::from_mins(1));
            builder.redis(connection).build_redis()
        })
        .collect();
    let stale = cached_tests::crowd(9, move |n| {
        let cache = &caches[n % 3];
        let mut stale = 0;
        for round in 0..60 {
            let key = (n + round) % 4;
            let tag = [format!("oracle:{key}")];
            let read = || cache.entry(key as u64).tags(&tag).get_or_load(|| DATABASE[key].load(Ordering::SeqCst));
            if (n + round) % 5 == 0 {
                let now = DATABASE[key].fetch_add(1, Ordering::SeqCst) + 1;
                match (n + round) % 3 {
                    0 => cache.clear().expect("a server"),
                    _ => invalidate_tag(&tag[0]).wait().expect("a server"),
                }
                stale += usize::from(read() < now);
            } else {
                read();
            }
        }
        stale
    });
    assert_eq!(stale.iter().sum::<usize>(), 0, "{stale:?}");
}

#[test]
fn a_nonce_that_is_lost_is_a_miss_and_an_old_one_is_prolonged() {
    if !alone("tags::a_nonce_that_is_lost_is_a_miss_and_an_old_one_is_prolonged") {
        return;
    }
    let server = Server::start();
    let pages = pages("tags_nonce", &server.url());
    let mut client = server.client();
    load(&pages, 1, &["nonce"], "old");
    let key = "tests:tag:{nonce}";
    let nonce = client.call(&["GET", key]).bytes().expect("a nonce");
    let left =
        |client: &mut cached_tests::redis::Client| client.call(&["PTTL", key]).text().parse::<i64>().expect("ms");
    let day = 24 * 60 * 60 * 1000;
    assert!(left(&mut client) > day / 2 && left(&mut client) <= day);
    client.call(&["DEL", key]);
    assert_eq!(load(&pages, 1, &["nonce"], "new"), "new");

    // One of long ago, that is about to end.
    let mut old = nonce;
    old[..6].fill(0);
    client.call(&[b"SET".as_slice(), key.as_bytes(), &old, b"PX", b"600000"]);
    load(&pages, 2, &["nonce"], "carries it");
    eventually("it to be prolonged", || left(&mut client) > day / 2);
    assert_eq!(client.call(&["GET", key]).bytes(), Some(old), "it is the same one");
    assert_eq!(load(&pages, 2, &["nonce"], "another"), "carries it");
}

/// Whoever needed it first may have made it for entries of a shorter life.
#[test]
fn a_nonce_outlasts_the_longest_entry_that_carries_it() {
    if !alone("tags::a_nonce_outlasts_the_longest_entry_that_carries_it") {
        return;
    }
    let server = Server::start();
    let short = pages("tags_longest", &server.url());
    let lasting = |name, ttl: Option<Duration>| -> Pages {
        let builder = Cache::builder().name(name).redis("tags_longest");
        if let Some(ttl) = ttl { builder.ttl(ttl) } else { builder }.build_redis()
    };
    let mut client = server.client();
    let mut left = || client.call(&["PTTL", "tests:tag:{longest}"]).text().parse::<i64>().expect("ms");
    let day = 24 * 60 * 60 * 1000;
    load(&short, 1, &["longest"], "for a minute");
    assert!(left() <= day);
    load(&lasting("week", Some(Duration::from_hours(7 * 24))), 1, &["longest"], "for a week");
    eventually("it to outlast a week", || left() > 7 * day);
    load(&lasting("always", None), 1, &["longest"], "for ever");
    eventually("it to have no end", || left() == -1);
}

/// Also after somebody asked about a connection that is none.
#[test]
fn a_name_that_was_only_asked_about_takes_no_part() {
    if !alone("tags::a_name_that_was_only_asked_about_takes_no_part") {
        return;
    }
    let server = Server::start();
    let pages = pages("tags_asked", &server.url());
    check_named("mistyped").wait().expect_err("there is none");
    load(&pages, 1, &["asked"], "old");
    invalidate_tag("asked").wait().expect("one server, which is well");
    assert_eq!(load(&pages, 1, &["asked"], "new"), "new");
    let mistyped: Pages = Cache::builder().name("pages").redis("mistyped").build_redis();
    invalidate_tag("asked").wait().expect_err("now something uses it");
    drop(mistyped);
}
