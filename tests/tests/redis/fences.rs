//! Promise 3 across processes: no call that starts after an invalidation gets a value whose load began before. Whoever
//! invalidates here is another process, or stands for one with a connection of its own.

use crate::subject::{BUDGET, Subject, patiently};
use cached_runtime::Cache;
use cached_tests::{
    Gate, PATIENCE,
    redis::{Peer, Proxy, Server},
    run, start, within,
};
use std::{sync::Arc, time::Duration};

const MINUTE: Duration = Duration::from_mins(1);

/// Begins a call of key `key` whose body waits for the gate; returns once the body runs.
fn lead(subject: &Subject, key: u64) -> (cached_tests::Started<String>, Arc<Gate>) {
    let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let leader = start({
        let (subject, loading, gate) = (subject.clone(), Arc::clone(&loading), Arc::clone(&gate));
        move || {
            subject.call_during(key, || {
                loading.open();
                gate.wait();
            })
        }
    });
    loading.wait();
    (leader, gate)
}

#[test]
fn a_fill_that_lands_after_an_invalidation_is_not_stored() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    // The fill is given up after a moment, and lands all the same.
    let config = patiently(&server.url_at(proxy.address())).write_deadline(Duration::from_millis(400));
    config.breaker(1000, BUDGET, BUDGET).install_as("late_fill").expect("a good URL");
    let subject = Subject::over("late_fill");
    subject.warm(99);
    let mut other = Peer::start("processes::role_of_a_process");
    other.tell(&format!("at late_fill {}", server.url()));
    other.expect("ready");
    for key in 0..20 {
        // The fill carries the value, nothing else does.
        let held = proxy.hold(move |command| command.mentions(&format!("<{key}>")));
        let subject_of = subject.clone();
        let caller = start(move || subject_of.call(key));
        held.wait();
        other.tell(&format!("invalidate {key}"));
        other.expect("ok");
        held.release();
        let old = caller.end().value;
        assert_ne!(subject.call(key).value, old, "key {key}: a value from before the invalidation");
    }
}

#[test]
fn a_call_in_the_leading_process_after_another_process_invalidated() {
    let server = Server::start();
    let subject = Subject::patient("detached", &server.url());
    subject.warm(99);
    let mut other = Peer::start("processes::role_of_a_process");
    other.tell(&format!("at detached {}", server.url()));
    other.expect("ready");
    for key in 0..10 {
        let (leader, gate) = lead(&subject, key);
        other.tell(&format!("invalidate {key}"));
        other.expect("ok");
        // It must neither join the flight nor wait for it.
        let fresh = subject.clone();
        let fresh = within(Duration::from_secs(3), "a call after the invalidation", move || fresh.call(key).value);
        gate.open();
        let old = leader.end();
        assert_ne!(fresh, old, "key {key}: it joined a load that began before");
        assert_eq!(subject.call(key).value, fresh, "key {key}: the older load replaced the newer");
    }
}

#[test]
fn a_call_in_a_third_process_after_an_invalidation() {
    let server = Server::start();
    let subject = Subject::patient("third_party", &server.url());
    subject.warm(99);
    let (mut invalidator, mut third) =
        (Peer::start("processes::role_of_a_process"), Peer::start("processes::role_of_a_process"));
    for peer in [&mut invalidator, &mut third] {
        peer.tell(&format!("at third_party {}", server.url()));
        peer.expect("ready");
    }
    for key in 0..10 {
        let (leader, gate) = lead(&subject, key);
        invalidator.tell(&format!("invalidate {key}"));
        invalidator.expect("ok");
        third.tell(&format!("call {key}"));
        let fresh = third.hear();
        assert!(fresh.starts_with(&format!("<{key}>")), "{fresh}");
        gate.open();
        leader.end();
        third.tell(&format!("call {key}"));
        assert_eq!(third.hear(), fresh, "key {key}: the older load replaced the newer");
    }
}

#[test]
fn clear_acts_on_all_processes() {
    let server = Server::start();
    let subject = Subject::patient("cleared", &server.url());
    let old: Vec<_> = (0..10).map(|key| subject.warm(key)).collect();
    let (leader, gate) = lead(&subject, 50);
    let mut other = Peer::start("processes::role_of_a_process");
    other.tell(&format!("at cleared {}", server.url()));
    other.expect("ready");
    other.tell("clear");
    other.expect("ok");
    for (key, old) in (0..).zip(&old) {
        assert_ne!(&subject.call(key).value, old);
    }
    gate.open();
    let old = leader.end();
    assert_ne!(subject.call(50).value, old);
}

