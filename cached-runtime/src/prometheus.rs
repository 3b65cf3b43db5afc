//! All counters as Prometheus reads them: the text exposition format 0.0.4. Must never need a crate, a server or a
//! registry of its own, and must never give a line twice.
//!
//! ```
//! use cached_runtime::{Cache, prometheus};
//!
//! let pages = Cache::builder().name("pages").build();
//! pages.get_or_load(1, || "one");
//! let text = prometheus::render();
//! assert!(text.contains("cache_misses_total{cache=\"pages\",backend=\"memory\"} 1"));
//! ```
//!
//! Serve it as [`CONTENT_TYPE`]. Caches of one name and backend (the instantiations of a generic function, the instances
//! of a struct) are added up. Where a cache goes away or its stats are reset, its counters start over, which Prometheus
//! knows to handle. Durations are seconds.

use crate::gathered::{Gathered, gathered};
use crate::stats::Stats;
use std::fmt::Write as _;

/// What to serve [`render`]'s text as.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number of a cache: its name, what it is, and where it is taken from.
type Number = (&'static str, &'static str, fn(&Stats) -> Option<u64>);

/// What only grows.
const COUNTERS: &[Number] = &[
    ("cache_hits_total", "Calls that were answered from the cache.", |s| Some(s.hits)),
    ("cache_misses_total", "Calls that were not answered from the cache.", |s| Some(s.misses)),
    ("cache_loads_total", "Times the function ran to its end.", |s| Some(s.loads)),
    ("cache_load_errors_total", "Loads that ended in an error or a panic.", |s| Some(s.load_errors)),
    ("cache_coalesced_total", "Misses that were answered by another call's load.", |s| Some(s.coalesced)),
    ("cache_evictions_total", "Entries that had to go to make room.", |s| Some(s.evictions)),
    ("cache_expirations_total", "Entries that outlived their time.", |s| Some(s.expirations)),
    ("cache_invalidations_total", "Entries that were removed by invalidate or clear.", |s| Some(s.invalidations)),
    ("cache_fenced_total", "Loads whose value was not stored, since something newer came first.", |s| Some(s.fenced)),
    ("cache_rejected_total", "Values that were not stored.", |s| Some(s.rejected)),
    ("cache_bypassed_total", "Calls that went past the cache.", |s| Some(s.bypassed)),
    ("cache_stale_total", "Times a value was served past its time to live.", |s| Some(s.stale)),
    ("cache_refreshes_total", "Loads that were begun to renew a value that could still be served.", |s| {
        Some(s.refreshes)
    }),
    ("cache_store_errors_total", "Operations on a server that failed.", |s| Some(s.store_errors)),
];

/// What goes up and down.
const GAUGES: &[Number] = &[
    ("cache_entries", "Entries held now (of caches in memory).", |s| Some(s.entries as u64)),
    ("cache_capacity", "The bound on the entries.", |s| s.capacity.map(|capacity| capacity as u64)),
    ("cache_weight", "The weight of the entries held now.", |s| s.max_weight.map(|_| s.weight)),
    ("cache_max_weight", "The bound on the weight.", |s| s.max_weight),
    ("cache_pending_invalidations", "Invalidations that failed and are tried again.", |s| Some(s.pending)),
];

/// All caches' and connections' numbers, in the text exposition format. Takes time in proportion to the number of caches;
/// stops none of them.
pub fn render() -> String {
    let caches = gathered();
    let mut text = String::new();
    for (kind, numbers) in [("counter", COUNTERS), ("gauge", GAUGES)] {
        for (name, help, number) in numbers {
            let mut headed = false;
            for cache in &caches {
                let Some(value) = number(&cache.stats) else { continue };
                if !std::mem::replace(&mut headed, true) {
                    head(&mut text, name, kind, help);
                }
                line(&mut text, name, &labels(cache), value);
            }
        }
    }
    load_times(&mut text, &caches);
    #[cfg(feature = "redis")]
    connections(&mut text);
    text
}

/// How long loads took: every fourth of the buckets that are kept, so that each is four times as long as the last.
fn load_times(text: &mut String, caches: &[Gathered]) {
    const NAME: &str = "cache_load_duration_seconds";
    if caches.is_empty() {
        return;
    }
    head(text, NAME, "histogram", "How long loads took.");
    for cache in caches {
        let (labels, times) = (labels(cache), &cache.stats.load_times);
        let (bucket, mut sum) = (format!("{NAME}_bucket"), 0);
        for (at, (end, count)) in times.buckets().enumerate() {
            sum += count;
            // 1.024 us, 4.096 us, ... about 4.6 minutes.
            if let Some(end) = end.filter(|_| at % 4 == 0 && at > 0) {
                line(text, &bucket, &format!("{labels},le=\"{}\"", end.as_secs_f64()), sum);
            }
        }
        line(text, &bucket, &format!("{labels},le=\"+Inf\""), sum);
        line(text, &format!("{NAME}_sum"), &labels, times.sum().as_secs_f64());
        line(text, &format!("{NAME}_count"), &labels, sum);
    }
}

#[cfg(feature = "redis")]
fn connections(text: &mut String) {
    use crate::redis::{Health, State, health};
    type Of = (&'static str, &'static str, &'static str, fn(&Health) -> u64);
    const NUMBERS: &[Of] = &[
        (
            "cache_redis_up",
            "gauge",
            "Whether the last operations went through (1), or the server failed and is left alone (0).",
            |health| u64::from(!matches!(health.state, State::Failing | State::Unusable)),
        ),
        ("cache_redis_connections_total", "counter", "How often a connection was made.", |health| health.connections),
        ("cache_redis_timeouts_total", "counter", "Operations that were not answered in time.", |health| {
            health.timeouts
        }),
        ("cache_redis_breaker_opened_total", "counter", "How often the circuit breaker opened.", |health| {
            health.opened
        }),
    ];
    let connections = health();
    if connections.is_empty() {
        return;
    }
    for (name, kind, help, number) in NUMBERS {
        head(text, name, kind, help);
        for health in &connections {
            line(text, name, &format!("connection=\"{}\"", escaped(health.name)), number(health));
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a `String` can't fail. The help texts are ours: nothing in them to escape.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{name}{{{labels}}} {value}");
}

fn labels(cache: &Gathered) -> String {
    let mut labels = format!("cache=\"{}\",backend=\"{}\"", escaped(&cache.name), cache.backend);
    if let Some(connection) = cache.connection {
        let _ = write!(labels, ",connection=\"{}\"", escaped(connection));
    }
    labels
}

/// The value of a label: backslash, quote and line feed are escaped, nothing else.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe.push_str("\\\\"),
            '"' => safe.push_str("\\\""),
            '\n' => safe.push_str("\\n"),
            c => safe.push(c),
        }
    }
    safe
}
