//! What the chart draws: the sums of all caches, once a second, for the last five minutes. Must never keep a cache alive,
//! nor grow.

use crate::registry::caches;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much past there is.
const SAMPLES: usize = 300;
const EVERY: Duration = Duration::from_secs(1);

/// All counters at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Milliseconds since the epoch.
    pub(super) at: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) loads: u64,
    pub(super) entries: usize,
}

static RING: Mutex<VecDeque<Sample>> = Mutex::new(VecDeque::new());

/// Starts the sampling thread, once a process. Without a thread to be had there are the samples that requests take.
pub(super) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let _ = std::thread::Builder::new().name("cached-history".to_owned()).spawn(|| {
            loop {
                take();
                std::thread::sleep(EVERY);
            }
        });
    });
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn take() {
    let mut sample = Sample { at: now(), hits: 0, misses: 0, loads: 0, entries: 0 };
    for cache in caches() {
        let stats = cache.stats();
        sample.hits += stats.hits;
        sample.misses += stats.misses;
        sample.loads += stats.loads;
        sample.entries += stats.entries;
    }
    let mut ring = RING.lock();
    if ring.len() == SAMPLES {
        ring.pop_front();
    }
    ring.push_back(sample);
}

/// The past, oldest first; at least one sample.
pub(super) fn samples() -> Vec<Sample> {
    if RING.lock().is_empty() {
        take();
    }
    RING.lock().iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_bounded() {
        for _ in 0..SAMPLES + 10 {
            take();
        }
        assert_eq!(samples().len(), SAMPLES);
    }
}
