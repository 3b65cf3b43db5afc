//! Encrypted connections, and each way in which they can't be had: one clear error, at once, and the function runs.

use crate::subject::{CONNECTING, Subject, note};
use cached_runtime::{
    Error, ErrorKind,
    redis::{Config, State, check_named, health},
};
use cached_tests::{
    eventually,
    redis::{Cluster, Server, Shows, Tls},
};

const SECRET: &str = "s3cret";

fn url(tls: &Tls) -> String {
    format!("rediss://:{SECRET}@{}", tls.address())
}

/// The error of an attempt that came far enough to know that it can't succeed: a busy machine may not leave time for that.
fn known(mut attempt: impl FnMut() -> Error) -> Error {
    let mut last = None;
    eventually("an attempt that finds out what is wrong", || {
        let error = last.insert(attempt());
        match error.kind() {
            ErrorKind::Config => true,
            kind => {
                let slow = [ErrorKind::Unreachable, ErrorKind::TimedOut, ErrorKind::BreakerOpen];
                assert!(slow.contains(&kind), "{error}");
                false
            }
        }
    });
    last.expect("one attempt")
}

/// A connection that can't be made: what it says, of what kind, and that the function runs.
fn fails(name: &'static str, config: Config, words: &[&str]) {
    assert!(!format!("{config:?}").contains(SECRET), "{config:?}");
    config.namespace("tests").install_as(name).expect("nothing is wrong with the URL");
    let error = known(|| check_named(name).wait().expect_err("it can't be used"));
    let text = error.to_string();
    println!("{name}: {text}");
    assert!(words.iter().any(|word| text.contains(word)), "{text}");
    assert!(!format!("{text} {error:?}").contains(SECRET), "{error:?}");
    let health = health().into_iter().find(|health| health.name == name).expect("it was used");
    assert_eq!(health.state, State::Failing);
    assert!(!format!("{health} {health:?}").contains(SECRET), "{health:?}");
    let subject = Subject::over(name);
    let longest = subject.bounded("calls", 0..10, CONNECTING);
    known(|| subject.invalidate(0).expect_err("nothing could be done"));
    note(name, longest, None);
}

#[test]
fn encrypted_connections() {
    let server = Server::with().password(SECRET).start();
    let tls = Tls::before(server.address());
    Config::from_url(url(&tls))
        .namespace("tests")
        .root_certificates(Tls::root())
        .install_as("tls")
        .expect("a good URL");
    Subject::over("tls").warm(0);
    assert!(server.client().keys().iter().any(|key| key.ends_with("{0}")));
}

#[test]
fn a_server_that_asks_for_a_certificate() {
    let server = Server::with().password(SECRET).start();
    let tls = Tls::showing(Shows::GoodAndAsks, server.address());
    let trusting = || Config::from_url(url(&tls)).namespace("tests").root_certificates(Tls::root());
    let (certificate, key) = Tls::client();
    trusting().client_certificate(certificate, key).install_as("tls_client").expect("a good URL");
    Subject::over("tls_client").warm(0);
    fails("TLS without the certificate that the server asks for", trusting(), &["ertificate"]);
}

#[test]
fn certificates_that_prove_nothing() {
    let server = Server::with().password(SECRET).start();
    let good = Tls::before(server.address());
    fails("a certificate that nobody vouches for", Config::from_url(url(&good)), &["UnknownIssuer"]);
    let others = Config::from_url(url(&good)).root_certificates(Tls::root_of_others());
    fails("a certificate of another authority", others, &["UnknownIssuer", "BadSignature"]);
    for (name, shows, word) in [
        ("an expired certificate", Shows::Expired, "xpired"),
        ("a certificate for another host", Shows::ForAnotherHost, "not valid for name"),
    ] {
        let tls = Tls::showing(shows, server.address());
        fails(name, Config::from_url(url(&tls)).root_certificates(Tls::root()), &[word]);
    }
    assert!(server.client().keys().is_empty(), "nothing went there");
}

#[test]
fn certificates_that_are_none() {
    let config = Config::from_url(format!("rediss://:{SECRET}@localhost")).client_certificate("x", "y");
    let error = config.install_as("tls_nonsense").expect_err("no PEM");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let insecure = Config::from_url(format!("rediss://:{SECRET}@localhost/#insecure")).install_as("tls_insecure");
    let error = insecure.expect_err("certificates are always checked").to_string();
    assert!(error.contains("root_certificates") && !error.contains(SECRET), "{error}");
}

#[test]
fn an_encrypted_cluster() {
    let cluster = Cluster::start();
    let fronts: Vec<_> = cluster.nodes().iter().map(|node| Tls::before(node.address())).collect();
    let ports: Vec<_> = fronts.iter().map(|tls| tls.address().port().to_string()).collect();
    // What the nodes tell clients is where their encryption listens.
    for (node, port) in cluster.nodes().iter().zip(&ports) {
        node.client().call(&["CONFIG", "SET", "cluster-announce-port", port]);
    }
    eventually("the nodes to know each other's ports", || {
        cluster.nodes().iter().all(|node| {
            let known = node.client().call(&["CLUSTER", "NODES"]).text();
            ports.iter().all(|port| known.contains(&format!("127.0.0.1:{port}@")))
        })
    });
    let config = || Config::from_url(format!("rediss+cluster://{}", fronts[0].address())).namespace("tests");
    config().root_certificates(Tls::root()).install_as("tls_cluster").expect("a good URL");
    let subject = Subject::over("tls_cluster");
    subject.recovered();
    for key in 0..60 {
        subject.warm(key);
    }
    for node in cluster.nodes() {
        assert!(node.client().keys().iter().filter(|key| key.contains(":{")).count() > 5, "each has a share");
    }
    let others = config().password(SECRET).root_certificates(Tls::root_of_others());
    fails("a cluster with certificates of another authority", others, &["UnknownIssuer", "BadSignature"]);
    fails("a cluster with certificates that nobody vouches for", config().password(SECRET), &["UnknownIssuer"]);
}

#[test]
fn tls_to_a_server_that_speaks_plain() {
    let server = Server::start();
    let subject = Subject::at("tls_to_plain", &format!("rediss://{}", server.address()));
    let longest = subject.bounded("calls", 0..10, CONNECTING);
    note("TLS to a server that speaks plain", longest, None);
}

#[test]
fn plain_to_a_server_that_speaks_tls() {
    let server = Server::start();
    let tls = Tls::before(server.address());
    let subject = Subject::at("plain_to_tls", &format!("redis://{}", tls.address()));
    let longest = subject.bounded("calls", 0..10, CONNECTING);
    note("plain to a server that speaks TLS", longest, None);
}
