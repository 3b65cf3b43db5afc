//! Promise 7: whatever stands at the key that isn't an entry of ours is a miss, and is replaced.

use crate::subject::{BUDGET, Subject, note};
use cached_tests::redis::{Client, Server};
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A stored entry: its key, and its bytes.
fn stored(client: &mut Client) -> (String, Vec<u8>) {
    let key = client.keys().into_iter().find(|key| key.ends_with("{0}")).expect("an entry of key 0");
    let bytes = client.call(&["GET", &key]).bytes().expect("its bytes");
    (key, bytes)
}

fn put(client: &mut Client, key: &str, bytes: &[u8]) {
    client.call(&[b"SET", key.as_bytes(), bytes]);
}

/// The call loads anew, in time, and what it loads is stored.
fn is_replaced(subject: &Subject, what: &str) -> Duration {
    let before = subject.loads();
    let took = subject.bounded(what, [0], BUDGET);
    assert_eq!(subject.loads(), before + 1, "{what}: it was taken for an entry");
    subject.call(0);
    assert_eq!(subject.loads(), before + 1, "{what}: it was not replaced");
    took
}

#[test]
fn a_value_of_another_type() {
    let server = Server::start();
    let subject = Subject::patient("wrong_type", &server.url());
    subject.warm(0);
    let mut client = server.client();
    let (key, _) = stored(&mut client);
    let mut longest = Duration::ZERO;
    for write in
        [vec!["RPUSH", &key, "a"], vec!["SADD", &key, "a"], vec!["HSET", &key, "a", "1"], vec!["ZADD", &key, "1", "a"]]
    {
        client.call(&["DEL", &key]);
        client.call(&write);
        longest = longest.max(is_replaced(&subject, write[0]));
        assert_eq!(client.call(&["TYPE", &key]).text(), "string");
    }
    note("a value of another type at the key", longest, None);
}

#[test]
fn truncated_payloads() {
    let server = Server::start();
    let subject = Subject::patient("truncated", &server.url());
    subject.warm(0);
    let mut client = server.client();
    let (key, bytes) = stored(&mut client);
    for length in 0..bytes.len() {
        put(&mut client, &key, &bytes[..length]);
        is_replaced(&subject, &format!("the first {length} bytes"));
    }
}

#[test]
fn payloads_with_a_flipped_bit() {
    let server = Server::start();
    let subject = Subject::patient("flipped", &server.url());
    subject.warm(0);
    let mut client = server.client();
    let (key, _) = stored(&mut client);
    let length = client.call(&["GET", &key]).bytes().expect("an entry").len();
    for at in 0..length {
        let mut bytes = client.call(&["GET", &key]).bytes().expect("an entry");
        let good = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        put(&mut client, &key, &bytes);
        // The stamp is an id and no content: another one is another entry of the same value.
        let before = subject.loads();
        let value = subject.call(0).value;
        if subject.loads() == before {
            put(&mut client, &key, &good);
            assert_eq!(subject.call(0).value, value, "a flipped bit in byte {at} made another value");
        }
    }
}

#[test]
fn foreign_older_and_random_payloads() {
    let server = Server::start();
    let subject = Subject::patient("foreign", &server.url());
    subject.warm(0);
    let mut client = server.client();
    let (key, bytes) = stored(&mut client);
    let mut longest = Duration::ZERO;
    let mut try_one = |what: &str, bytes: &[u8]| {
        put(&mut client, &key, bytes);
        longest = longest.max(is_replaced(&subject, what));
    };
    for text in ["", "\0", "hello", "\"<0> of load 1\"", "{\"a\":1}", "null", "12", "\u{feff}", "\r\n", "*3\r\n"] {
        try_one(&format!("foreign {text:?}"), text.as_bytes());
    }
    // Python's pickle, and gzip.
    try_one("pickle", b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.");
    try_one("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03");
    for version in [0, 1, 255] {
        let mut other = bytes.clone();
        // Magic, then the version.
        assert_eq!(other[3], 2);
        other[3] = version;
        try_one(&format!("version {version}"), &other);
    }
    let noise = |seed: u64, length: usize| -> Vec<u8> {
        let random = RandomState::new();
        (0..length as u64).map(|n| random.hash_one((seed, n)) as u8).collect()
    };
    for round in 0..50 {
        try_one(&format!("noise {round}"), &noise(round, 1 + round as usize * 7));
        // As far as the beginning goes, an entry of ours.
        let mut tail = bytes.clone();
        let keep = tail.len() * round as usize / 50;
        tail.truncate(keep.min(28));
        tail.extend(noise(round, 100));
        try_one(&format!("noise after {keep} bytes"), &tail);
    }
    try_one("a megabyte of zeros", &vec![0; 1 << 20]);
    note("foreign, older or random payloads", longest, None);
}

#[test]
fn an_entry_of_another_key_or_generation() {
    let server = Server::start();
    let subject = Subject::patient("transplanted", &server.url());
    subject.warm(0);
    let mut client = server.client();
    let (key, bytes) = stored(&mut client);
    // The generation gone, as after an eviction or a clear: what carries it is dead.
    let generation = client.keys().into_iter().find(|key| key.ends_with(":gen")).expect("a generation");
    client.call(&["DEL", &generation]);
    is_replaced(&subject, "an evicted generation");
    put(&mut client, &key, &bytes);
    is_replaced(&subject, "an entry of an older generation");
    client.call(&["SET", &generation, "foreign"]);
    subject.bounded("a foreign value at the generation", [0], BUDGET);
    client.call(&["DEL", &generation]);
    client.call(&["RPUSH", &generation, "a"]);
    subject.bounded("a list at the generation", [0], BUDGET);
    client.call(&["DEL", &generation]);
    subject.recovered();
}
