//! Promise 6 where the server can't be reached, is slow, or comes back: the function runs, in time. The servers that answer
//! and refuse are in `refused`.

use crate::subject::{AT_ONCE, BUDGET, CONNECTING, Subject, note, patiently, slack};
use cached_tests::{
    PATIENCE,
    redis::{Proxy, Server},
    run, start, within,
};
use std::time::{Duration, Instant};

#[test]
fn no_server_at_the_start() {
    let mut server = Server::start();
    server.kill();
    let subject = Subject::at("no_server", &server.url());
    let first = subject.bounded("the first call", [0], CONNECTING);
    let after = subject.bounded("later calls", 1..20, AT_ONCE);
    assert_eq!(subject.loads(), 20, "each call ran the function");
    server.restart();
    note("no server at the start", first.max(after), Some(subject.recovered()));
}

#[test]
fn a_port_where_nobody_answers() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let _silence = proxy.hold(|_| true);
    let subject = Subject::at("silent_port", &server.url_at(proxy.address()));
    let first = subject.bounded("the first call", [0], CONNECTING);
    let next = subject.bounded("the next calls", 1..8, CONNECTING);
    let after = subject.bounded("later calls", 8..20, BUDGET);
    note("a port that takes connections and is silent", first.max(next).max(after), None);
}

#[test]
fn killed_in_the_middle_of_a_request() {
    let mut server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("killed_mid_request", &server.url_at(proxy.address()));
    subject.warm(0);
    for (round, task) in [(1, false), (2, true)] {
        let held = proxy.hold(|_| true);
        let caller = start({
            let subject = subject.clone();
            move || if task { run(move || async move { subject.task(0).await }) } else { subject.call(0) }
        });
        held.wait();
        server.kill();
        held.release();
        let took = caller.end().took;
        assert!(took <= BUDGET + slack(), "round {round}: {took:?}");
        let after = subject.bounded("calls while it is away", 10..30, AT_ONCE);
        server.restart();
        note("killed in the middle of a request", took.max(after), Some(subject.recovered()));
        subject.warm(0);
    }
}

#[test]
fn stopped_and_continued() {
    let mut server = Server::start();
    let subject = Subject::at("stopped", &server.url());
    let value = subject.warm(0);
    server.freeze();
    let first = subject.bounded("calls of a stopped server", 2..8, BUDGET);
    // By now it is known to be away; a probe now and then may take its time, the rest may not.
    let begun = Instant::now();
    subject.bounded("later calls", 8..58, BUDGET);
    let rest = begun.elapsed();
    assert!(rest < 50 * AT_ONCE, "50 calls took {rest:?}");
    server.thaw();
    let recovered = subject.recovered();
    assert_eq!(subject.call(0).value, value, "what was stored before is there");
    note("SIGSTOP, SIGCONT", first, Some(recovered));
}

#[test]
fn a_stopped_server_delays_a_crowd_no_more_than_one() {
    let mut server = Server::start();
    let subject = Subject::at("stopped_crowd", &server.url());
    subject.warm(0);
    server.freeze();
    let crowd = subject.clone();
    let longest = cached_tests::crowd(32, move |n| crowd.call(n as u64 % 4).took).into_iter().max().expect("32");
    assert!(longest <= BUDGET + 2 * slack(), "{longest:?}");
    note("SIGSTOP, 32 threads on 4 keys", longest, None);
}

#[test]
fn connections_freeze_and_new_ones_work() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("frozen_connection", &server.url_at(proxy.address()));
    let value = subject.warm(0);
    assert!(proxy.freeze() > 0);
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    // Until a call is a hit on what was stored before.
    let recovered = loop {
        let called = subject.call(0);
        assert!(called.took <= BUDGET + slack(), "{:?}", called.took);
        longest = longest.max(called.took);
        if called.value == value {
            break begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "it never recovered");
    };
    assert!(recovered < Duration::from_secs(1) + slack(), "{recovered:?}");
    note("connections freeze, new ones work", longest, Some(recovered));
}

#[test]
fn connections_are_cut() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("cut_connection", &server.url_at(proxy.address()));
    subject.warm(0);
    let mut longest = Duration::ZERO;
    for round in 0..10 {
        proxy.cut();
        longest = longest.max(subject.bounded("a call after a cut", [round], BUDGET));
    }
    note("connections are cut", longest, Some(subject.recovered()));
}

#[test]
fn restarted_without_its_data() {
    let mut server = Server::start();
    let subject = Subject::at("restarted", &server.url());
    let value = subject.warm(0);
    server.restart();
    let took = subject.bounded("the first call after it", [0], BUDGET);
    let recovered = subject.recovered();
    assert_ne!(subject.call(0).value, value, "the old value is lost");
    note("restarted without its data", took, Some(recovered));
}

