//! A process that forks while it has connections. Must never share one between the two: each would take the other's answers.

use crate::subject::Subject;
use cached_tests::{
    eventually,
    redis::{Proxy, Server, alone},
    run,
};
use fork::{Fork, fork, waitpid};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::Arc,
};

const KEYS: u64 = 20;

/// Connections of processes under test.
fn connections(server: &Server) -> usize {
    server.client().call(&["CLIENT", "LIST"]).text().lines().count() - 1
}

/// All keys, often, by sync and async code; each answer is the key's own.
fn reads(subject: &Subject, stored: &Arc<Vec<String>>) {
    for _ in 0..10 {
        for key in 0..KEYS {
            assert_eq!(subject.call(key).value, stored[key as usize], "in sync code");
        }
        let (subject, stored) = (subject.clone(), Arc::clone(stored));
        run(move || async move {
            for key in 0..KEYS {
                assert_eq!(subject.task(key).await.value, stored[key as usize], "in async code");
            }
        });
    }
}

#[test]
fn a_forked_process_has_connections_of_its_own() {
    // Of the threads only the one that forks goes on in the child: the less there are, the fewer locks may be held.
    if !alone("forked::a_forked_process_has_connections_of_its_own") {
        return;
    }
    let server = Server::start();
    let subject = Subject::patient("forked", &server.url());
    let stored: Arc<Vec<String>> = Arc::new((0..KEYS).map(|key| subject.warm(key)).collect());
    reads(&subject, &stored);
    eventually("a connection for sync code", || {
        subject.call(0);
        connections(&server) >= 2
    });
    let before = connections(&server);
    match fork().expect("a process") {
        Fork::Child => {
            let did = catch_unwind(AssertUnwindSafe(|| {
                reads(&subject, &stored);
                subject.invalidate(0).expect("a server");
                let own = subject.warm(0);
                assert!(own.ends_with(&format!("in {}", process::id())), "{own}");
                reads_but_the_first(&subject, &stored);
            }));
            // Without the destructors of what is the parent's, such as the server.
            process::exit(i32::from(did.is_err()));
        }
        Fork::Parent(child) => {
            // At the same time, over the connections from before.
            reads_but_the_first(&subject, &stored);
            let status = waitpid(child).expect("a child");
            assert_eq!(status, 0, "the child failed");
            eventually("the end of the child's connections", || connections(&server) <= before.max(3));
            // What the child invalidated and stored anew.
            let now = subject.call(0).value;
            assert!(now.ends_with(&format!("in {child}")), "{now}");
            reads_but_the_first(&subject, &stored);
        }
    }
}

/// The child gives the first key another value.
fn reads_but_the_first(subject: &Subject, stored: &Arc<Vec<String>>) {
    for _ in 0..10 {
        for key in 1..KEYS {
            assert_eq!(subject.call(key).value, stored[key as usize]);
        }
    }
}

/// Who repeats what failed stays behind in the parent.
#[test]
fn a_forked_process_repeats_what_failed_before_it_was_forked() {
    if !alone("forked::a_forked_process_repeats_what_failed_before_it_was_forked") {
        return;
    }
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let subject = Subject::patient("forked_queue", &server.url_at(proxy.address()));
    subject.warm(1);
    proxy.refuse(true);
    proxy.cut();
    subject.invalidate(1).expect_err("nobody was told");
    assert_eq!(subject.cache().stats().pending, 1);
    match fork().expect("a process") {
        Fork::Child => {
            let did = catch_unwind(AssertUnwindSafe(|| {
                eventually("the child's own queue to empty", || {
                    subject.call(1);
                    subject.cache().stats().pending == 0
                });
                subject.warm(1);
            }));
            process::exit(i32::from(did.is_err()));
        }
        Fork::Parent(child) => {
            proxy.refuse(false);
            assert_eq!(waitpid(child).expect("a child"), 0, "the child failed");
            eventually("the parent's queue to empty", || subject.cache().stats().pending == 0);
        }
    }
}
