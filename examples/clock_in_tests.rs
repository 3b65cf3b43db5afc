//! `cargo run --example clock_in_tests`: a test of a ttl that takes no time (feature `test-util`, for tests only). It must never
//! sleep.

use cached_runtime::{cached, clock};
use std::time::Duration;

#[cached(ttl = "1h")]
fn quote(symbol: &str) -> usize {
    symbol.len()
}

/// In a crate of yours this is a `#[test]`.
fn a_quote_is_asked_for_again_after_an_hour() {
    let clock = clock::pause();
    quote("ACME");
    clock.advance(Duration::from_secs(3599));
    assert!(quote::contains("ACME"));
    clock.advance(Duration::from_secs(1));
    assert!(!quote::contains("ACME"));
    quote("ACME");
    assert_eq!(quote::stats().loads, 2);
}

fn main() {
    a_quote_is_asked_for_again_after_an_hour();
    println!("an hour passed in no time: {}", quote::stats());
}
