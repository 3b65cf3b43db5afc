//! The proxy of the testbed does what it says, and nothing when it isn't told to. Nothing here is about the cache.

use cached_tests::{
    eventually,
    redis::{Client, Proxy, Reply, Server},
    start,
};
use std::time::{Duration, Instant};

fn both() -> (Server, Proxy) {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    (server, proxy)
}

fn through(proxy: &Proxy) -> Client {
    Client::connect(proxy.address(), None).expect("the proxy listens")
}

#[test]
fn it_passes_everything_on_and_counts() {
    let (server, proxy) = both();
    let mut client = through(&proxy);
    let big = "x".repeat(3_000_000);
    client.call(&["SET", "big", &big]);
    assert_eq!(client.call(&["get", "big"]).text(), big);
    // Several commands in one piece, and one in several.
    for _ in 0..3 {
        client.send(&["PING"]).expect("sent");
    }
    for _ in 0..3 {
        assert_eq!(client.receive().expect("an answer").text(), "PONG");
    }
    assert_eq!((proxy.count("SET"), proxy.count("GET"), proxy.count("PING"), proxy.commands()), (1, 1, 3, 5));
    assert_eq!((proxy.connections(), proxy.open()), (1, 1));
    drop(client);
    eventually("the connection's end", || proxy.open() == 0);
    assert_eq!(server.client().keys(), ["big"]);
}

#[test]
fn it_delays() {
    let (_server, proxy) = both();
    let mut client = through(&proxy);
    proxy.delay(Duration::from_millis(50));
    let begun = Instant::now();
    client.call(&["PING"]);
    assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
    proxy.delay(Duration::ZERO);
    let begun = Instant::now();
    client.call(&["PING"]);
    assert!(begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
}

#[test]
fn it_cuts_and_new_connections_work() {
    let (_server, proxy) = both();
    let mut client = through(&proxy);
    client.call(&["PING"]);
    proxy.cut();
    assert!(client.ask(&["PING"]).is_err());
    assert_eq!(through(&proxy).call(&["PING"]).text(), "PONG");
}

#[test]
fn it_refuses_for_a_while() {
    let (_server, proxy) = both();
    proxy.refuse(true);
    assert!(through(&proxy).ask(&["PING"]).is_err());
    proxy.refuse(false);
    assert_eq!(through(&proxy).call(&["PING"]).text(), "PONG");
}

#[test]
fn it_freezes_what_is_open_and_nothing_else() {
    let (server, proxy) = both();
    let mut client = through(&proxy);
    client.call(&["PING"]);
    assert_eq!(proxy.freeze(), 1);
    client.send(&["SET", "a", "1"]).expect("taken");
    assert_eq!(through(&proxy).call(&["EXISTS", "a"]), Reply::Int(0));
    proxy.thaw();
    client.receive().expect("an answer");
    assert_eq!(server.client().keys(), ["a"]);
    // A frozen one can be cut.
    assert!(proxy.freeze() > 0);
    client.send(&["PING"]).expect("taken");
    proxy.cut();
    assert!(client.receive().is_err());
}

#[test]
fn it_truncates_one_answer() {
    let (server, proxy) = both();
    server.client().call(&["SET", "a", "0123456789"]);
    let mut client = through(&proxy);
    proxy.truncate_next(8);
    assert!(client.ask(&["GET", "a"]).is_err());
    assert_eq!(through(&proxy).call(&["GET", "a"]).text(), "0123456789");
}

#[test]
fn it_corrupts_while_told_to() {
    let (_server, proxy) = both();
    proxy.corrupt(true);
    assert!(through(&proxy).ask(&["PING"]).is_err());
    proxy.corrupt(false);
    assert_eq!(through(&proxy).call(&["PING"]).text(), "PONG");
}

#[test]
fn it_holds_what_matches_until_it_is_released() {
    let (server, proxy) = both();
    let held = proxy.hold(|command| command.name() == "SET" && command.mentions("slow"));
    let mut client = through(&proxy);
    client.call(&["SET", "quick", "1"]);
    assert_eq!(held.arrived(), 0);
    let late = start({
        let mut client = through(&proxy);
        move || client.call(&["SET", "slowly", "1"]).text()
    });
    held.wait();
    client.call(&["PING"]);
    assert_eq!(server.client().keys(), ["quick"]);
    held.release();
    assert_eq!(late.end(), "OK");
    assert_eq!(server.client().keys(), ["quick", "slowly"]);
}

#[test]
fn it_stands_before_a_server_that_comes_and_goes() {
    let (mut server, proxy) = both();
    server.kill();
    assert!(through(&proxy).ask(&["PING"]).is_err());
    server.restart();
    assert_eq!(through(&proxy).call(&["PING"]).text(), "PONG");
    server.kill();
    server.restart();
    assert_eq!(through(&proxy).call(&["PING"]).text(), "PONG");
}

#[test]
fn its_end_cuts_what_it_carries_and_holds() {
    let (_server, proxy) = both();
    let held = proxy.hold(|_| true);
    let mut client = through(&proxy);
    client.send(&["PING"]).expect("sent");
    held.wait();
    let address = proxy.address();
    drop(proxy);
    assert!(client.receive().is_err());
    eventually("the port to be closed", || Client::connect(address, None).is_err());
}
