//! Promises 6 and 7 where the server lives and something happens to it or to its connections. Servers that are away are in
//! `unreachable`.

use crate::subject::{AT_ONCE, BUDGET, CONNECTING, Subject, note, slack};
use cached_tests::{
    eventually,
    redis::{Proxy, Reply, Server},
};
use std::time::{Duration, Instant};

#[test]
fn it_is_restarted_while_the_body_runs() {
    let mut server = Server::start();
    let subject = Subject::at("restart_in_body", &server.url());
    subject.warm(0);
    for key in 1..4 {
        let mut ended = Instant::now();
        let value = subject.call_during(key, || {
            server.restart();
            ended = Instant::now();
        });
        let took = ended.elapsed();
        assert!(took <= BUDGET + slack(), "{took:?} after the body");
        note("restarted while the body runs", took, Some(subject.recovered()));
        // Its placeholder is lost, so what it loaded may not be stored: another process may have invalidated it.
        assert_ne!(subject.call(key).value, value);
    }
}

#[test]
fn it_is_killed_while_the_body_runs() {
    let mut server = Server::start();
    let subject = Subject::at("killed_in_body", &server.url());
    subject.warm(0);
    let mut ended = Instant::now();
    subject.call_during(1, || {
        server.kill();
        ended = Instant::now();
    });
    let took = ended.elapsed();
    assert!(took <= BUDGET + slack(), "{took:?} after the body");
    note("killed while the body runs", took, None);
}

#[test]
fn it_is_stopped_while_the_body_runs() {
    let mut server = Server::start();
    let subject = Subject::at("stopped_in_body", &server.url());
    subject.warm(0);
    let mut ended = Instant::now();
    let value = subject.call_during(1, || {
        server.freeze();
        ended = Instant::now();
    });
    let took = ended.elapsed();
    assert!(took <= BUDGET + slack(), "{took:?} after the body");
    server.thaw();
    let recovered = subject.recovered();
    // Whether the fill arrived in the end is open, that it does no harm is not.
    let again = subject.warm(1);
    assert!(again == value || subject.loads() > 2);
    note("stopped while the body runs", took, Some(recovered));
}

#[test]
fn all_is_flushed_while_the_body_runs() {
    let server = Server::start();
    let subject = Subject::at("flushed_in_body", &server.url());
    subject.warm(0);
    let old = subject.call_during(1, || {
        server.client().call(&["FLUSHALL"]);
    });
    assert_ne!(subject.call(1).value, old, "a load from before the flush was stored");
    server.client().call(&["SCRIPT", "FLUSH"]);
    subject.warm(2);
}

#[test]
fn its_connections_are_killed_by_an_administrator() {
    let server = Server::start();
    let subject = Subject::at("client_kill", &server.url());
    let value = subject.warm(0);
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        server.client().call(&["CLIENT", "KILL", "TYPE", "normal"]);
        server.client().call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        let called = subject.call(0);
        assert!(called.took <= BUDGET + slack(), "{:?}", called.took);
        longest = longest.max(called.took);
    }
    subject.recovered();
    assert_eq!(subject.call(0).value, value);
    note("CLIENT KILL", longest, None);
}

#[test]
fn it_closes_idle_connections() {
    let server = Server::with().set("timeout", "1").start();
    let subject = Subject::at("idle_connections", &server.url());
    let value = subject.warm(0);
    let mut client = server.client();
    eventually("it to close what is idle", || client.call(&["CLIENT", "LIST"]).text().lines().count() == 1);
    let called = subject.call(0);
    assert!(called.took <= BUDGET + slack(), "{:?}", called.took);
    assert_eq!(called.value, value, "a read is sent again on a new connection");
}

#[test]
fn it_has_no_room_for_another_client() {
    let server = Server::with().set("maxclients", "1").start();
    // The testbed's own connections end a moment after they are dropped.
    let mut only = None;
    eventually("room for one", || {
        let mut client = server.client();
        let alone = matches!(client.ask(&["PING"]), Ok(Reply::Bytes(_)));
        only = alone.then_some(client);
        alone
    });
    let subject = Subject::at("no_room", &server.url());
    let longest = subject.bounded("calls", 0..20, CONNECTING);
    assert_eq!(subject.loads(), 20);
    drop(only);
    note("maxclients reached", longest, Some(subject.recovered()));
}

#[test]
fn its_name_cant_be_resolved() {
    let subject = Subject::at("no_such_host", "redis://cached-tests.invalid:6379");
    let first = subject.bounded("the first call", [0], CONNECTING);
    let next = subject.bounded("the next calls", 1..4, CONNECTING);
    let after = subject.bounded("later calls", 4..10, AT_ONCE);
    note("a host name that can't be resolved", first.max(next).max(after), None);
}

/// Large values go over a connection of their own.
#[test]
fn an_address_that_leads_to_another_server_leads_there_for_all() {
    let (one, two) = (Server::start(), Server::start());
    let proxy = Proxy::before(one.address());
    let subject = Subject::patient("moved_address", &one.url_at(proxy.address()));
    subject.warm(0);
    proxy.lead_to(two.address());
    let has = |server: &Server, key: &str| server.client().keys().iter().any(|name| name.ends_with(key));
    // Stored nowhere, since its ticket was taken at the first; that shows where the second connection leads.
    let _ = subject.cache().set(1, "x".repeat(1 << 20));
    eventually("small values at the second server", || {
        subject.cache().set(2, "small".to_owned()).expect("a server");
        has(&two, "{2}")
    });
    subject.cache().set(3, "x".repeat(1 << 20)).expect("a server");
    assert!(has(&two, "{3}") && !has(&one, "{3}"));
}
