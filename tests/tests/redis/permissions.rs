//! The commands that an ACL user needs, as `docs/redis.md` lists them: everything works with these, and the server has refused
//! nothing. It must read the list from the page itself.

use crate::subject::patiently;
use cached_runtime::{Cache, ErrorKind, Redis, Refusal, invalidate_matching, invalidate_tag, redis};
use cached_tests::{
    Gate, eventually,
    redis::{Reply, Server, alone},
    start,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The rules on the page, without the user's name and password.
fn listed() -> String {
    let page = include_str!("../../../docs/redis.md");
    let (_, list) = page.split_once("<!-- acl -->\n```text\nuser app on >secret ").expect("the page has a list");
    list.split_once("```").expect("it ends").0.replace('\n', " ")
}

/// The same with what the page adds for newer servers; older ones don't know the command.
fn listed_for_newer() -> String {
    const ADDED: &str = "+client|setinfo";
    let page = include_str!("../../../docs/redis.md");
    assert!(page.contains(&format!("on Valkey add `{ADDED}`")), "the page has it");
    let knows = Server::start().client().call(&["COMMAND", "INFO", "client|setinfo"]).list();
    let is_known = knows.first().is_some_and(|about| matches!(about, Reply::List(_)));
    if is_known { format!("{} {ADDED}", listed()) } else { listed() }
}

fn cache(connection: &'static str) -> Cache<u64, String, Redis> {
    Cache::builder().name("pages").ttl(Duration::from_mins(1)).redis(connection).template(&["page:", ""]).build_redis()
}

/// A pattern that will never be walked fails, and must not make what it matches a miss for ever: what this process has is
/// cleared instead.
fn a_pattern_is_settled(name: &'static str, server: &Server, refusal: Refusal) {
    let url = format!("redis://app:pass@{}", server.address());
    patiently(&url).namespace("cached").install_as(name).expect("a good URL");
    let pages = cache(name);
    let items: Cache<u64, String, Redis> = Cache::builder()
        .name("items")
        .template(&["product:", ""])
        .plain()
        .ttl(Duration::from_mins(1))
        .redis(name)
        .build_redis();
    pages.set(1, "old".to_owned()).expect("permitted");
    items.set(1, "item".to_owned()).expect("permitted");
    let error = invalidate_matching("page:*").wait().expect_err("nobody may walk");
    assert_eq!(error.kind(), ErrorKind::Server(refusal), "{error}");
    eventually("it to be settled", || {
        assert_ne!(pages.get(&1).as_deref(), Some("old"));
        pages.get_or_load(1, || "new".to_owned());
        pages.get(&1).as_deref() == Some("new")
    });
    assert_eq!(items.get(&1).as_deref(), Some("item"), "plain entries are never meant");
}

#[test]
fn a_pattern_is_settled_without_scan() {
    if alone("permissions::a_pattern_is_settled_without_scan") {
        let server = Server::with()
            .user("app", "pass", &(listed_for_newer().replace("+scan", "") + " ~product:* ~{product:*"))
            .start();
        a_pattern_is_settled("acl_no_scan", &server, Refusal::NoPermission);
    }
}

#[test]
fn a_pattern_is_settled_where_scan_was_renamed() {
    if alone("permissions::a_pattern_is_settled_where_scan_was_renamed") {
        let options = Server::with().set("rename-command", "SCAN").more("hidden");
        let server = options.user("app", "pass", "~* &* +@all").start();
        a_pattern_is_settled("scan_renamed", &server, Refusal::UnknownCommand);
    }
}

#[test]
fn the_listed_commands_are_enough() {
    if !alone("permissions::the_listed_commands_are_enough") {
        return;
    }
    let server = Server::with().user("app", "pass", &listed_for_newer()).start();
    let url = format!("redis://app:pass@{}", server.address());
    for name in ["acl_one", "acl_two"] {
        patiently(&url).namespace("cached").install_as(name).expect("a good URL");
    }
    let (one, two) = (cache("acl_one"), cache("acl_two"));
    // A load that another client waits for: lease, push, fill.
    let gate = Arc::new(Gate::new());
    let waiting = start({
        let (one, gate) = (one.clone(), Arc::clone(&gate));
        move || {
            one.get_or_load(1, || {
                gate.wait();
                "one".to_owned()
            })
        }
    });
    eventually("a placeholder", || server.client().keys().iter().any(|key| key.ends_with("{page:1}")));
    let other = start({
        let two = two.clone();
        move || two.get_or_load(1, || "two".to_owned())
    });
    eventually("the other's wait", || {
        let list = server.client().call(&["CLIENT", "LIST"]);
        String::from_utf8(list.bytes().expect("a list")).expect("text").matches("user=app").count() >= 2
    });
    gate.open();
    assert_eq!((waiting.end().as_str(), other.end().as_str()), ("one", "one"));
    // A hit, a failure, a write, a removal.
    assert_eq!(two.get(&1).as_deref(), Some("one"));
    assert_eq!(two.try_get_or_load(2, || Err::<String, _>("no")), Err("no"));
    two.set(2, "two".to_owned()).expect("permitted");
    server.client().call(&["SET", "cached:pages:v0:{page:2}:w", "another writer"]);
    two.set(2, "contested".to_owned()).expect("permitted");
    assert_eq!(one.get_many([1, 2]).len(), 2);
    one.invalidate(&2).expect("permitted");
    let found: HashMap<u64, String> =
        one.get_or_load_many([3, 4], |ids| ids.into_iter().map(|id| (id, id.to_string())).collect());
    assert_eq!(found.len(), 2);
    // A tag, a pattern, all of it.
    let tagged = || one.entry(5).tags(&["acl"]).get_or_load(|| "five".to_owned());
    assert_eq!(tagged(), "five");
    invalidate_tag("acl").wait().expect("permitted");
    invalidate_matching("page:*").wait().expect("permitted");
    assert_eq!(two.get(&1), None);
    one.clear().expect("permitted");
    redis::reclaim().wait().expect("permitted");
    // An entry that is renewed.
    let old: Cache<u64, u64, Redis> = Cache::builder()
        .name("old")
        .ttl(Duration::from_millis(20))
        .stale_while_revalidate(Duration::from_mins(1))
        .redis("acl_one")
        .build_redis();
    old.get_or_load(1, || 1);
    eventually("a renewal", || old.get_or_load(1, || 2) == 2);
    assert_eq!((one.stats().store_errors, two.stats().store_errors, old.stats().store_errors), (0, 0, 0));
    let refused = server.client().call(&["ACL", "LOG"]).list();
    assert!(refused.is_empty(), "the server refused {refused:?}");
}
