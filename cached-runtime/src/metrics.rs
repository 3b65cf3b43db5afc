//! The counters for the facade `metrics`, whatever recorder the application has. Must never be called by a
//! hit: a hit costs a counter of the crate's own, and these are published from them.
//!
//! Call [`publish`] before each scrape, or every few seconds from a task of your own:
//!
//! ```
//! use cached_runtime::Cache;
//!
//! let cache = Cache::builder().name("pages").build();
//! cache.get_or_load(1, || "one");
//! cached_runtime::metrics::publish();
//! ```
//!
//! | name | kind | |
//! |---|---|---|
//! | `cache.hits`, `cache.misses` | counter | look-ups |
//! | `cache.loads`, `cache.load.errors` | counter | runs of the function; those that failed |
//! | `cache.coalesced` | counter | misses that another call's load answered |
//! | `cache.evictions`, `cache.expirations`, `cache.invalidations` | counter | entries that went, and why |
//! | `cache.fenced`, `cache.rejected` | counter | values that were not stored |
//! | `cache.stale`, `cache.refreshes` | counter | values served past their time; loads begun to renew one |
//! | `cache.bypassed`, `cache.store.errors` | counter | calls past the cache; operations on a server that failed |
//! | `cache.entries`, `cache.weight`, `cache.capacity` | gauge | what is held now, and the bound |
//! | `cache.load.duration` | histogram, seconds | recorded as each load ends, with the label `outcome` |
//!
//! Labels: `cache` (its name) and `backend` (`memory`, `local`, `redis`). The counters are absolute: what was published
//! grows as the cache's own counters do.

use crate::gathered::gathered;
use crate::hooks::{Note, Source};
use metrics::{SharedString, counter, gauge, histogram};

fn labels(name: &str, backend: &'static str) -> [(&'static str, SharedString); 2] {
    [("cache", name.to_owned().into()), ("backend", backend.into())]
}

/// Gives the recorder all counters and gauges as they are now. Takes time in proportion to the number of caches; does
/// nothing without a recorder.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
pub fn publish() {
    for cache in gathered() {
        let stats = &cache.stats;
        let labels = labels(&cache.name, cache.backend);
        for (name, value) in [
            ("cache.hits", stats.hits),
            ("cache.misses", stats.misses),
            ("cache.loads", stats.loads),
            ("cache.load.errors", stats.load_errors),
            ("cache.coalesced", stats.coalesced),
            ("cache.evictions", stats.evictions),
            ("cache.expirations", stats.expirations),
            ("cache.invalidations", stats.invalidations),
            ("cache.fenced", stats.fenced),
            ("cache.rejected", stats.rejected),
            ("cache.bypassed", stats.bypassed),
            ("cache.stale", stats.stale),
            ("cache.refreshes", stats.refreshes),
            ("cache.store.errors", stats.store_errors),
        ] {
            counter!(name, &labels).absolute(value);
        }
        gauge!("cache.entries", &labels).set(stats.entries as f64);
        if stats.max_weight.is_some() {
            gauge!("cache.weight", &labels).set(stats.weight as f64);
        }
        if let Some(capacity) = stats.capacity {
            gauge!("cache.capacity", &labels).set(capacity as f64);
        }
    }
}

/// Records a load that has ended.
pub(crate) fn event(note: &Note) {
    let Source { name, backend, .. } = &*note.source;
    if let crate::events::What::Load { took: Some(took), ended } = &note.what {
        let [cache, backend] = labels(name, backend);
        let labels = [cache, backend, ("outcome", ended.name().into())];
        histogram!("cache.load.duration", &labels).record(took.as_secs_f64());
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString,
        Unit,
    };
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    type Values = Arc<Mutex<BTreeMap<String, f64>>>;

    /// Keeps the last value of each metric whose cache is ours.
    #[derive(Clone, Default)]
    struct Keep(Values);

    struct One(Values, String);

    impl One {
        fn put(&self, value: f64) {
            self.0.lock().unwrap().insert(self.1.clone(), value);
        }
    }

    impl CounterFn for One {
        fn increment(&self, _: u64) {
            unreachable!("counters are absolute");
        }

        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        fn absolute(&self, value: u64) {
            self.put(value as f64);
        }
    }

    impl GaugeFn for One {
        fn increment(&self, _: f64) {}

        fn decrement(&self, _: f64) {}

        fn set(&self, value: f64) {
            self.put(value);
        }
    }

    impl HistogramFn for One {
        fn record(&self, value: f64) {
            self.put(value);
        }
    }

    impl Keep {
        fn one(&self, key: &Key) -> Arc<One> {
            let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            Arc::new(One(Arc::clone(&self.0), format!("{} {}", key.name(), labels.join(" "))))
        }
    }

    impl Recorder for Keep {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.one(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.one(key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.one(key))
        }
    }

    #[test]
    fn everything_is_published_and_loads_are_recorded_as_they_end() {
        let keep = Keep::default();
        metrics::with_local_recorder(&keep, || {
            let cache = crate::Cache::builder().name("metrics::tests").capacity(7).build();
            cache.get_or_load(1, || 1);
            cache.get_or_load(1, || 1);
            let _ = cache.try_get_or_load(2, || Err::<i32, _>("on purpose"));
            let loads = |outcome: &str| {
                let name = format!("cache.load.duration cache=metrics::tests backend=memory outcome={outcome}");
                keep.0.lock().unwrap().contains_key(&name)
            };
            assert!(loads("ok") && loads("error") && !loads("panicked"), "before anything is published");
            publish();
            let get = |name: &str| {
                let name = format!("{name} cache=metrics::tests backend=memory");
                keep.0.lock().unwrap().get(&name).copied()
            };
            assert_eq!((get("cache.hits"), get("cache.misses")), (Some(1.0), Some(2.0)));
            assert_eq!((get("cache.load.errors"), get("cache.entries")), (Some(1.0), Some(1.0)));
            assert_eq!((get("cache.capacity"), get("cache.weight")), (Some(7.0), None));
        });
    }
}
