//! Promises 4 and 6 where the few threads that help the driver have much to do, or a user's code hangs on one. Each test is
//! alone in its process, since they are shared by all connections.

use crate::subject::patiently;
use cached_runtime::{
    Cache, Redis,
    events::{Event, What},
};
use cached_tests::{
    Gate, PATIENCE, eventually, let_them_block,
    redis::{Proxy, Server, alone},
    start,
};
use std::{sync::Arc, time::Duration};

/// Far more than there are threads.
const MANY: u64 = 16;
/// Far more than is prepared on the driver itself.
const LARGE: usize = 1 << 20;
const MINUTE: Duration = Duration::from_mins(1);

type Texts = Cache<u64, String, Redis>;

/// A URL whose host has to be looked up by whoever connects.
fn by_name(proxy: &Proxy) -> String {
    format!("redis://localhost:{}", proxy.address().port())
}

/// Large `set`s of all keys, at one time, each of which succeeds.
fn large_sets(cache: &Texts, then: impl FnOnce()) {
    let setting = |key| {
        let cache = cache.clone();
        start(move || cache.set(key, key.to_string().repeat(LARGE)))
    };
    let sets: Vec<_> = (0..MANY).map(setting).collect();
    then();
    for (key, set) in sets.into_iter().enumerate() {
        set.end().unwrap_or_else(|error| panic!("{key}: {error}"));
    }
}

#[test]
fn many_large_values_leave_a_thread_to_look_up_the_host() {
    if !alone("helpers::many_large_values_leave_a_thread_to_look_up_the_host") {
        return;
    }
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    // They wait longer than the other does.
    let patient = patiently(&by_name(&proxy)).write_deadline(PATIENCE).budget(PATIENCE);
    patient.install_as("helpers_large").expect("a good URL");
    let cache: Texts = Cache::builder().name("large").ttl(MINUTE).redis("helpers_large").build_redis();
    patiently(&by_name(&proxy)).install_as("helpers_other").expect("a good URL");
    let other: Texts = Cache::builder().name("other").ttl(MINUTE).redis("helpers_other").build_redis();
    let held = proxy.hold(|command| command.parts().iter().any(|part| part.len() >= LARGE));
    large_sets(&cache, || {
        held.wait();
        let_them_block();
        other.set(0, "small".to_owned()).expect("it connects while the others wait for the server");
        held.release();
    });
    for key in 0..MANY {
        assert_eq!(cache.get(&key).map(|value| value.len()), Some(key.to_string().len() * LARGE), "{key}");
    }
    assert_eq!(cache.stats().store_errors, 0);
}

#[test]
fn a_listener_that_hangs_holds_up_nobody() {
    if !alone("helpers::a_listener_that_hangs_holds_up_nobody") {
        return;
    }
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    patiently(&by_name(&proxy)).install_as("helpers_told").expect("a good URL");
    let (told, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let listener = {
        let (told, gate) = (Arc::clone(&told), Arc::clone(&gate));
        // Of what happens on the driver, so that it is told elsewhere.
        move |event: &Event<'_>| {
            if matches!(event.what(), What::Inserted) {
                told.open();
                gate.wait();
            }
        }
    };
    let cache: Texts = Cache::builder().name("told").ttl(MINUTE).redis("helpers_told").listener(listener).build_redis();
    for key in 0..MANY {
        cache.set(key, "small".to_owned()).expect("a server");
    }
    told.wait();
    large_sets(&cache, || {});
    // And whoever has to connect anew finds the host.
    proxy.cut();
    eventually("a value over a new connection", || {
        cache.set(0, "small".to_owned()).is_ok() && cache.get(&0).as_deref() == Some("small")
    });
    gate.open();
}
