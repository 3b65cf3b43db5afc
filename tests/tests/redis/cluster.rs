//! A cluster: its keys live on all nodes, and a node that is gone takes no other one's keys along. Slots move, masters change.

use crate::subject::{AT_ONCE, BUDGET, CONNECTING, Subject, note, patiently, slack};
use cached_runtime::{Cache, Redis, invalidate_matching};
use cached_tests::{
    Gate, PATIENCE, eventually,
    redis::{Client, Cluster, Peer, Reply, Server, alone},
    start,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Keys that are stored, with their values and which master has them.
fn warmed(cluster: &Cluster, subject: &Subject, keys: std::ops::Range<u64>) -> Vec<(u64, String, usize)> {
    keys.map(|key| (key, subject.warm(key), cluster.holder(&format!(":{{{key}}}")))).collect()
}

#[test]
fn a_cluster_stores_on_all_its_masters() {
    // `reclaim` is for all connections of a process: those of other tests lead to servers that are gone.
    if !alone("cluster::a_cluster_stores_on_all_its_masters") {
        return;
    }
    let cluster = Cluster::start();
    let subject = Subject::patient("cluster", &cluster.url());
    subject.recovered();
    let stored = warmed(&cluster, &subject, 0..60);
    for node in 0..3 {
        assert!(stored.iter().filter(|(_, _, holder)| *holder == node).count() > 5, "each has a share");
    }
    subject.invalidate(0).expect("its node lives");
    assert_ne!(subject.call(0).value, stored[0].1);
    // All of them, on all nodes.
    subject.cache().clear().expect("all nodes live");
    for (key, value, _) in &stored {
        assert_ne!(subject.call(*key).value, *value);
    }
    cached_runtime::redis::reclaim().wait().expect("all nodes live");
    assert_eq!(subject.cache().stats().store_errors, 0);
}

#[test]
fn a_stopped_node_costs_its_own_keys_and_no_others() {
    let mut cluster = Cluster::start();
    let subject = Subject::at("cluster_stopped", &cluster.url());
    subject.recovered();
    let stored = warmed(&cluster, &subject, 0..60);
    for stopped in 0..3 {
        let (away, there): (Vec<_>, Vec<_>) = stored.iter().partition(|(_, _, holder)| *holder == stopped);
        cluster.nodes_mut()[stopped].freeze();
        let mut longest = Duration::ZERO;
        let mut calls = away.iter().cycle();
        let begun = Instant::now();
        for (number, (key, value, _)) in there.iter().cycle().take(3 * there.len()).enumerate() {
            // From the first moment on, between calls of keys that are away.
            if number % 8 == 0 {
                let (key, _, _) = calls.next().expect("it has some");
                longest = longest.max(subject.bounded("a stopped node's key", [*key], BUDGET));
            }
            let before = subject.loads();
            let called = subject.call(*key);
            assert_eq!((&called.value, called.loads), (value, before), "key {key} is on another node");
            assert!(called.took <= AT_ONCE + slack(), "{:?} for a key on another node", called.took);
        }
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        // It is known to be away by now.
        let begun = Instant::now();
        subject.bounded("a stopped node's keys", away.iter().take(10).map(|(key, _, _)| *key), BUDGET);
        assert!(begun.elapsed() < 10 * AT_ONCE + slack(), "{:?}", begun.elapsed());
        cluster.nodes_mut()[stopped].thaw();
        let begun = Instant::now();
        eventually("all keys to be served", || {
            let before = subject.loads();
            let called = subject.call(away[0].0);
            // A body that ran meanwhile may have stored a value of its own since.
            called.loads == before
        });
        note("a cluster's node is stopped", longest, Some(begun.elapsed()));
    }
}

#[test]
fn a_node_that_is_down_keeps_no_other_from_being_walked_over() {
    if !alone("cluster::a_node_that_is_down_keeps_no_other_from_being_walked_over") {
        return;
    }
    let mut cluster = Cluster::start();
    let subject = Subject::patient("cluster_walked", &cluster.url());
    subject.recovered();
    warmed(&cluster, &subject, 0..60);
    cluster.nodes_mut()[0].kill();
    invalidate_matching("*").wait().expect_err("one of them is down");
    for node in &cluster.nodes()[1..] {
        let left = node.client().keys();
        assert!(!left.iter().any(|key| key.ends_with('}') && key.contains(":v0:{")), "{left:?}");
    }
}

#[test]
fn waiters_are_woken_by_the_node_that_has_the_key() {
    let cluster = Cluster::start();
    let subject = Subject::patient("cluster_waiters", &cluster.url());
    subject.recovered();
    let mut leader = Peer::start("processes::role_of_a_process");
    leader.tell(&format!("at cluster_waiters {}", cluster.url()));
    leader.expect("ready");
    // One key a node, about: each of the three has to push.
    for key in 0..6 {
        leader.tell(&format!("lead {key}"));
        leader.expect("loading");
    }
    let waiters: Vec<_> = (0..6)
        .map(|key| {
            let subject = subject.clone();
            start(move || subject.call(key).value)
        })
        .collect();
    let reads = || -> u64 {
        let calls = |node: &Server| {
            let line = node.client().info("commandstats", "cmdstat_get").expect("counts");
            line.strip_prefix("calls=").and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        cluster.nodes().iter().map(calls).sum()
    };
    cached_tests::let_them_block();
    let before = reads();
    // Nothing to wait for but time: in which who polls reads again and again.
    thread::sleep(Duration::from_secs(1));
    let asked = reads() - before;
    // Two keys each (value, generation), every 400 ms; every 25 ms would be 480.
    assert!(asked <= 6 * 2 * 4, "{asked} reads in a second");
    leader.tell("finish");
    let mut led: Vec<_> = (0..6).map(|_| leader.hear()).collect();
    let mut got: Vec<_> = waiters.into_iter().map(|waiter| format!("led {}", waiter.end())).collect();
    led.sort();
    got.sort();
    assert_eq!(got, led);
}

#[test]
fn a_master_that_dies_is_followed_by_its_replica() {
    let mut cluster = Cluster::with_replicas();
    let subject = Subject::at("cluster_failover", &cluster.url());
    subject.recovered();
    let stored = warmed(&cluster, &subject, 0..30);
    let (away, there): (Vec<_>, Vec<_>) = stored.iter().partition(|(_, _, holder)| *holder == 0);
    let (key, value, _) = away[0];
    // A failover may lose what has not reached the replica.
    let replica = |cluster: &Cluster| cluster.replicas()[0].client();
    eventually("the replica to have all of it", || {
        let keys = replica(&cluster).keys();
        cluster.nodes()[0].client().keys().iter().all(|key| keys.contains(key))
    });
    cluster.nodes_mut()[0].kill();
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    eventually("the replica to take over", || {
        let called = subject.call(*key);
        assert!(called.took <= CONNECTING + slack(), "{:?}", called.took);
        longest = longest.max(called.took);
        for (key, value, _) in &there {
            assert_eq!(subject.call(*key).value, *value, "it is on another node");
        }
        called.value == *value
    });
    note("a cluster's master dies, its replica takes over", longest, Some(begun.elapsed()));
    eventually("an invalidation", || subject.invalidate(*key).is_ok());
    assert!(!replica(&cluster).keys().iter().any(|name| name.ends_with(&format!(":{{{key}}}"))));
    assert_ne!(subject.call(*key).value, *value);
    eventually("a clear", || subject.cache().clear().is_ok());
    for (key, value, _) in &stored {
        assert_ne!(subject.call(*key).value, *value);
    }
}

/// Moves a slot with all its keys, as a tool would.
fn move_slot(cluster: &Cluster, slot: &str, from: usize, to: usize) {
    let of = |node: usize| cluster.nodes()[node].client();
    let id = |client: &mut Client| client.call(&["CLUSTER", "MYID"]).text();
    let (mut source, mut target) = (of(from), of(to));
    let (source_id, target_id) = (id(&mut source), id(&mut target));
    target.call(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &source_id]);
    source.call(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &target_id]);
    let port = cluster.nodes()[to].port().to_string();
    // Loads that end meanwhile store where the key is not, or is not any more.
    loop {
        thread::sleep(Duration::from_millis(20));
        let keys = source.call(&["CLUSTER", "GETKEYSINSLOT", slot, "100"]).list();
        let Some(Reply::Bytes(key)) = keys.first() else { break };
        let key = String::from_utf8_lossy(key).into_owned();
        source.call(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
    }
    for client in [&mut target, &mut source, &mut of(3 - from - to)] {
        client.call(&["CLUSTER", "SETSLOT", slot, "NODE", &target_id]);
    }
}

/// Slots move while keys in them are read, invalidated and loaded: no call fails or gets what was invalidated before it.
#[test]
fn slots_move_under_load() {
    const KEYS: u64 = 3;
    let cluster = Cluster::start();
    patiently(&cluster.url()).install_as("cluster_moves").expect("a good URL");
    let cache: Cache<u64, u64, Redis> =
        Cache::builder().name("moved").ttl(Duration::from_mins(1)).redis("cluster_moves").build_redis();
    // What the body gives; it only grows.
    let truth: Arc<[AtomicU64]> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let call = {
        let (cache, truth) = (cache.clone(), Arc::clone(&truth));
        move |key: u64| {
            let truth = Arc::clone(&truth);
            cache.get_or_load(key, move || truth[key as usize].load(Ordering::SeqCst))
        }
    };
    (0..KEYS).for_each(|key| assert_eq!(call(key), 0));
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (over, call, truth) = (Arc::clone(&over), call.clone(), Arc::clone(&truth));
            start(move || {
                let mut calls = 0;
                while !over.load(Ordering::SeqCst) {
                    for key in 0..KEYS {
                        assert!(call(key) <= truth[key as usize].load(Ordering::SeqCst));
                        calls += 1;
                    }
                }
                calls
            })
        })
        .collect();
    let writer = start({
        let (over, call, truth, cache) = (Arc::clone(&over), call.clone(), Arc::clone(&truth), cache.clone());
        move || {
            let (mut done, mut failed) = (0, 0);
            while !over.load(Ordering::SeqCst) {
                for key in 0..KEYS {
                    let now = truth[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
                    match cache.invalidate(&key) {
                        Ok(()) => {
                            done += 1;
                            assert!(call(key) >= now, "what was invalidated came back");
                        }
                        Err(_) => failed += 1,
                    }
                }
                thread::sleep(Duration::from_millis(1));
            }
            (done, failed)
        }
    });
    let mut any = cluster.nodes()[0].client();
    for round in 0..3 {
        for key in 0..KEYS {
            let name = format!("tests:moved:v0:{{{key}}}");
            let slot = any.call(&["CLUSTER", "KEYSLOT", &name]).text();
            let from = cluster.holder_of_slot(&slot);
            move_slot(&cluster, &slot, from, (from + 1 + round % 2) % 3);
        }
    }
    over.store(true, Ordering::SeqCst);
    let calls: u64 = readers.into_iter().map(cached_tests::Started::end).sum();
    let (done, failed) = writer.end();
    println!("9 slots moved: {calls} calls, {done} invalidations, {failed} failed");
    assert!(calls > 0 && done > 0);
    // And it works as before.
    eventually("the queue to empty", || cache.stats().pending == 0);
    let loads = cache.stats().loads;
    let value = call(0);
    assert_eq!((call(0), call(0)), (value, value));
    assert!(cache.stats().loads <= loads + 1, "it is stored");
}

