//! `cargo run --example stale_while_revalidate`: what is served after the ttl, with a clock that the example moves. It must
//! never wait for real time.

use cached_runtime::{cached, clock};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static ASKED: AtomicU32 = AtomicU32::new(0);

/// A source that fails from the third time on.
#[cached(ttl = "60s", stale_while_revalidate = "30s", stale_if_error = "1h")]
fn weather(city: &str) -> Result<String, String> {
    let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
    println!("    the source is asked, for the {asked}. time");
    if asked < 3 { Ok(format!("{city}: {}°", 10 + asked)) } else { Err("the source is down".to_owned()) }
}

fn main() {
    let clock = clock::pause();
    let mut now = 0;
    let mut at = |second: u64| {
        clock.advance(Duration::from_secs(second - now));
        now = second;
        println!("second {second}: {:?}", weather("Oslo"));
    };
    at(0); // loaded
    at(59); // fresh
    at(61); // past the ttl: this call refreshes, others would get the old value meanwhile
    at(120); // fresh
    at(200); // past both, and the source fails: the old value, for up to an hour
    at(200); // not asked again for a moment
    at(4000); // past the hour: the error
    println!("{}", weather::stats());
}
