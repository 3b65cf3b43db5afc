//! `tti` in Redis: an entry that nobody reads for that long is gone, one that is read lives on, but not past its ttl. What the
//! server will do is read off its own expiries, so that nothing here hangs on how long a step takes.

use crate::{many::calls, subject::patiently};
use cached_runtime::{Builder, Cache, Redis, cached, invalidate_tag};
use cached_tests::{
    Counter, eventually,
    redis::{Client, Cluster, Server, alone},
    run,
};
use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

type Numbers = Cache<u64, u64, Redis>;

const HOUR: Duration = Duration::from_hours(1);
/// A quarter of it can be slept, and the rest is patience.
const IDLE: Duration = Duration::from_secs(14);

fn numbers(connection: &'static str, url: &str, with: impl FnOnce(Builder<u64, u64>) -> Builder<u64, u64>) -> Numbers {
    patiently(url).install_as(connection).expect("a good URL");
    with(Cache::builder().name("idle").redis(connection)).build_redis()
}

/// When the server will end the entry of a key, in ms since the epoch.
fn ends(client: &mut Client, key: u64) -> i64 {
    client.call(&["PEXPIRETIME", &format!("tests:idle:v0:{{{key}}}")]).text().parse().expect("a number")
}

/// After this, a read of an entry that was stored before prolongs it.
fn a_quarter_passes() {
    thread::sleep(IDLE / 4 + Duration::from_millis(20));
}

#[test]
fn whoever_reads_an_entry_prolongs_it() {
    type Read = fn(&Numbers, u64);
    let server = Server::start();
    let cache = numbers("tti_reads", &server.url(), |it| it.ttl(HOUR).tti(IDLE));
    let ways: [(&str, Read); 8] = [
        ("a call", |it, key| assert_eq!(it.get_or_load(key, || 0), 1)),
        ("a call of async code", |it, key| {
            let it = it.clone();
            assert_eq!(run(move || async move { it.get_or_load_async(key, async { 0 }).await }), 1);
        }),
        ("get", |it, key| assert_eq!(it.get(&key), Some(1))),
        ("get of async code", |it, key| {
            let it = it.clone();
            assert_eq!(run(move || async move { it.get_async(&key).await }), Some(1));
        }),
        ("many", |it, key| assert_eq!(it.get_many([key]), [Some(1)])),
        ("each", |it, key| {
            let found: HashMap<u64, u64> = it.get_or_load_many([key], |_| HashMap::new());
            assert_eq!(found[&key], 1);
        }),
        ("contains", |it, key| assert!(it.contains(&key))),
        ("nothing", |_, _| {}),
    ];
    let keys = 0..ways.len() as u64;
    let mut client = server.client();
    keys.clone().for_each(|key| cache.set(key, 1).expect("a server"));
    let before: Vec<i64> = keys.clone().map(|key| ends(&mut client, key)).collect();
    // Young entries are left alone: more than three quarters of their time are left.
    cache.get(&0);
    a_quarter_passes();
    for ((_, read), key) in ways.iter().zip(keys.clone()) {
        read(&cache, key);
    }
    for ((way, _), key) in ways.iter().zip(keys).take(6) {
        eventually(way, || ends(&mut client, key) > before[key as usize]);
    }
    for key in [6, 7] {
        assert_eq!(ends(&mut client, key), before[key as usize], "{} is no read", ways[key as usize].0);
    }
    // Once in a quarter is enough, however many read.
    let (begun, prolonged) = (Instant::now(), calls(&mut client, "pexpire"));
    for _ in 0..500 {
        assert_eq!(cache.get(&0), Some(1));
    }
    let quarters = u64::try_from(begun.elapsed().as_millis() / (IDLE / 4).as_millis()).expect("not that long");
    let more = calls(&mut client, "pexpire") - prolonged;
    assert!(more <= 1 + quarters, "{more} in {:?}", begun.elapsed());
}

