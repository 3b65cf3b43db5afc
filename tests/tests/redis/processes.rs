//! Promises 2, 4 and 5 across processes: one load of a cold key, waits that end, and holders that die. The peers are real
//! processes, since a process is what dies.

use crate::subject::Subject;
use cached_tests::{
    Gate, PATIENCE,
    redis::{Parent, Peer, Server},
    run_parallel, start, within,
};
use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// A dead holder's placeholder ends after this long at most.
const LEASE: Duration = Duration::from_secs(5);

fn peer(name: &str, server: &Server) -> Peer {
    let mut peer = Peer::start("processes::role_of_a_process");
    peer.tell(&format!("at {name} {}", server.url()));
    peer.expect("ready");
    peer
}

/// Does what it is told, line by line; see the arms.
#[test]
fn role_of_a_process() {
    let Some(mut parent) = Parent::of_this() else { return };
    let mut subject = None;
    let gate = Arc::new(Gate::new());
    while let Some(line) = parent.hear() {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let of = |subject: &Option<Subject>| subject.clone().expect("`at` comes first");
        match words[0] {
            "at" => {
                // The process ends with it: a name that lives on is no loss.
                subject = Some(Subject::patient(words[1].to_owned().leak(), words[2]));
                parent.tell("ready");
            }
            "call" => parent.tell(&of(&subject).call(number(1)).value),
            "loads" => parent.tell(&of(&subject).loads().to_string()),
            "invalidate" => parent.tell(&said(of(&subject).invalidate(number(1)))),
            "clear" => parent.tell(&said(of(&subject).cache().clear())),
            // Says `loading` from within the body, which then waits for `finish`, or for its end with the process.
            "lead" => {
                let (subject, key, voice, gate) = (of(&subject), number(1), parent.voice(), Arc::clone(&gate));
                thread::spawn(move || {
                    let value = subject.call_during(key, || {
                        voice.tell("loading");
                        gate.wait();
                    });
                    voice.tell(&format!("led {value}"));
                });
            }
            // Its body calls another key: says `nested` when that has ended.
            "nest" => {
                let (subject, outer, inner, voice, gate) =
                    (of(&subject), number(1), number(2), parent.voice(), Arc::clone(&gate));
                thread::spawn(move || {
                    let value = subject.call_during(outer, || {
                        voice.tell("loading");
                        gate.wait();
                        // On this thread: the cache knows that the call stands inside of a body.
                        subject.call_during(inner, || ());
                    });
                    voice.tell(&format!("nested {value}"));
                });
            }
            "finish" => gate.open(),
            // Tasks and threads that call one key at once: says how many values they got.
            "crowd" => parent.tell(&crowd(&of(&subject), number(1), number(2), number(3)).join("|")),
            other => panic!("no such role: {other}"),
        }
    }
}

fn said(result: Result<(), cached_runtime::Error>) -> String {
    result.map_or_else(|error| format!("{error:?}"), |()| "ok".to_owned())
}

/// What so many tasks and threads get that call `key` at once.
fn crowd(subject: &Subject, key: u64, tasks: u64, threads: u64) -> Vec<String> {
    const LOAD: Duration = Duration::from_millis(200);
    let of_tasks = start({
        let subject = subject.clone();
        move || {
            run_parallel(move || async move {
                let calls: Vec<_> = (0..tasks)
                    .map(|_| {
                        let subject = subject.clone();
                        tokio::spawn(async move { subject.task_during(key, tokio::time::sleep(LOAD)).await })
                    })
                    .collect();
                let mut values = HashSet::new();
                for call in calls {
                    values.insert(call.await.expect("no panic"));
                }
                values
            })
        }
    });
    let subject = subject.clone();
    let mut values: HashSet<_> = cached_tests::crowd(usize::try_from(threads).expect("few"), move |_| {
        subject.call_during(key, || thread::sleep(LOAD))
    })
    .into_iter()
    .collect();
    values.extend(of_tasks.end());
    values.into_iter().collect()
}

#[test]
fn a_cold_key_is_loaded_once_by_1000_tasks_and_64_threads_in_4_processes() {
    let server = Server::start();
    let mut peers: Vec<_> = (0..4).map(|_| peer("cold_key", &server)).collect();
    for key in 0..3 {
        // Tasks and threads in processes of their own: a sync call never waits for an async one of its process.
        for (peer, crowd) in peers.iter_mut().zip(["500 0", "500 0", "0 32", "0 32"]) {
            peer.tell(&format!("crowd {key} {crowd}"));
        }
        let values: HashSet<_> = peers.iter_mut().map(Peer::hear).collect();
        assert_eq!(values.len(), 1, "one value for all: {values:?}");
    }
    let loads: usize = peers
        .iter_mut()
        .map(|peer| {
            peer.tell("loads");
            peer.hear().parse::<usize>().expect("a number")
        })
        .sum();
    assert_eq!(loads, 3, "one load a key");
}

