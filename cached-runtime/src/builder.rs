//! How a cache is built: bounds, times, names. Must never do more than collect and check; the stores read the result.

use crate::cache::Cache;
use crate::clock;
use crate::events::Event;
use crate::hooks::{Listener, Source};
use crate::key::CacheKey;
use crate::matching::TextOf;
use crate::memory::common::Common;
use crate::memory::settings::Settings;
use crate::memory::shard::{Bound, Weigh};
use crate::memory::{LocalCache, MemoryCache, Tabled};
use crate::outcome::CacheValue;
use crate::policy::{Jitter, Policy, RefreshAhead, Times, Windows};
use crate::registry::{self, Listed};
use crate::store::{Local, LockFree};
use crate::watchdog::Sweep;
use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How many entries a cache keeps unless it is told otherwise.
const CAPACITY: usize = 1024;

/// How long a call waits for another call's load, in this process, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which entry goes when there is no room for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Eviction {
    /// The one that was not used for longest. Exact for capacities up to 1024; a larger cache is split by the keys'
    /// hashes into shards, each exact for its part.
    #[default]
    Lru,
    /// SIEVE with a small queue in front. Hits take no lock, and more calls hit than with LRU: on skewed work, after a scan,
    /// which doesn't push out what is in use, and in a loop over more keys than fit, of which a part stays.
    ///
    /// What comes into a full cache waits in a queue of a twentieth of the entries (of S3-FIFO, Yang et al., "FIFO queues are
    /// all you need for cache eviction", SOSP 2023). If it is not read before as many others came, it goes; if it comes back
    /// soon after (of as many keys as there are entries the hashes are remembered, four bytes each) it skips the queue, as
    /// one in 64 does in any case. All others stand in SIEVE's list (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024),
    /// of which the oldest goes that was not read since the hand last passed. So an entry that is new to a full cache, and used once, goes before older ones
    /// that were used more. Larger caches are split by the keys' hashes into shards, each of which does so for its part.
    ///
    /// A value that is removed while others read is dropped a little later, once no thread can be reading it, on whichever
    /// thread comes by.
    Sieve,
}

/// Whether and how long calls wait for another call's load of the same key (single-flight).
///
/// A call that is itself inside of a load is more impatient, since others wait for it in turn: after one second, then two,
/// then four, it stops waiting for that load, and unless another such call has begun a new one, runs the function itself.
/// Async calls notice the end of a wait up to a quarter of a second late.
///
/// ```
/// use cached_runtime::Coalesce;
/// use std::time::Duration;
///
/// let off: Coalesce = false.into();
/// let bounded: Coalesce = Duration::from_secs(5).into();
/// # assert_ne!(off, bounded);
/// # assert_eq!(Coalesce::from(true), Duration::from_secs(60).into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalesce(pub(crate) Option<Duration>);

/// `false` switches single-flight off: every miss runs the function. `true` waits up to 60 seconds, in Redis as well.
impl From<bool> for Coalesce {
    fn from(on: bool) -> Self {
        Self(on.then_some(PATIENCE))
    }
}

/// A call that has waited this long runs the function itself. Zero waits for nobody.
impl From<Duration> for Coalesce {
    fn from(bound: Duration) -> Self {
        Self(Some(bound))
    }
}

/// Builds a [`Cache`]; see [`Cache::builder`].
pub struct Builder<K, V> {
    name: Cow<'static, str>,
    version: u32,
    capacity: Option<usize>,
    eviction: Eviction,
    ttl: Option<Duration>,
    tti: Option<Duration>,
    jitter: Option<Jitter>,
    max_weight: Option<u64>,
    weigh: Option<Box<Weigh<K, V>>>,
    /// `None`: as long as is usual where the entries are.
    coalesce: Option<Coalesce>,
    windows: Windows,
    listener: Option<Arc<Listener>>,
    soft_timeout: Option<Duration>,
    text: Option<TextOf<K>>,
    #[cfg(feature = "redis")]
    pub(crate) redis: crate::redis::Options,
}