#[test]
fn the_end_is_that_of_the_ttl_and_its_window() {
    type With = fn(Builder<u64, u64>) -> Builder<u64, u64>;
    let server = Server::start();
    let windows: [(&'static str, With, i64); 3] = [
        ("tti_ttl", |it| it.ttl(Duration::from_secs(15)), 15_000),
        ("tti_swr", |it| it.ttl(Duration::from_secs(1)).stale_while_revalidate(IDLE), 15_000),
        ("tti_sie", |it| it.ttl(Duration::from_secs(1)).stale_if_error(IDLE), 15_000),
    ];
    let mut client = server.client();
    let caches: Vec<Numbers> = (0..)
        .zip(windows)
        .map(|(key, (connection, with, _))| {
            let cache = numbers(connection, &server.url(), |it| with(it.tti(IDLE)));
            assert_eq!(cache.get_or_load(key, || 1), 1);
            cache
        })
        .collect();
    let before: Vec<i64> = (0..3).map(|key| ends(&mut client, key)).collect();
    a_quarter_passes();
    for (key, cache) in (0..).zip(&caches) {
        // The load that the windows want fails, so the old value is served.
        assert_eq!(cache.try_get_or_load(key, || Err("no")), Ok(1));
    }
    for (key, (way, _, lasts)) in (0..).zip(windows) {
        let stored = before[key as usize] - i64::try_from(IDLE.as_millis()).expect("a small number");
        let end = stored + lasts;
        // Never past it; the server counts in whole milliseconds, and has begun one already.
        eventually(way, || (end - 2..=end).contains(&ends(&mut client, key)));
    }
}

#[test]
fn what_nobody_reads_is_gone() {
    let server = Server::start();
    let short = Duration::from_millis(150);
    let cache = numbers("tti_gone", &server.url(), |it| it.tti(short));
    let begun = Instant::now();
    assert_eq!(cache.get_or_load(1, || 1), 1);
    eventually("it to end", || !cache.contains(&1));
    assert!(begun.elapsed() >= short, "too early: {:?}", begun.elapsed());
    assert_eq!(cache.get_or_load(1, || 2), 2);
}

/// Reads in less than three quarters of its time keep an entry for ever. Where the machine made a longer pause, it may be gone.
#[test]
fn what_is_read_lives_on() {
    let server = Server::start();
    let idle = Duration::from_secs(1);
    let cache = numbers("tti_lives", &server.url(), |it| it.ttl(HOUR).tti(idle).stale_while_revalidate(HOUR));
    let begun = Instant::now();
    let (mut expected, mut read, mut lived) = (cache.get_or_load(1, || 0), begun, begun);
    let mut longest = Duration::ZERO;
    for turn in 1.. {
        thread::sleep(idle / 10);
        let before = Instant::now();
        let value = cache.get_or_load(1, || turn);
        let pause = read.elapsed();
        if value != expected {
            assert!(pause > idle / 2, "gone after {pause:?} without a read");
            lived = before;
        }
        longest = longest.max(before - lived);
        // A machine that pauses all the time is not asked for more.
        if longest > 3 * idle || begun.elapsed() > 8 * idle {
            break;
        }
        (expected, read) = (value, before);
    }
}

#[test]
fn what_was_forgotten_stays_so() {
    // A tag reaches all servers that this process knows, and other tests end theirs.
    if !alone("tti::what_was_forgotten_stays_so") {
        return;
    }
    let server = Server::start();
    let cache = numbers("tti_forgotten", &server.url(), |it| it.ttl(HOUR).tti(Duration::from_millis(400)));
    let place = |key| cache.entry(key).tags(&["tti forgotten"]);
    for key in 0..20 {
        place(key).get_or_load(|| 1);
    }
    thread::sleep(Duration::from_millis(120));
    for key in 0..20 {
        // A read that prolongs, and before that can have come to the server, the end.
        let _ = place(key).get();
        if key % 2 == 0 { cache.invalidate(&key) } else { invalidate_tag("tti forgotten").wait() }.expect("a server");
        assert_eq!(place(key).get(), None);
        assert_eq!(place(key).get_or_load(|| 2), 2);
    }
}

#[test]
fn of_the_attribute() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("tti_fn"), ttl = never, tti = "14s", key = "idle:{id}", tags = ["tti fn"])]
    async fn load(id: u64) -> Option<u64> {
        LOADS.up();
        (id > 0).then_some(id)
    }

    let server = Server::start();
    patiently(&server.url()).install_as("tti_fn").expect("a good URL");
    let mut client = server.client();
    let mut ends = || {
        let keys = client.keys();
        let key = keys.iter().find(|key| key.ends_with("{idle:7}")).expect("an entry").clone();
        let text = client.call(&["PEXPIRETIME", &key]).text();
        text.parse::<i64>().expect("a number")
    };
    run(|| async { assert_eq!((load(7).await, load(7).await), (Some(7), Some(7))) });
    let before = ends();
    assert!(before > 0, "without a ttl it ends when nobody reads it");
    a_quarter_passes();
    run(|| async { assert_eq!(load(7).await, Some(7)) });
    eventually("it to live on", || ends() > before);
    assert_eq!(LOADS.get(), 1);
}

#[test]
fn in_a_cluster() {
    let cluster = Cluster::start();
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    let cache = numbers("tti_cluster", &url, |it| it.ttl(HOUR).tti(IDLE));
    let keys = 0..30_u64;
    eventually("the cluster to work", || keys.clone().all(|key| cache.set(key, key).is_ok()));
    let expiries = || -> HashMap<String, i64> {
        let of_node = |node: &Server| {
            let mut client = node.client();
            let keys: Vec<String> = client.keys().into_iter().filter(|key| key.contains(":{")).collect();
            let mut ends = |key: &String| client.call(&["PEXPIRETIME", key]).text().parse().expect("a number");
            keys.iter().map(|key| (key.clone(), ends(key))).collect::<Vec<_>>()
        };
        cluster.nodes().iter().flat_map(of_node).collect()
    };
    let before = expiries();
    a_quarter_passes();
    let found = cache.get_many(keys.clone());
    assert_eq!(found, keys.map(Some).collect::<Vec<_>>());
    eventually("all of them to live on", || {
        let now = expiries();
        before.iter().all(|(key, ends)| now.get(key).is_some_and(|now| now > ends))
    });
}
