//! Promise 1 on Redis: distinct arguments, functions, versions, namespaces and connections never share an entry.

use crate::subject::patiently;
use cached_runtime::{Cache, Redis};
use cached_tests::redis::Server;

fn pairs(
    server: &Server,
    connection: &'static str,
    template: Option<&'static [&'static str]>,
) -> Cache<(String, String), String, Redis> {
    patiently(&server.url()).install_as(connection).expect("a good URL");
    let builder = Cache::builder().name(connection).redis(connection);
    template.into_iter().fold(builder, cached_runtime::Builder::template).build_redis()
}

/// Texts that end, begin or look like parts of a key.
const NASTY: [&str; 24] = [
    "", "x", "x:y", ":", "::", "y", "%", "%3A", "%253A", "{", "}", "{x}", "\"", "\",\"", "\\", "[", "]", ",", "\0",
    "\n", " ", "é", "e\u{301}", "*",
];

#[test]
fn pairs_of_nasty_texts_stay_apart() {
    let server = Server::start();
    for (connection, template) in [
        ("json_keys", None),
        ("template_keys", Some(["", ":", ""].as_slice())),
        ("glued_keys", Some(["", "", ""].as_slice())),
    ] {
        let cache = pairs(&server, connection, template);
        let all = || NASTY.iter().flat_map(|a| NASTY.iter().map(move |b| ((*a).to_owned(), (*b).to_owned())));
        for pair in all() {
            let value = format!("{pair:?}");
            assert_eq!(cache.get_or_load(pair, || value.clone()), value, "{connection}: it met another pair's entry");
        }
        for pair in all() {
            assert_eq!(cache.get(&pair), Some(format!("{pair:?}")), "{connection}: another pair replaced it");
        }
    }
}

#[test]
fn long_keys_stay_apart() {
    let server = Server::start();
    let cache = pairs(&server, "long_keys", None);
    let long = |end: &str| ("x".repeat(500), end.to_owned());
    for end in ["a", "b", ""] {
        assert_eq!(cache.get_or_load(long(end), || end.to_owned()), end);
    }
    assert_eq!(cache.get(&long("a")).as_deref(), Some("a"));
    assert!(server.client().keys().iter().all(|key| key.len() <= 220), "{:?}", server.client().keys());
}

#[test]
fn functions_versions_namespaces_and_connections_stay_apart() {
    let server = Server::start();
    let at =
        |connection: &'static str, namespace: &str, name: &'static str, version: u32| -> Cache<u32, String, Redis> {
            patiently(&server.url()).namespace(namespace).install_as(connection).expect("a good URL");
            Cache::builder().name(name).version(version).redis(connection).build_redis()
        };
    let caches = [
        at("apart_a", "a", "f", 0),
        at("apart_b", "a", "f", 1),
        at("apart_c", "a", "g", 0),
        at("apart_d", "b", "f", 0),
        at("apart_e", "a:f", "v0", 0),
        at("apart_f", "a", "f:v0", 0),
        at("apart_g", "", "a:f", 0),
    ];
    for (number, cache) in caches.iter().enumerate() {
        assert_eq!(cache.get_or_load(7, || number.to_string()), number.to_string());
    }
    caches[0].clear().expect("a server");
    for (number, cache) in caches.iter().enumerate().skip(1) {
        assert_eq!(cache.get(&7), Some(number.to_string()));
    }
}

#[test]
fn equal_arguments_share_it_across_processes_and_restarts_of_the_program() {
    // The text of a key is the same wherever it is made: another process's entry is found.
    let server = Server::start();
    let mut peer = cached_tests::redis::Peer::start("processes::role_of_a_process");
    peer.tell(&format!("at same_keys {}", server.url()));
    peer.expect("ready");
    peer.tell("call 7");
    let theirs = peer.hear();
    peer.kill();
    assert_eq!(crate::subject::Subject::patient("same_keys", &server.url()).call(7).value, theirs);
}