#[test]
fn slower_than_the_deadline() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("slow_server", &server.url_at(proxy.address()));
    subject.warm(0);
    proxy.delay(Duration::from_secs(1));
    let longest = subject.bounded("calls", 2..30, BUDGET);
    proxy.delay(Duration::ZERO);
    note("answers take a second", longest, Some(subject.recovered()));
}

#[test]
fn slow_within_the_deadline_works() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    // A deadline that a busy machine keeps, too.
    let subject = Subject::patient("slowish_server", &server.url_at(proxy.address()));
    subject.warm(0);
    let delay = Duration::from_millis(30);
    proxy.delay(delay);
    let value = subject.warm(2);
    for _ in 0..5 {
        let called = subject.call(2);
        assert_eq!(called.value, value);
        assert!(called.took >= delay, "{:?}", called.took);
    }
}

#[test]
fn answers_are_truncated_or_corrupted_on_their_way() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("corrupted_wire", &server.url_at(proxy.address()));
    subject.warm(0);
    let mut longest = Duration::ZERO;
    for bytes in [0, 1, 3, 5, 20, 40, 80] {
        proxy.truncate_next(bytes);
        longest = longest.max(subject.bounded("a call whose answer is cut short", [0], BUDGET));
    }
    subject.recovered();
    proxy.corrupt(true);
    longest = longest.max(subject.bounded("calls whose answers are garbage", 2..20, BUDGET));
    proxy.corrupt(false);
    note("answers cut short, or garbage", longest, Some(subject.recovered()));
}

#[test]
fn an_invalidation_that_fails_says_so_and_is_made_up_for() {
    let mut server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("failed_invalidation", &server.url_at(proxy.address()));
    let value = subject.warm(0);
    // The server lives on with the value; only this process can't reach it.
    proxy.refuse(true);
    proxy.cut();
    let begun = Instant::now();
    let failed = subject.invalidate(0);
    assert!(begun.elapsed() <= CONNECTING + slack(), "{:?}", begun.elapsed());
    let error = failed.expect_err("nobody was told");
    assert!(!error.to_string().is_empty());
    proxy.refuse(false);
    // The retry queue's work, without any call that would help it.
    cached_tests::eventually("the invalidation to be made up for", || {
        !server.client().keys().iter().any(|key| key.ends_with("{0}"))
    });
    assert_ne!(subject.call(0).value, value);
    server.kill();
    assert!(within(PATIENCE, "an invalidation", move || subject.invalidate(0)).is_err());
}

#[test]
fn a_key_whose_invalidation_is_pending_is_a_miss_here() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::at("pending_invalidation", &server.url_at(proxy.address()));
    let value = subject.warm(0);
    // Only what removes is held up: new connections read what is still there.
    let held = proxy.hold(|command| matches!(&*command.name(), "UNLINK" | "DEL"));
    let begun = Instant::now();
    subject.invalidate(0).expect_err("it timed out");
    assert!(begun.elapsed() <= BUDGET + slack(), "{:?}", begun.elapsed());
    assert_eq!(subject.cache().stats().pending, 1);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        assert_ne!(subject.call(0).value, value, "this process knows that it is outdated");
    }
    held.release();
    cached_tests::eventually("the queue to empty", || subject.cache().stats().pending == 0);
    subject.recovered();
    let fresh = subject.warm(0);
    assert_ne!(fresh, value);
}

#[test]
fn an_invalidation_of_a_stopped_server_ends_in_time_and_acts_when_it_continues() {
    let mut server = Server::start();
    let subject = Subject::at("stopped_invalidation", &server.url());
    let value = subject.warm(0);
    server.freeze();
    for _ in 0..10 {
        let begun = Instant::now();
        subject.invalidate(0).expect_err("nobody acknowledged it");
        assert!(begun.elapsed() <= BUDGET + slack(), "{:?}", begun.elapsed());
    }
    server.thaw();
    cached_tests::eventually("the queue to empty", || subject.cache().stats().pending == 0);
    assert!(!server.client().keys().iter().any(|key| key.ends_with("{0}")), "{:?}", server.client().keys());
    subject.recovered();
    assert_ne!(subject.call(0).value, value);
}

/// Calls have less time than it takes to connect: they go without, until the connection is there.
#[test]
fn a_distant_server_is_connected_to_again() {
    const BUDGET: Duration = Duration::from_secs(1);
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    patiently(&server.url_at(proxy.address())).budget(BUDGET).install_as("distant").expect("a good URL");
    let subject = Subject::over("distant");
    let value = subject.warm(0);
    // Each answer comes in time, but the two that a new connection waits for do not.
    proxy.delay(BUDGET * 6 / 10);
    proxy.cut();
    cached_tests::eventually("a hit over a new connection", || subject.cache().get(&0).as_ref() == Some(&value));
}