#[test]
fn bare_json_on_a_cluster() {
    let cluster = Cluster::start();
    patiently(&cluster.url()).install_as("cluster_bare").expect("a good URL");
    let items: Cache<u64, Vec<u64>, Redis> = Cache::builder()
        .name("items")
        .template(&["item:", ""])
        .plain()
        .ttl(Duration::from_mins(1))
        .redis("cluster_bare")
        .build_redis();
    // Another program, at each key's node.
    let at = |key: u64| cluster.nodes()[cluster.holder(&format!("item:{key}"))].client();
    for key in 0..12 {
        assert_eq!(items.get_or_load(key, || vec![key]), [key]);
        let name = format!("item:{key}");
        let mut other = at(key);
        assert_eq!(other.call(&["GET", &name]).text(), format!("[{key}]"));
        other.call(&["SET", &name, "[100]", "EX", "60"]);
        assert_eq!(items.get_or_load(key, || vec![0]), [100]);
    }
    assert_eq!(items.get_many(0..12).len(), 12);
    // A load under way is fenced by an invalidation.
    let (begun, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    items.invalidate(&3).expect("its node lives");
    let load = start({
        let (items, begun, gate) = (items.clone(), Arc::clone(&begun), Arc::clone(&gate));
        move || {
            items.get_or_load(3, || {
                begun.open();
                gate.wait();
                vec![1]
            })
        }
    });
    begun.wait();
    items.invalidate(&3).expect("its node lives");
    gate.open();
    assert_eq!(load.end(), [1]);
    assert_eq!(items.get_or_load(3, || vec![2]), [2]);
    assert_eq!(items.stats().store_errors, 0);
}