/// Many readers, writers and invalidations of few keys: a counter stands for the database.
#[test]
fn no_read_after_an_invalidation_is_older() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let server = Server::start();
    let caches: Vec<_> = ["oracle_a", "oracle_b", "oracle_c"]
        .into_iter()
        .map(|connection| {
            patiently(&server.url()).install_as(connection).expect("a good URL");
            cached_runtime::Cache::<u64, u64, _>::builder()
                .name("oracle")
                .ttl(Duration::from_mins(1))
                .redis(connection)
                .build_redis()
        })
        .collect();
    static DATABASE: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
    let stale = cached_tests::crowd(12, move |n| {
        let cache = &caches[n % 3];
        let mut stale = 0;
        for round in 0..200 {
            let key = (n + round) % 4;
            if (n + round) % 5 == 0 {
                let now = DATABASE[key].fetch_add(1, Ordering::SeqCst) + 1;
                cache.invalidate(&(key as u64)).expect("a server");
                let read = cache.get_or_load(key as u64, || DATABASE[key].load(Ordering::SeqCst));
                stale += usize::from(read < now);
            } else {
                cache.get_or_load(key as u64, || DATABASE[key].load(Ordering::SeqCst));
            }
        }
        stale
    });
    assert_eq!(stale.iter().sum::<usize>(), 0, "{stale:?}");
}

#[test]
fn async_calls_after_another_process_invalidated() {
    let server = Server::start();
    let subject = Subject::patient("detached_async", &server.url());
    subject.warm(99);
    let mut other = Peer::start("processes::role_of_a_process");
    other.tell(&format!("at detached_async {}", server.url()));
    other.expect("ready");
    for key in 0..10 {
        let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
        let leader = start({
            let (subject, loading, gate) = (subject.clone(), Arc::clone(&loading), Arc::clone(&gate));
            move || {
                run(move || async move {
                    let body = async {
                        loading.open();
                        gate.passed().await;
                    };
                    subject.task_during(key, body).await
                })
            }
        });
        loading.wait();
        other.tell(&format!("invalidate {key}"));
        other.expect("ok");
        // From another runtime, and from sync code.
        let (task, call) = (subject.clone(), subject.clone());
        let fresh = within(Duration::from_secs(3), "a task after the invalidation", move || {
            run(move || async move { task.task(key).await.value })
        });
        let same = within(Duration::from_secs(3), "a call after the invalidation", move || call.call(key).value);
        assert_eq!(same, fresh, "key {key}: it was not stored");
        gate.open();
        assert_ne!(leader.end(), fresh, "key {key}: it joined a load that began before");
        assert_eq!(subject.call(key).value, fresh, "key {key}: the older load replaced the newer");
    }
}

/// Whoever can't ask whether a load still counts doesn't wait for it.
#[test]
fn a_call_that_cannot_read_joins_no_load_that_may_have_been_invalidated() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let [here, elsewhere] = [("unread", proxy.address()), ("unread_other", server.address())].map(|(name, address)| {
        patiently(&server.url_at(address)).install_as(name).expect("a good URL");
        let builder = Cache::<u64, String, _>::builder().name("unread").ttl(MINUTE);
        // Whoever waits does so for longer than the test.
        builder.coalesce(MINUTE).redis(name).build_redis()
    });
    let (loading, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let leader = start({
        let (here, loading, gate) = (here.clone(), Arc::clone(&loading), Arc::clone(&gate));
        move || {
            here.get_or_load(1, || {
                loading.open();
                gate.wait();
                "old".to_owned()
            })
        }
    });
    loading.wait();
    elsewhere.invalidate(&1).expect("a server");
    proxy.refuse(true);
    proxy.cut();
    let fresh = within(PATIENCE, "a call after the invalidation", move || here.get_or_load(1, || "new".to_owned()));
    gate.open();
    assert_eq!((&*leader.end(), &*fresh), ("old", "new"));
}
