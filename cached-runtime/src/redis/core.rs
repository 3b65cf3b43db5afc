//! What one cache in Redis is made of, whatever its keys are: its place on the server, its loads in this process, how
//! values cross, its counters. Must never run a body or wait.

use super::codec::Codec;
use super::flights::Flights;
use super::queue::Queue;
use super::remote::{Fresh, Remote, Stored};
use super::watched;
use crate::builder::Coalesce;
use crate::error::{Error, ErrorKind};
use crate::events::LoadEnd;
use crate::key::CacheKey;
use crate::outcome::{CacheValue, Outcome, Verdict};
use crate::policy::Policy;
use crate::stats::Stats;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A value that can cross to Redis and back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be kept in Redis",
    label = "a value kept in Redis must be `Serialize + DeserializeOwned + Clone + Send + Sync + 'static`",
    note = "derive `serde::Serialize`, `serde::Deserialize` and `Clone` for it"
)]
pub trait RemoteValue: CacheValue + Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: CacheValue + Serialize + DeserializeOwned> RemoteValue for T {}

/// A key that has a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the key of a cache in Redis",
    label = "a key in Redis must be `Serialize + Hash + Eq + Clone + Send + Sync + 'static`",
    note = "derive `serde::Serialize` and `PartialEq, Eq, Hash, Clone` for it",
    note = "or choose what tells calls apart, `key = ...`, or leave the argument out, `skip(...)`"
)]
pub trait RemoteKey: CacheKey + Serialize {}

#[diagnostic::do_not_recommend]
impl<T: CacheKey + Serialize> RemoteKey for T {}

/// See the file's head.
pub struct Core<V: 'static> {
    pub(crate) remote: Arc<Remote>,
    pub(crate) flights: Arc<Flights<V>>,
    pub(crate) codec: Codec,
    pub(crate) compress_above: Option<usize>,
    pub(crate) policy: Policy,
    /// How long an async call waits for a load where an old value will do.
    #[cfg(feature = "tokio")]
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) coalesce: Coalesce,
    pub(crate) counts: Arc<Counts>,
    pub(crate) queue: Arc<Queue>,
}

/// What happened. Relaxed: no decision hangs on a counter.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) load_errors: AtomicU64,
    pub(crate) load_nanos: AtomicU64,
    load_times: crate::load_times::Times,
    /// As those who watch know it.
    source: std::sync::OnceLock<Arc<crate::hooks::Source>>,
    pub(crate) coalesced: AtomicU64,
    pub(crate) fenced: AtomicU64,
    pub(crate) invalidations: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) bypassed: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    /// What the counters said at the last reset.
    base: Mutex<Stats>,
}

