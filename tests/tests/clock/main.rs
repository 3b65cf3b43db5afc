//! Everything about time, by the test clock: promises 8 and 9. The clock is the process's, so every test here holds it paused, and no other may be added that does not.
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(clippy::pedantic, clippy::useless_conversion, clippy::drop_non_drop, dropping_copy_types)]

#[cfg(feature = "tokio")]
mod background;
mod clear_all;
mod each_windows;
mod freshness_options;
mod jitter;
mod kept_failures;
mod model;
mod overlap_model;
mod promise_08_swept;
mod promise_09_honest_time;
mod refresh_ahead;
mod stale_if_error;
mod stale_while_revalidate;
mod test_clock;
mod tti;
mod ttl;
mod ttl_from_the_value;
mod vast_and_zero;
mod windows_events;
mod windows_model;

use cached_runtime::{Builder, Cache, Eviction};
use std::{hash::Hash, time::Duration};

/// One builder for each kind of store.
fn stores<K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static>()
-> [(&'static str, Builder<K, V>); 3] {
    [
        ("lru", Cache::builder()),
        ("sieve", Cache::builder().eviction(Eviction::Sieve)),
        ("unbounded", Cache::builder().unbounded()),
    ]
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