impl<K, V> Default for Builder<K, V> {
    fn default() -> Self {
        Self {
            name: Cow::Borrowed("unnamed"),
            version: 0,
            capacity: Some(CAPACITY),
            eviction: Eviction::default(),
            ttl: None,
            tti: None,
            jitter: None,
            max_weight: None,
            weigh: None,
            coalesce: None,
            windows: Windows::default(),
            listener: None,
            soft_timeout: None,
            text: None,
            #[cfg(feature = "redis")]
            redis: crate::redis::Options::default(),
        }
    }
}

impl<K, V> fmt::Debug for Builder<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("eviction", &self.eviction)
            .field("ttl", &self.ttl)
            .field("tti", &self.tti)
            .field("max_weight", &self.max_weight)
            .finish_non_exhaustive()
    }
}

impl<K, V> Builder<K, V> {
    /// The name in [`caches`](crate::caches) (default `"unnamed"`).
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The version of what is stored (default 0), to be raised when its meaning changes. In memory it has no effect, since
    /// nothing outlives the program that wrote it.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Keeps up to this many entries (default 1024). 0 keeps none: every call runs the function, though calls at the
    /// same time still share one run.
    #[doc(alias = "max_capacity")]
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Keeps whatever comes, until it expires or is invalidated. Memory is then bounded by the number of distinct keys
    /// only; hits take no lock, and removed values are dropped as with [`Eviction::Sieve`].
    #[must_use]
    pub fn unbounded(mut self) -> Self {
        self.capacity = None;
        self
    }

    /// Which entry goes when there is no room (default [`Eviction::Lru`]). A cache per thread is always LRU.
    #[must_use]
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// Time to live: an entry ends this long after its load (default: never). Zero stores nothing. It may end up to
    /// 32 ms early where it is a second or longer, which is what a cheap clock can tell; never late.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Time to idle: an entry ends this long after it was last read or written (default: never). Zero stores nothing.
    #[must_use]
    pub fn tti(mut self, tti: Duration) -> Self {
        self.tti = Some(tti);
        self
    }

    /// Shortens each entry's ttl by a random part of this share of it (`0.1`) or of this duration (default: not at all),
    /// so that entries which were loaded together do not expire together.
    #[must_use]
    pub fn jitter(mut self, jitter: impl Into<Jitter>) -> Self {
        self.jitter = Some(jitter.into());
        self
    }