impl Counts {
    /// Says what these are the counts of.
    pub(crate) fn of(source: &Arc<crate::hooks::Source>) -> Self {
        Self { source: Arc::clone(source).into(), ..Self::default() }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl After {
    /// How the load ended, as those who watch are told.
    pub(crate) fn load_end(&self) -> LoadEnd {
        if matches!(self, Self::Fail) { LoadEnd::Error } else { LoadEnd::Ok }
    }
}

/// What is to be done with what a body returned.
pub(crate) enum After {
    /// Stored, if nothing newer came first.
    Keep(Fresh),
    /// A success that isn't stored: what stands there is outdated.
    Skip,
    /// What stands there may stay.
    Fail,
}

impl<V: RemoteValue> Core<V> {
    /// A value that was read; `None` if it can't be decoded, which is a miss.
    pub(crate) fn decode(&self, stored: &Stored) -> Option<V> {
        // Another codec wrote it: the option was changed.
        if stored.meta.codec != self.codec.id() {
            return None;
        }
        self.codec.decode(stored.payload(), stored.meta.compressed).ok()
    }

    /// A value to be written, and how long it lives; `None` if it isn't stored at all.
    ///
    /// A failure that is kept has no windows: nobody wants an old one.
    pub(crate) fn encode(
        &self,
        value: &V,
        own: Option<Duration>,
        load: Duration,
        failed: bool,
    ) -> Result<Option<Fresh>, Error> {
        let made = Instant::now();
        let dice = u64::from_le_bytes(super::envelope::stamp()[..8].try_into().unwrap_or_default());
        // From zero, the deadline is the ttl.
        let ttl = match self.policy.deadline(0, own, dice) {
            None => return Ok(None),
            Some(crate::clock::NEVER) => None,
            Some(nanos) => Some(Duration::from_nanos(nanos)),
        };
        let encoded = self.codec.encode(value, self.compress_above).map_err(|problem| {
            self.remote.failed(Error::new(ErrorKind::Codec, format!("the value can't be written: {problem}")), None)
        })?;
        Ok(Some(Fresh {
            codec: self.codec.id(),
            payload: encoded.payload,
            compressed: encoded.compressed,
            ttl,
            stale: if failed { Duration::ZERO } else { self.policy.stale() },
            load,
            idle: self.policy.tti().map(Duration::from_nanos),
            made,
        }))
    }

    /// What to do with what a body returned after `took`, counted.
    ///
    /// Where there is an `old` value that may be served instead, a failure is one even if it would be kept.
    pub(crate) fn after<O: Outcome<Value = V>>(&self, outcome: O, ret: &O::Ret, took: Duration, old: bool) -> After {
        let counts = &self.counts;
        count(&counts.loads);
        counts.load_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        counts.load_times.note_shared(took);
        let failed = outcome.failed(ret);
        if failed && old {
            watched::loaded(&self.remote.source, took, LoadEnd::Error);
            count(&counts.load_errors);
            return After::Fail;
        }
        let kept = match (outcome.judge(ret), outcome.value(ret)) {
            (Verdict::Fail, _) => {
                watched::loaded(&self.remote.source, took, LoadEnd::Error);
                count(&counts.load_errors);
                return After::Fail;
            }
            (Verdict::Keep, Some(value)) => self.encode(value, None, took, failed),
            (Verdict::KeepFor(ttl), Some(value)) => self.encode(value, Some(ttl), took, failed),
            _ => Ok(None),
        };
        watched::loaded(&self.remote.source, took, LoadEnd::Ok);
        // One that can't be written is not stored, and was counted.
        if let Ok(Some(fresh)) = kept {
            return After::Keep(fresh);
        }
        count(&counts.rejected);
        After::Skip
    }
}

impl<V: CacheValue> Core<V> {
    fn total(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        // The gates count those who waited within the process, and calls from inside a key's own code.
        let gates = crate::store::Engine::common(&self.flights.gates).stats();
        let mut load_times = crate::LoadTimes::default();
        counts.load_times.add_to(&mut load_times);
        Stats {
            load_times,
            hits: get(&counts.hits),
            misses: get(&counts.misses),
            loads: get(&counts.loads),
            load_errors: get(&counts.load_errors),
            load_time: Duration::from_nanos(get(&counts.load_nanos)),
            coalesced: get(&counts.coalesced) + gates.coalesced,
            fenced: get(&counts.fenced),
            invalidations: get(&counts.invalidations),
            rejected: get(&counts.rejected),
            bypassed: get(&counts.bypassed) + gates.bypassed,
            stale: get(&counts.stale),
            refreshes: get(&counts.refreshes),
            store_errors: get(&self.remote.errors),
            ..Stats::default()
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.total().since(&self.counts.base.lock());
        stats.pending = self.queue.len();
        stats
    }

    pub(crate) fn reset_stats(&self) {
        let total = self.total();
        *self.counts.base.lock() = total;
    }
}

/// Counts a load that a panic ended.
pub(crate) struct Running<'c> {
    counts: &'c Counts,
    since: Instant,
}

impl<'c> Running<'c> {
    pub(crate) fn new(counts: &'c Counts, since: Instant) -> Self {
        Self { counts, since }
    }

    /// It came to its end.
    pub(crate) fn took(self) -> Duration {
        let took = self.since.elapsed();
        std::mem::forget(self);
        took
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            count(&self.counts.loads);
            count(&self.counts.load_errors);
            let took = self.since.elapsed();
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.counts.load_nanos.fetch_add(nanos, Ordering::Relaxed);
            self.counts.load_times.note_shared(took);
            if let Some(source) = self.counts.source.get() {
                watched::loaded(source, took, LoadEnd::Panicked);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cache, Coalesce};
    use std::time::Duration;

    #[test]
    fn calls_wait_as_long_as_was_said_and_else_as_is_usual_in_redis() {
        let (minute, usual) = (Duration::from_mins(1), Duration::from_secs(10));
        let waits = |coalesce: Option<Coalesce>| {
            let options = Cache::<u64, u64>::builder();
            match coalesce {
                None => options.remote_parts().coalesce,
                Some(coalesce) => options.coalesce(coalesce).remote_parts().coalesce,
            }
        };
        assert_eq!(waits(None), usual.into());
        for said in [minute.into(), true.into(), false.into(), Coalesce::from(usual / 2)] {
            assert_eq!(waits(Some(said)), said);
        }
        let memory = |coalesce: Coalesce| Cache::<u64, u64>::builder().coalesce(coalesce).build();
        assert_eq!(crate::store::Engine::coalesce(&Cache::<u64, u64>::builder().build().handle), minute.into());
        assert_eq!(crate::store::Engine::coalesce(&memory(usual.into()).handle), usual.into());
    }
}
