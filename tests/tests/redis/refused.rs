//! Promise 6 where the server answers and refuses, and where the configuration is wrong: the function runs, in time, and
//! errors are clear and without secrets. Servers that don't answer are in `unreachable`.

use crate::subject::{AT_ONCE, BUDGET, CONNECTING, Subject, note, slack};
use cached_runtime::{ErrorKind, Refusal, redis::Config};
use cached_tests::{
    eventually,
    redis::{Reply, Server},
};
use std::time::{Duration, Instant};

#[test]
fn out_of_memory() {
    let server = Server::with().max_memory("4mb").start();
    let subject = Subject::at("full_server", &server.url());
    let value = subject.warm(0);
    let mut client = server.client();
    let filler = "x".repeat(50_000);
    (0..1000)
        .find(|n| matches!(client.ask(&["SET", &format!("filler{n}"), &filler]), Ok(Reply::Error(e)) if e.starts_with("OOM")))
        .expect("it gets full");
    let longest = subject.bounded("calls that can't be stored", 2..30, BUDGET);
    assert_eq!(subject.call(0).value, value, "what is there is served");
    subject.invalidate(0).expect("a full server still deletes");
    assert_ne!(subject.call(0).value, value);
    client.call(&["FLUSHALL"]);
    note("maxmemory reached", longest, Some(subject.recovered()));
}

#[test]
fn a_read_only_replica() {
    let master = Server::start();
    let replica = Server::with().replica_of(&master).start();
    let writer = Subject::at("replica_readers", &master.url());
    let value = writer.warm(0);
    let reader = Subject::at("replica_readers", &replica.url());
    eventually("the entry to arrive", || replica.client().keys() == master.client().keys());
    let longest = reader.bounded("calls that can't be stored", 2..20, CONNECTING);
    assert_eq!(reader.call(0).value, value, "what is there is served");
    let error = reader.invalidate(0).expect_err("a replica can't");
    assert_eq!(error.kind(), ErrorKind::Server(Refusal::ReadOnly), "{error}");
    note("a read-only replica", longest, None);
}

#[test]
fn a_script_keeps_it_busy() {
    let server = Server::with().set("lua-time-limit", "10").start();
    let subject = Subject::at("busy_server", &server.url());
    let value = subject.warm(0);
    let mut blocked = server.client();
    let mut other = server.client();
    blocked.send(&["EVAL", "while true do end", "0"]).expect("sent");
    eventually("it to be busy", || matches!(other.ask(&["PING"]), Ok(Reply::Error(e)) if e.starts_with("BUSY")));
    let longest = subject.bounded("calls", 2..30, BUDGET);
    other.call(&["SCRIPT", "KILL"]);
    let recovered = subject.recovered();
    assert_eq!(subject.call(0).value, value);
    note("a script that doesn't end (BUSY)", longest, Some(recovered));
}

#[test]
fn a_wrong_password() {
    let server = Server::with().password("right-one").start();
    for (name, url) in [
        ("wrong_password", format!("redis://:s3cret-wrong@{}", server.address())),
        ("wrong_user", format!("redis://nobody:s3cret-wrong@{}", server.address())),
        ("no_password", format!("redis://{}", server.address())),
    ] {
        let subject = Subject::at(name, &url);
        let first = subject.bounded("the first call", [0], CONNECTING);
        let after = subject.bounded("later calls", 1..20, AT_ONCE);
        let error = subject.invalidate(0).expect_err("it can't");
        assert!(matches!(error.kind(), ErrorKind::Auth | ErrorKind::BreakerOpen), "{name}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        note(name, first.max(after), None);
    }
}

#[test]
fn the_right_password_and_an_acl_user() {
    let server = Server::with().password("right-one").user("app", "pass", "~* &* +@all").start();
    let url = format!("redis://app:pass@{}", server.address());
    for (name, url) in [("right_password", server.url()), ("acl_user", url)] {
        Subject::at(name, &url).warm(0);
    }
}

#[test]
fn a_user_who_may_do_nothing() {
    let server = Server::with().user("guest", "pass", "~* &* -@all +ping +hello +client +info").start();
    let subject = Subject::at("guest_user", &format!("redis://guest:pass@{}", server.address()));
    let longest = subject.bounded("calls", 0..20, CONNECTING);
    let error = subject.invalidate(0).expect_err("it may not");
    assert!(matches!(error.kind(), ErrorKind::Server(Refusal::NoPermission) | ErrorKind::BreakerOpen), "{error:?}");
    note("an ACL user without permissions", longest, None);
}

#[test]
fn bad_urls_are_reported_at_once_and_without_their_secrets() {
    for url in [
        "",
        "127.0.0.1:6379",
        "http://me:s3cret@host",
        "redis://me:s3cret@",
        "redis://me:s3cret@host:99999",
        "redis://me:s3cret@host:port",
        "redis://me:s3cret@host/database",
        "redis://me:s3cret@[::1",
        "redis+sentinel://me:s3cret@host",
    ] {
        let begun = Instant::now();
        let error = Config::from_url(url).install_as("bad_url").expect_err(url);
        assert!(begun.elapsed() < slack());
        assert_eq!(error.kind(), ErrorKind::Config, "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    // What is over it works as without a cache.
    let subject = Subject::over("bad_url");
    let longest = subject.bounded("calls", 0..20, AT_ONCE);
    assert_eq!(subject.loads(), 20);
    assert_eq!(subject.invalidate(0).expect_err("there is no server").kind(), ErrorKind::Config);
    note("a bad URL", longest, None);
}

#[test]
fn databases_and_unix_sockets() {
    let server = Server::with().unix_socket().start();
    let zero = Subject::at("database_0", &server.url());
    zero.warm(0);
    let three = Subject::at("database_3", &format!("{}/3", server.url()));
    three.warm(0);
    let mut client = server.client();
    let in_zero = client.keys();
    client.call(&["SELECT", "3"]);
    let in_three = client.keys();
    assert!(!in_zero.is_empty() && !in_three.is_empty() && in_zero != in_three);
    let socket = Subject::at("over_a_socket", &server.socket_url());
    socket.warm(0);
    assert!(server.client().keys().iter().any(|key| key.contains("over_a_socket")));
    let far = Subject::at("database_99", &format!("{}/99", server.url()));
    let longest = far.bounded("calls of a database that isn't there", 0..10, CONNECTING);
    note("a database that isn't there", longest, None);
}

#[test]
fn a_limit_on_values_is_kept_and_counted() {
    let server = Server::start();
    Config::from_url(server.url()).max_value_size(1000).install_as("limited").expect("a good URL");
    let cache = cached_runtime::Cache::<u64, String, _>::builder()
        .name("limited")
        .ttl(Duration::from_mins(1))
        .redis("limited")
        .build_redis();
    for _ in 0..2 {
        assert_eq!(cache.get_or_load(1, || "x".repeat(2000)).len(), 2000);
    }
    assert_eq!(cache.stats().loads, 2);
    assert_eq!(cache.stats().rejected, 2);
    assert_eq!(cache.get_or_load(2, || "small".into()), cache.get_or_load(2, || unreachable!("it is stored")));
}
