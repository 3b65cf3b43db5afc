//! Promise 9 on Redis: nothing is served past its ttl, and a load never replaces what began later.

use crate::subject::patiently;
use cached_runtime::{Cache, Redis};
use cached_tests::{
    Gate, eventually,
    redis::{Proxy, Server},
    start,
};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// The server counts in milliseconds; one more for the way there.
const TICK: Duration = Duration::from_millis(2);

fn cache(server: &Server, connection: &'static str, ttl: Option<Duration>) -> Cache<u64, u64, Redis> {
    patiently(&server.url()).install_as(connection).expect("a good URL");
    let builder = Cache::builder().name(connection).redis(connection);
    ttl.into_iter().fold(builder, cached_runtime::Builder::ttl).build_redis()
}

#[test]
fn an_entry_ends_with_its_ttl() {
    const TTL: Duration = Duration::from_millis(300);
    let server = Server::start();
    let cache = cache(&server, "ttl", Some(TTL));
    let begun = Instant::now();
    cache.get_or_load(7, || 1);
    let stored = Instant::now();
    let mut hits = 0;
    loop {
        let asked = Instant::now();
        if cache.get(&7).is_none() {
            break;
        }
        hits += 1;
        assert!(asked - stored < TTL + TICK, "it was served {:?} after it had been stored", asked - stored);
    }
    assert!(hits > 0 && begun.elapsed() + 25 * TICK >= TTL, "it ended after {:?}", begun.elapsed());
    eventually("the server to free it", || !server.client().keys().iter().any(|key| key.ends_with("{7}")));
}

#[test]
fn an_entry_that_is_stored_late_ends_no_later() {
    const TTL: Duration = Duration::from_secs(1);
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    patiently(&server.url_at(proxy.address())).install_as("late_entry").expect("a good URL");
    let cache: Cache<u64, String, Redis> =
        Cache::builder().name("late_entry").ttl(TTL).redis("late_entry").build_redis();
    cache.get_or_load(1, || "the scripts are known".to_owned());
    let fill = proxy.hold(|command| command.mentions("held up"));
    let (loaded, ending) = mpsc::channel();
    let caller = start({
        let cache = cache.clone();
        move || {
            cache.get_or_load(7, || {
                loaded.send(Instant::now()).expect("the test waits");
                "held up".to_owned()
            })
        }
    });
    fill.wait();
    let loaded = ending.recv().expect("the body ran");
    eventually("some time to pass", || loaded.elapsed() > TTL / 2);
    fill.release();
    caller.end();
    let mut hits = 0;
    loop {
        let asked = Instant::now();
        if cache.get(&7).is_none() {
            break;
        }
        hits += 1;
        assert!(asked - loaded < TTL + 10 * TICK, "it was served {:?} after its load", asked - loaded);
    }
    assert!(hits > 0);
}

#[test]
fn without_a_ttl_it_stays() {
    let server = Server::start();
    let cache = cache(&server, "no_ttl", None);
    cache.get_or_load(7, || 1);
    let mut client = server.client();
    let key = client.keys().into_iter().find(|key| key.ends_with("{7}")).expect("the entry");
    assert_eq!(client.call(&["PTTL", &key]).text(), "-1");
}

#[test]
fn a_time_to_live_never_renews_itself() {
    const TTL: Duration = Duration::from_millis(300);
    let server = Server::start();
    let cache = cache(&server, "no_renewal", Some(TTL));
    cache.set(7, 1).expect("a server");
    let begun = Instant::now();
    while cache.get(&7).is_some() {
        assert!(begun.elapsed() < TTL + Duration::from_millis(200), "reads prolong it");
    }
}

#[test]
fn a_load_doesnt_replace_what_was_set_while_it_ran() {
    let server = Server::start();
    let cache = cache(&server, "set_wins", Some(Duration::from_mins(1)));
    let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let leader = start({
        let (cache, loading, gate) = (cache.clone(), Arc::clone(&loading), Arc::clone(&gate));
        move || {
            cache.get_or_load(7, || {
                loading.open();
                gate.wait();
                1
            })
        }
    });
    loading.wait();
    cache.set(7, 2).expect("a server");
    assert_eq!(cache.get(&7), Some(2));
    gate.open();
    assert_eq!(leader.end(), 1, "its caller gets what it loaded");
    assert_eq!(cache.get(&7), Some(2), "an older load replaced what was set");
    assert_eq!(cache.stats().fenced, 1);
}

#[test]
fn an_older_load_doesnt_replace_a_newer_one_of_another_handle() {
    let server = Server::start();
    let caches: Vec<_> = ["older_load", "newer_load"]
        .into_iter()
        .map(|connection| -> Cache<u64, u64, Redis> {
            patiently(&server.url()).install_as(connection).expect("a good URL");
            Cache::builder().name("two_handles").ttl(Duration::from_mins(1)).redis(connection).build_redis()
        })
        .collect();
    let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let older = start({
        let (cache, loading, gate) = (caches[0].clone(), Arc::clone(&loading), Arc::clone(&gate));
        move || {
            cache.get_or_load(7, || {
                loading.open();
                gate.wait();
                1
            })
        }
    });
    loading.wait();
    caches[1].invalidate(&7).expect("a server");
    assert_eq!(caches[1].get_or_load(7, || 2), 2);
    gate.open();
    older.end();
    assert_eq!((caches[0].get(&7), caches[1].get(&7)), (Some(2), Some(2)));
}
