//! The servers of the testbed start, obey and end, whatever happens to their test. Nothing here is about the cache.

use cached_tests::{
    eventually,
    redis::{Client, Cluster, Parent, Peer, Reply, Sentinel, Server},
};
use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

fn nobody_listens(address: SocketAddr) -> bool {
    Client::connect(address, None).is_err()
}

#[test]
fn a_server_answers_stores_and_is_gone_with_its_value() {
    let server = Server::start();
    let address = server.address();
    let mut client = server.client();
    client.call(&["SET", "a", "1"]);
    client.call(&[b"SET".as_slice(), b"b", b"\r\n\0\xff"]);
    assert_eq!(client.call(&["GET", "a"]).text(), "1");
    assert_eq!(client.call(&["GET", "b"]).bytes(), Some(b"\r\n\0\xff".to_vec()));
    assert_eq!(client.call(&["GET", "c"]), Reply::Nil);
    assert_eq!(client.keys(), ["a", "b"]);
    assert_eq!(server.url(), format!("redis://{address}"));
    drop(server);
    assert!(client.ask(&["PING"]).is_err());
    assert!(nobody_listens(address));
}

#[test]
fn a_panic_ends_the_server() {
    let mut address = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let server = Server::start();
        address = Some(server.address());
        panic!("as a failing test does");
    }));
    assert!(panicked.is_err());
    assert!(nobody_listens(address.expect("it was started")));
}

#[test]
fn servers_live_side_by_side() {
    let servers: Vec<_> = (0..4).map(|_| Server::start()).collect();
    for (number, server) in servers.iter().enumerate() {
        server.client().call(&["SET", "number", &number.to_string()]);
    }
    for (number, server) in servers.iter().enumerate() {
        assert_eq!(server.client().call(&["GET", "number"]).text(), number.to_string());
    }
}

#[test]
fn a_frozen_server_keeps_its_connections_and_a_thawed_one_answers_late() {
    let mut server = Server::start();
    let mut client = server.client();
    server.freeze();
    client.send(&["PING"]).expect("the system takes it");
    server.thaw();
    assert_eq!(client.receive().expect("an answer").text(), "PONG");
}

#[test]
fn a_killed_server_refuses_and_a_restarted_one_has_lost_its_data() {
    let mut server = Server::start();
    let (address, id) = (server.address(), server.id());
    server.client().call(&["SET", "a", "1"]);
    server.kill();
    assert!(nobody_listens(address));
    server.restart();
    assert_eq!(server.address(), address);
    assert_ne!(server.id(), id);
    assert_eq!(server.client().call(&["GET", "a"]), Reply::Nil);

    // Also one that is alive, or frozen.
    server.freeze();
    server.restart();
    assert_eq!(server.client().keys(), [""; 0]);
}

#[test]
fn passwords_and_users_hold_also_after_a_restart() {
    let mut server = Server::with().password("s3cret").user("app", "pass", "~app:* +@all").start();
    for _ in 0..2 {
        let address = server.address();
        let mut stranger = Client::connect(address, None).expect("a connection");
        assert!(matches!(stranger.ask(&["GET", "a"]), Ok(Reply::Error(e)) if e.starts_with("NOAUTH")));
        assert!(Client::connect(address, Some(("default", "wrong"))).is_err());
        let mut app = Client::connect(address, Some(("app", "pass"))).expect("a login");
        app.call(&["SET", "app:a", "1"]);
        assert!(matches!(app.ask(&["SET", "other", "1"]), Ok(Reply::Error(e)) if e.starts_with("NOPERM")));
        assert_eq!(server.client().call(&["GET", "app:a"]).text(), "1");
        assert_eq!(server.url(), format!("redis://:s3cret@{address}"));
        server.restart();
    }
}

#[test]
fn a_full_server_refuses_to_write_and_still_deletes() {
    let server = Server::with().max_memory("3mb").start();
    let mut client = server.client();
    let value = "x".repeat(100_000);
    let refused = (0..100).find_map(|n| match client.ask(&["SET", &format!("k{n}"), &value]) {
        Ok(Reply::Error(refused)) => Some(refused),
        _ => None,
    });
    assert!(refused.expect("it is full").starts_with("OOM"));
    assert_eq!(client.call(&["UNLINK", "k0"]), Reply::Int(1));
}