    /// For so long past its ttl a value is still served, while one call renews it (default: not at all): nobody waits for
    /// a value that is asked for again in time. The meaning is that of RFC 5861's `stale-while-revalidate`.
    ///
    /// The call that found the value too old runs the loader itself, and has the new value, or the old one if it fails;
    /// the others are given the old one at once. (A `#[cached]` async function whose arguments can be owned renews in
    /// the background instead.) After a failure nobody tries for a second, or a tenth of the window if that is shorter.
    /// No effect without a ttl. An invalidated value is never served.
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// use std::time::Duration;
    ///
    /// let cache = Cache::builder()
    ///     .ttl(Duration::from_secs(60))
    ///     .stale_while_revalidate(Duration::from_secs(600))
    ///     .build();
    /// assert_eq!(cache.get_or_load(7, || "seven"), "seven");
    /// ```
    #[must_use]
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.windows.while_revalidate = clock::nanos(window);
        self
    }

    /// For so long past its ttl a value is served to calls whose load fails (default: not at all), by an error or a
    /// `timeout`; a panic goes to its caller. The end is a hard one, counted from the end of the ttl: failures never
    /// renew it. The meaning is that of RFC 5861's `stale-if-error`.
    ///
    /// Calls load together, as they do without a value; if that fails, all of them have the old one. After a failure it is
    /// served without another try for a second, or a tenth of the window if that is shorter. No effect without a ttl. An
    /// invalidated value is never served, not even on error.
    ///
    /// ```
    /// # use cached_runtime::{Cache, Eviction};
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(3600);
    /// let cache = Cache::builder().ttl(Duration::from_secs(60)).stale_if_error(hour).build();
    /// assert_eq!(cache.try_get_or_load("EUR", || "1.08".parse::<f64>()), Ok(1.08));
    /// ```
    #[must_use]
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.windows.if_error = clock::nanos(window);
        self
    }

    /// When a value is renewed before its ttl ends, so that nobody waits for it: past a share of the ttl (`0.8`), or by
    /// chance ([`RefreshAhead::xfetch`]); not at all by default. One call renews it, as with
    /// [`stale_while_revalidate`](Self::stale_while_revalidate); if that fails the value stays until its end. No effect
    /// without a ttl.
    #[must_use]
    pub fn refresh_ahead(mut self, when: impl Into<RefreshAhead>) -> Self {
        self.windows.refresh_ahead = Some(when.into());
        self
    }

    /// How long an async call waits for a load where there is an old value that [`stale_if_error`](Self::stale_if_error)
    /// would let it have (default: until the load ends). Then it is given the old value, and the load goes on in the
    /// background and fills.
    ///
    /// This is for `#[cached]` functions whose load can be moved to the background; a call of
    /// [`get_or_load_async`](Cache::get_or_load_async) that runs the load itself always waits for it. Wants a tokio
    /// runtime with its timers on; elsewhere it has no effect.
    #[cfg(feature = "tokio")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
    #[must_use]
    pub fn soft_timeout(mut self, after: Duration) -> Self {
        self.soft_timeout = Some(after);
        self
    }

    /// Bounds the cache by the sum of what [`weigh`](Self::weigh) gives, instead of by count: `capacity` then has no
    /// effect, and entries of weight 0 are not bounded at all. An entry heavier than this is not stored. Without `weigh`
    /// every entry weighs 1.
    #[must_use]
    pub fn max_weight(mut self, max_weight: u64) -> Self {
        self.max_weight = Some(max_weight);
        self
    }

    /// How much an entry weighs (default: not weighed); called once for each stored value, under a lock: keep it short.
    #[must_use]
    pub fn weigh(mut self, weigh: impl Fn(&K, &V) -> usize + Send + Sync + 'static) -> Self {
        self.weigh = Some(Box::new(weigh));
        self
    }

    /// Whether and how long calls wait for another call's load of the same key (default: up to 60 seconds; in Redis, where
    /// that may be another process's load, up to 10).
    #[must_use]
    pub fn coalesce(mut self, coalesce: impl Into<Coalesce>) -> Self {
        self.coalesce = Some(coalesce.into());
        self
    }

    /// Has `listener` called with everything that happens in this cache: see [`events`](crate::events) for when and where.
    /// Of several the last counts.
    #[must_use]
    pub fn listener(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    fn source(&self, backend: &'static str) -> Arc<Source> {
        Source::new(self.name.clone(), backend, self.listener.clone())
    }

    /// The text of a key that is a template, for [`invalidate_matching`](crate::invalidate_matching); `None` for a key
    /// that has no text. Runs under a lock.
    #[doc(hidden)]
    #[must_use]
    pub fn text(mut self, text: fn(&K, &mut dyn fmt::Write) -> Option<()>) -> Self {
        self.text = Some(text);
        self
    }

    fn bound(&self) -> Bound {
        match (self.max_weight, self.capacity) {
            (Some(max_weight), _) => Bound::Weight(max_weight),
            (None, Some(capacity)) => Bound::Entries(capacity),
            (None, None) => Bound::None,
        }
    }

    fn common(&self) -> Common {
        let capacity = if self.max_weight.is_some() { None } else { self.capacity };
        let mut common = Common::new(self.name.clone(), capacity, self.max_weight);
        common.has_text = self.text.is_some();
        common
    }

    fn settings(self) -> Settings<K, V> {
        let bound = self.bound();
        let weigh = match (self.weigh, bound) {
            (None, Bound::Weight(_)) => Some(Box::new(|_: &K, _: &V| 1_usize) as Box<Weigh<K, V>>),
            (weigh, _) => weigh,
        };
        Settings {
            hasher: foldhash::quality::RandomState::default(),
            bound,
            times: Times::new(Policy::new(self.ttl, self.tti, self.jitter).with_windows(self.windows)),
            weigh,
            coalesce: self.coalesce.unwrap_or(true.into()),
            soft_timeout: self.soft_timeout,
            text: self.text,
        }
    }

    /// A cache that all threads share. It is on the list of [`caches`](crate::caches) from here on, and swept of expired
    /// entries while it lives.
    pub fn build(self) -> Cache<K, V>
    where
        K: CacheKey,
        V: CacheValue,
    {
        // Without a bound nothing is evicted: the lock-free table is the better map, whatever the eviction.
        if self.eviction == Eviction::Lru && self.bound() != Bound::None {
            self.build_lru()
        } else {
            self.build_lock_free().handle.cache
        }
    }

    /// The same where it is known before that it is one for LRU: nothing of the other kind is compiled.
    pub(crate) fn build_lru(self) -> Cache<K, V>
    where
        K: CacheKey,
        V: CacheValue,
    {
        let common = self.common().told_to(self.source("memory"));
        known(MemoryCache::lru(self.settings(), common))
    }

    /// The same where it is known before that its hits take no lock.
    pub(crate) fn build_lock_free(self) -> Cache<K, V, LockFree>
    where
        K: CacheKey,
        V: CacheValue,
    {
        let common = self.common().told_to(self.source("memory"));
        let (cache, table) = MemoryCache::lock_free(self.settings(), common);
        Cache { handle: Tabled::new(known(cache), table) }
    }

    /// The name as it was given.
    #[cfg(feature = "redis")]
    pub(crate) fn name_so_far(&self) -> &str {
        &self.name
    }

    /// What a cache in Redis is built of. Its gates are those of a cache that keeps nothing.
    #[cfg(feature = "redis")]
    pub(crate) fn remote_parts(self) -> crate::redis::Parts<V>
    where
        V: CacheValue,
    {
        /// How long a call waits for another process's load unless it is told otherwise.
        const PATIENCE_AFAR: Duration = Duration::from_secs(10);
        let gates = Builder::<Arc<str>, V>::default().capacity(0);
        let source = self.source("redis");
        let common = gates.common().told_to(Source::behind(&source));
        let gates = MemoryCache::lru(gates.settings(), common);
        let coalesce = self.coalesce.unwrap_or(PATIENCE_AFAR.into());
        let policy = Policy::new(self.ttl, self.tti, self.jitter).with_windows(self.windows);
        crate::redis::Parts {
            source,
            name: self.name,
            version: self.version,
            gates,
            policy,
            #[cfg(feature = "tokio")]
            soft_timeout: self.soft_timeout,
            coalesce,
            options: self.redis,
        }
    }

    /// A cache of this thread alone: no lock, and neither keys nor values need be `Send`.
    pub fn build_local(self) -> Cache<K, V, Local>
    where
        K: Hash + Eq + Clone + 'static,
        V: Clone + 'static,
    {
        let shared = self.shared();
        self.build_local_with(&shared)
    }

    /// One thread's part of a cache whose parts share a clear and their stats.
    #[doc(hidden)]
    pub fn build_local_with(self, shared: &LocalShared) -> Cache<K, V, Local>
    where
        K: Hash + Eq + Clone + 'static,
        V: Clone + 'static,
    {
        Cache { handle: LocalCache::new(self.settings(), Arc::clone(&shared.0)) }
    }

    /// What the threads' parts of a cache share.
    #[doc(hidden)]
    pub fn shared(&self) -> LocalShared {
        let common = Arc::new(self.common().told_to(self.source("local")));
        registry::list(Arc::downgrade(&(Arc::clone(&common) as Arc<dyn Listed>)));
        LocalShared(common)
    }
}

/// Puts a cache on the list, and has it swept.
fn known<K: CacheKey, V: CacheValue>(cache: Arc<MemoryCache<K, V>>) -> Cache<K, V> {
    let listed: Weak<dyn Listed> = Arc::downgrade(&(Arc::clone(&cache) as Arc<dyn Listed>));
    registry::list(listed);
    let swept: Weak<dyn Sweep> = Arc::downgrade(&(Arc::clone(&cache) as Arc<dyn Sweep>));
    cache.when_timed(swept);
    Cache { handle: cache }
}

/// What the threads' parts of a `local` cache share: its name, its clear, its stats.
#[doc(hidden)]
#[derive(Clone)]
pub struct LocalShared(Arc<Common>);

impl LocalShared {
    /// Forgets everything, on all threads.
    pub fn clear(&self) {
        self.0.mark_cleared();
    }

    /// What all threads did so far.
    pub fn stats(&self) -> crate::Stats {
        self.0.stats()
    }

    /// Counts from zero again.
    pub fn reset_stats(&self) {
        self.0.reset_stats();
    }
}

impl fmt::Debug for LocalShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalShared").finish_non_exhaustive()
    }
}
