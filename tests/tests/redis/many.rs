//! Many entries at once: in one round trip, and none for the others' faults. It looks at what the server was asked, and
//! never at how long that took.

use crate::subject::{BUDGET, Subject, note};
use cached_runtime::cached;
use cached_tests::{
    eventually,
    redis::{Client, Cluster, Server},
    run,
};
use futures::executor::block_on;
use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

/// How often a server was asked that.
pub(crate) fn calls(client: &mut Client, command: &str) -> u64 {
    let stats = client.call(&["INFO", "commandstats"]).text();
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn many_is_one_round_trip() {
    let server = Server::start();
    let subject = Subject::patient("many", &server.url());
    let values: Vec<_> = (0..8).map(|key| subject.warm(key)).collect();
    let mut client = server.client();
    let before = calls(&mut client, "mget");
    let found = subject.cache().get_many([7, 99, 0, 0]);
    assert_eq!(found, [Some(values[7].clone()), None, Some(values[0].clone()), Some(values[0].clone())]);
    assert_eq!((calls(&mut client, "mget") - before, calls(&mut client, "get")), (1, 0));
    let stats = subject.cache().stats();
    subject.cache().reset_stats();
    assert_eq!(subject.cache().get_many([]), Vec::<Option<String>>::new());
    assert_eq!(calls(&mut client, "mget") - before, 1, "nothing is asked for nothing");
    assert!(stats.hits >= 3 && stats.misses >= 9, "{stats}");
    // More than one command holds is split, and still one answer.
    let many = subject.cache().clone();
    let found = run(move || async move { many.get_many_async((0..1000).rev()).await });
    assert_eq!(found.iter().rev().flatten().collect::<Vec<_>>(), values.iter().collect::<Vec<_>>());
    assert_eq!((found.len(), calls(&mut client, "mget") - before), (1000, 5));
    assert_eq!((subject.cache().stats().hits, subject.cache().stats().misses), (8, 992));
}

#[test]
fn promise_7_one_that_is_unreadable_is_the_only_one() {
    let server = Server::start();
    let subject = Subject::patient("many_odd", &server.url());
    let values: Vec<_> = (0..4).map(|key| subject.warm(key)).collect();
    let mut client = server.client();
    let key = |number: u64| format!("tests:many_odd:v0:{{{number}}}");
    client.call(&["SET", &key(1), "something foreign"]);
    client.call(&["DEL", &key(2)]);
    client.call(&["RPUSH", &key(2), "a list"]);
    assert_eq!(subject.cache().get_many(0..4), [Some(values[0].clone()), None, None, Some(values[3].clone())]);
    // A clear is one for all of them.
    subject.cache().clear().expect("a server");
    assert_eq!(subject.cache().get_many(0..4), [None, None, None, None]);
}

#[test]
fn promise_3_what_could_not_be_invalidated_is_missing_here() {
    let server = Server::start();
    let subject = Subject::patient("many_pending", &server.url());
    let kept = subject.warm(1);
    subject.warm(0);
    server.client().call(&["CONFIG", "SET", "min-replicas-to-write", "3"]);
    // Nothing can be written: the invalidation waits, and what it is for isn't given out meanwhile.
    subject.invalidate(0).expect_err("no replicas");
    assert_eq!(subject.cache().get_many([0, 1]), [None, Some(kept)]);
}

/// The answer is older than the removal that ends the wait.
#[test]
fn promise_3_what_was_read_before_it_was_made_up_for_is_missing() {
    let server = Server::with().user("app", "secret", "~* &* +@all").start();
    let subject = Subject::patient("many_made_up", &format!("redis://app:secret@{}", server.address()));
    subject.warm(0);
    let kept = subject.warm(1);
    let mut client = server.client();
    client.call(&["ACL", "SETUSER", "app", "resetkeys", "%R~*"]);
    subject.invalidate(0).expect_err("it is not permitted");
    let before = calls(&mut client, "mget");
    let mut many = pin!(subject.cache().get_many_async([0, 1]));
    // Once: the driver has it sent, and takes the answer, which nobody looks at yet.
    assert!(many.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    eventually("it to be read", || calls(&mut client, "mget") > before);
    client.call(&["ACL", "SETUSER", "app", "~*"]);
    eventually("it to be made up for", || subject.cache().stats().pending == 0);
    assert_eq!(block_on(many), [None, Some(kept)]);
}

#[test]
fn without_a_server_nothing_is_found() {
    let subject = Subject::at("many_nowhere", "redis://127.0.0.1:1");
    assert_eq!(subject.cache().get_many(0..3), [None, None, None]);
}

#[test]
fn the_companion() {
    #[cached(backend = redis("many_fn"), ttl = "60s", key = "product:{id}:{lang}")]
    fn product(id: u64, lang: &str) -> String {
        format!("{lang} {id}")
    }

    #[cached(backend = redis("many_fn"), ttl = "60s")]
    async fn half(n: u64) -> Result<u64, String> {
        if n.is_multiple_of(2) { Ok(n / 2) } else { Err("odd".into()) }
    }

    #[cached(backend = redis("many_fn"), ttl = "60s", name = "many_generic")]
    async fn length<T>(text: &str, with: &T) -> usize
    where
        T: AsRef<str> + Send + Sync + ?Sized + std::hash::Hash + Eq + ToOwned<Owned: cached_runtime::redis::RemoteKey>,
    {
        text.len() + with.as_ref().len()
    }

    let server = Server::start();
    crate::subject::patiently(&server.url()).install_as("many_fn").expect("a good URL");
    let _ = (product(1, "en"), product(2, "de"));
    let mut client = server.client();
    let before = calls(&mut client, "mget");
    assert_eq!(product::many([(2, "de"), (1, "de"), (1, "en")]), [Some("de 2".into()), None, Some("en 1".into())]);
    assert_eq!(calls(&mut client, "mget") - before, 1);
    run(|| async {
        let _ = (half(4).await, half(5).await);
        let found = tokio::spawn(half::many([4, 5, 6])).await.expect("no panic");
        assert_eq!(found, [Some(Ok(2)), None, None]);
        let (ada, _) = (String::from("ada"), length("a", "bc").await);
        let found = length::many::<str>([("a", "bc"), (&ada, &*ada)]);
        assert_eq!(found.await, [Some(3), None]);
    });
}

#[test]
fn a_cluster_gives_what_the_nodes_that_live_have() {
    let mut cluster = Cluster::start();
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    let subject = Subject::at("many_cluster", &format!("redis+cluster://{}", hosts.join(",")));
    subject.recovered();
    let values: Vec<_> = (0..60).map(|key| Some(subject.warm(key))).collect();
    cached_tests::eventually("all of them", || subject.cache().get_many(0..60) == values);
    // The generation says what counts: its own node is not the one to go.
    let generation = "tests:many_cluster:v0:gen";
    let away = cluster.nodes().iter().position(|node| !node.client().keys().iter().any(|key| key == generation));
    let away = away.expect("it is on one of three");
    let lost = cluster.nodes()[away].client().keys().iter().filter(|key| key.ends_with('}')).count();
    cluster.nodes_mut()[away].freeze();
    let begun = std::time::Instant::now();
    let found = subject.cache().get_many(0..60);
    let took = begun.elapsed();
    note("many, a cluster's node is stopped", took, None);
    assert!(took < BUDGET + std::time::Duration::from_secs(2), "{took:?}");
    cached_tests::eventually("the others' entries", || {
        let found = subject.cache().get_many(0..60);
        let good = found.iter().zip(&values).all(|(found, value)| found.is_none() || found == value);
        assert!(good, "{found:?}");
        found.iter().flatten().count() > (values.len() - lost) / 2
    });
    assert!(found.iter().flatten().count() < 60);
    cluster.nodes_mut()[away].thaw();
    cached_tests::eventually("all of them again", || subject.cache().get_many(0..60).iter().flatten().count() >= 55);
}