#[test]
fn a_replica_follows_its_master_and_refuses_writes() {
    let master = Server::with().password("s3cret").start();
    let replica = Server::with().password("s3cret").replica_of(&master).start();
    master.client().call(&["SET", "a", "1"]);
    let mut client = replica.client();
    eventually("the write to arrive", || client.call(&["GET", "a"]) != Reply::Nil);
    assert!(matches!(client.ask(&["SET", "a", "2"]), Ok(Reply::Error(e)) if e.starts_with("READONLY")));
}

#[test]
fn a_unix_socket_is_there_also_after_a_restart() {
    let mut server = Server::with().unix_socket().start();
    let path = server.socket_url().strip_prefix("unix://").expect("a URL").to_owned();
    for _ in 0..2 {
        std::os::unix::net::UnixStream::connect(&path).expect("somebody listens");
        server.restart();
    }
    drop(server);
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn directives_are_passed_on() {
    let server = Server::with().set("lua-time-limit", "20").set("databases", "3").start();
    let mut client = server.client();
    client.call(&["SELECT", "2"]);
    assert!(matches!(client.ask(&["SELECT", "3"]), Ok(Reply::Error(_))));
    client.send(&["EVAL", "while true do end", "0"]).expect("sent");
    let mut other = server.client();
    eventually(
        "the script to be noticed",
        || matches!(other.ask(&["PING"]), Ok(Reply::Error(e)) if e.starts_with("BUSY")),
    );
    other.call(&["SCRIPT", "KILL"]);
    assert!(matches!(client.receive(), Ok(Reply::Error(_))));
    assert_eq!(client.call(&["PING"]).text(), "PONG");
}

#[test]
fn three_masters_share_the_slots() {
    let mut cluster = Cluster::start();
    let redirected: usize = cluster
        .nodes()
        .iter()
        .map(|node| {
            let mut client = node.client();
            (0..30).filter(|n| matches!(client.ask(&["SET", &format!("key{n}"), "1"]), Ok(Reply::Error(e)) if e.starts_with("MOVED"))).count()
        })
        .sum();
    assert_eq!(redirected, 60, "each key is at home at one of the three");
    assert_eq!(cluster.urls().len(), 3);
    let address = cluster.nodes()[1].address();
    cluster.nodes_mut()[1].kill();
    assert!(nobody_listens(address));
}

#[test]
fn a_sentinel_knows_its_master() {
    let master = Server::start();
    let sentinel = Sentinel::start("main", &master);
    let mut client = Client::connect(sentinel.address(), None).expect("it listens");
    let told = client.call(&["SENTINEL", "get-master-addr-by-name", "main"]).list();
    assert_eq!(told.iter().map(Reply::text).collect::<Vec<_>>(), ["127.0.0.1", &master.port().to_string()]);
    assert_eq!(client.call(&["SENTINEL", "get-master-addr-by-name", "other"]), Reply::Nil);
}

#[test]
fn a_peer_hears_speaks_and_can_be_killed() {
    let mut peer = Peer::start("testbed::role_of_an_echo");
    peer.tell("one");
    peer.expect("one");
    peer.tell("two words");
    peer.expect("two words");
    peer.kill();
    assert!(catch_unwind(AssertUnwindSafe(|| peer.hear())).is_err());
}

#[test]
fn role_of_an_echo() {
    let Some(mut parent) = Parent::of_this() else { return };
    while let Some(text) = parent.hear() {
        parent.tell(&text);
    }
}

#[test]
fn no_server_outlives_a_killed_test_process() {
    for state in ["running", "frozen"] {
        let mut peer = Peer::start("testbed::role_of_a_test_that_is_killed");
        peer.tell(state);
        let address: SocketAddr = peer.hear().parse().expect("an address");
        let dir = peer.hear();
        peer.kill();
        // A frozen server accepts connections as well: only when it has ended does nobody.
        eventually("the orphan's end", || nobody_listens(address));
        eventually("its folder to go", || !std::path::Path::new(&dir).exists());
    }
}

#[test]
fn role_of_a_test_that_is_killed() {
    let Some(mut parent) = Parent::of_this() else { return };
    let mut server = Server::with().unix_socket().start();
    if parent.hear().as_deref() == Some("frozen") {
        server.freeze();
    }
    parent.tell(&server.address().to_string());
    let socket = server.socket_url();
    parent.tell(socket.strip_prefix("unix://").and_then(|path| path.strip_suffix("/socket")).expect("a path"));
    while parent.hear().is_some() {}
}

#[test]
fn starting_takes_a_moment_only() {
    let begun = Instant::now();
    let _server = Server::start();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