#[test]
fn waiters_of_another_process_get_its_value_at_once() {
    let server = Server::start();
    let subject = Subject::patient("waiters", &server.url());
    subject.warm(99);
    let mut leader = peer("waiters", &server);
    leader.tell("lead 7");
    leader.expect("loading");
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let subject = subject.clone();
            start(move || (subject.call(7).value, Instant::now()))
        })
        .collect();
    cached_tests::let_them_block();
    let finished = Instant::now();
    leader.tell("finish");
    let value = leader.hear();
    for waiter in waiters {
        let (got, when) = waiter.end();
        assert_eq!(format!("led {got}"), value);
        let late = when.duration_since(finished);
        assert!(late < Duration::from_millis(500), "{late:?} after the load had ended");
    }
    assert_eq!(subject.loads(), 1, "key 99 alone");
}

#[test]
fn a_load_longer_than_the_lease_keeps_it() {
    let server = Server::start();
    let subject = Subject::patient("long_load", &server.url());
    let mut leader = peer("long_load", &server);
    leader.tell("lead 7");
    leader.expect("loading");
    let waiter = start({
        let subject = subject.clone();
        move || subject.call(7).value
    });
    // Nothing to wait for but time: the lease has to be outlived.
    thread::sleep(LEASE + Duration::from_millis(1500));
    leader.tell("finish");
    assert_eq!(leader.hear(), format!("led {}", waiter.end()));
    assert_eq!(subject.loads(), 0);
}

#[test]
fn a_holder_killed_in_another_process_is_taken_over() {
    let server = Server::start();
    let subject = Subject::patient("dead_holder", &server.url());
    subject.warm(99);
    let mut holder = peer("dead_holder", &server);
    holder.tell("lead 7");
    holder.expect("loading");
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let subject = subject.clone();
            start(move || subject.call(7))
        })
        .collect();
    cached_tests::let_them_block();
    holder.kill();
    let killed = Instant::now();
    let values: HashSet<_> = waiters.into_iter().map(|waiter| waiter.end().value).collect();
    let took = killed.elapsed();
    assert!(took < LEASE + Duration::from_secs(1), "{took:?}");
    assert_eq!((values.len(), subject.loads()), (1, 2), "one of them took over, for all");
    println!("fault: lease holder killed | taken over after {} ms", took.as_millis());
}

#[test]
fn two_processes_that_need_each_others_loads() {
    let server = Server::start();
    let mut peers = [peer("cycle", &server), peer("cycle", &server)];
    for (peer, keys) in peers.iter_mut().zip(["1 2", "2 1"]) {
        peer.tell(&format!("nest {keys}"));
        peer.expect("loading");
    }
    let begun = Instant::now();
    for peer in &mut peers {
        peer.tell("finish");
    }
    for (peer, key) in peers.iter_mut().zip([1, 2]) {
        assert!(peer.hear().starts_with(&format!("nested <{key}>")));
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}: the bound is 10 s");
    println!("fault: two processes need each other's loads | ended after {} ms", took.as_millis());
}

#[test]
fn a_leader_that_panics_or_is_dropped_hands_over_across_processes() {
    let server = Server::start();
    let subject = Subject::patient("hand_over", &server.url());
    subject.warm(99);
    let mut other = peer("hand_over", &server);
    // A panic.
    let gate = Arc::new(Gate::new());
    let loading = Arc::new(Gate::new());
    let leader = start({
        let (subject, gate, loading) = (subject.clone(), Arc::clone(&gate), Arc::clone(&loading));
        move || {
            subject.call_during(7, || {
                loading.open();
                gate.wait();
                panic!("as a body may");
            })
        }
    });
    loading.wait();
    other.tell("call 7");
    cached_tests::let_them_block();
    gate.open();
    let begun = Instant::now();
    assert!(leader.outcome().is_err());
    assert!(other.hear().starts_with("<7>"));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    // A drop.
    let value = within(PATIENCE, "a dropped leader", move || {
        cached_tests::run(move || async move {
            let cancelled =
                tokio::time::timeout(Duration::from_millis(50), subject.task_during(8, std::future::pending::<()>()))
                    .await;
            assert!(cancelled.is_err());
        });
        other.tell("call 8");
        let begun = Instant::now();
        let value = other.hear();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        value
    });
    assert!(value.starts_with("<8>"));
}
