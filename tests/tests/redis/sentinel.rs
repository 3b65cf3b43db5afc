//! A master that is found by a Sentinel, and another one after it has died.

use crate::subject::{CONNECTING, Subject, note, slack};
use cached_runtime::redis::{Config, check_named};
use cached_tests::{
    Gate, eventually,
    redis::{Sentinel, Server},
    start,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[test]
fn the_master_that_a_sentinel_knows() {
    let master = Server::start();
    let sentinel = Sentinel::start("main", &master);
    let subject = Subject::at("sentinel", &format!("redis+sentinel://{}/main/2", sentinel.address()));
    subject.warm(0);
    let mut client = master.client();
    client.call(&["SELECT", "2"]);
    assert!(client.keys().iter().any(|key| key.ends_with("{0}")));
    let other = Subject::at("sentinel_other", &format!("redis+sentinel://{}/unknown", sentinel.address()));
    let longest = other.bounded("calls of a master that nobody knows", 0..10, CONNECTING);
    note("a master that the Sentinel doesn't know", longest, None);
}

#[test]
fn sentinels_with_a_password_of_their_own() {
    let master = Server::with().password("m4ster").start();
    let sentinel = Sentinel::with_password("main", &master, Some("s3nt%nel"));
    let url = format!("redis+sentinel://:m4ster@{}/main", sentinel.address());
    Subject::at("sentinel_url", &format!("{url}?sentinel_password=s3nt%25nel")).warm(0);
    let code = Config::from_url(&url).sentinel_password("s3nt%nel").namespace("tests");
    assert!(!format!("{code:?}").contains("s3nt"));
    code.install_as("sentinel_code").expect("a good URL");
    Subject::over("sentinel_code").warm(0);
    // Without it, or with a wrong one: said at once, and the function runs.
    for (name, config) in [
        ("sentinel_none", Config::from_url(&url)),
        ("sentinel_wrong", Config::from_url(&url).sentinel_password("wr0ng")),
    ] {
        config.install_as(name).expect("a good URL");
        let error = check_named(name).wait().expect_err("it isn't let in").to_string();
        assert!(error.contains("user and password") && error.contains("sentinel"), "{error}");
        assert!(!error.contains("m4ster") && !error.contains("wr0ng"), "{error}");
        Subject::over(name).bounded("calls", 0..10, CONNECTING);
    }
}

#[test]
fn a_master_that_dies_is_followed_by_its_replica() {
    let mut master = Server::with().password("m4ster").start();
    let replica = Server::with().password("m4ster").replica_of(&master).start();
    let sentinel = Sentinel::with_password("main", &master, Some("s3ntinel"));
    eventually("the Sentinel to know the replica", || sentinel.has_replica("main"));
    let url = format!("redis+sentinel://:m4ster@{}/main?sentinel_password=s3ntinel", sentinel.address());
    let subject = Subject::at("failover", &url);
    let value = subject.warm(0);

    // A load that begins before the failover and ends after it.
    let (loading, finish) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let load = start({
        let (subject, loading, finish) = (subject.clone(), Arc::clone(&loading), Arc::clone(&finish));
        move || {
            subject.call_during(7, || {
                loading.open();
                finish.wait();
            })
        }
    });
    loading.wait();
    // What was acknowledged has to have reached the replica: a failover may lose the rest.
    let has = |server: &Server, end: &str| server.client().keys().iter().any(|key| key.ends_with(end));
    eventually("the replica to have all of it", || {
        has(&replica, "{0}") && (has(&replica, "{7}") || !has(&master, "{7}")) && has(&replica, ":gen")
    });

    master.kill();
    let begun = Instant::now();
    let (mut longest, mut calls) = (Duration::ZERO, 0);
    // Until what was stored before is served again.
    eventually("the replica to take over", || {
        let called = subject.call(0);
        assert!(called.took <= CONNECTING + slack(), "{:?}", called.took);
        longest = longest.max(called.took);
        calls += 1;
        called.value == value
    });
    note("a master dies, Sentinel promotes its replica", longest, Some(begun.elapsed()));
    assert!(calls > 1 && subject.loads() > 1, "it was away for a while");
    assert_eq!(sentinel.port_of("main"), Some(replica.port()));

    // Invalidations go there, and fence what began before.
    subject.recovered();
    eventually("an invalidation", || subject.invalidate(0).is_ok());
    assert!(!has(&replica, "{0}"));
    assert_ne!(subject.call(0).value, value);
    eventually("an invalidation", || subject.invalidate(7).is_ok());
    finish.open();
    let old = load.end();
    assert_ne!(subject.call(7).value, old, "it was loaded before the invalidation");
}
