//! The list of all caches of the process. Must never keep a cache alive, nor be touched by a call of a cached function
//! after its first.

use crate::acting::Invalidation;
use crate::glob::Glob;
use crate::stats::Stats;
use std::fmt;
use std::sync::{Arc, Weak};

// Not `crate::sync`: no protocol depends on the list.
use parking_lot::Mutex;

/// What the list wants of a cache.
pub(crate) trait Listed: Send + Sync {
    fn name(&self) -> &str;
    fn stats(&self) -> Stats;
    /// What [`CacheInfo::backend`] gives.
    fn backend(&self) -> &'static str;

    fn clear(&self);

    /// Forgets the entries in memory whose keys' texts match; nothing where keys have no texts.
    fn forget_matching(&self, _: &Glob) {}

    /// Where the entries are on a server: begins to clear them, and gives what to wait for.
    #[cfg(feature = "redis")]
    fn clear_afar(&self) -> Option<crate::acting::Acting> {
        None
    }

    /// The Redis connection that it uses, if it uses one.
    #[cfg(feature = "redis")]
    fn connection(&self) -> Option<&'static str> {
        None
    }

    /// Where the entries are on a server: new calls don't find loads of this process whose names there may be meant.
    #[cfg(feature = "redis")]
    fn detach_matching(&self, _: &crate::redis::Matching) {}

    /// Where the entries are on a server: how they are called there.
    #[cfg(feature = "redis")]
    fn remote(&self) -> Option<Arc<crate::redis::Remote>> {
        None
    }

    /// New calls don't find loads whose values will carry one of these tags (given as the names of their nonces).
    #[cfg(feature = "redis")]
    fn detach_tags(&self, tags: &[Arc<str>]) {
        let _ = tags;
    }
}

static ALL: Mutex<List> = Mutex::new(List { caches: Vec::new(), purge_at: 64 });

struct List {
    caches: Vec<Weak<dyn Listed>>,
    /// Dead handles are dropped when the list has grown to this: constant work for each cache on average.
    purge_at: usize,
}

/// Adds a cache to the list.
pub(crate) fn list(cache: Weak<dyn Listed>) {
    let mut all = ALL.lock();
    if all.caches.len() >= all.purge_at {
        all.caches.retain(|cache| cache.strong_count() > 0);
        all.purge_at = 2 * all.caches.len() + 64;
    }
    all.caches.push(cache);
}

pub(crate) fn all() -> Vec<Arc<dyn Listed>> {
    // Upgraded under the lock, used outside of it: `clear` runs the users' `Drop`.
    ALL.lock().caches.iter().filter_map(Weak::upgrade).collect()
}

/// All caches that exist now, in the order in which they were first used.
///
/// A cached function is listed from its first call on, each instantiation of a generic one on its own; a
/// [`Cache`](crate::Cache) as long as a handle of it lives.
///
/// ```
/// use cached_runtime::{Cache, caches};
///
/// let colours = Cache::<u32, String>::builder().name("colours").build();
/// colours.get(&7);
/// for cache in caches() {
///     println!("{}: {}", cache.name(), cache.stats());
/// }
/// assert!(caches().iter().any(|cache| cache.name() == "colours" && cache.stats().misses == 1));
/// ```
pub fn caches() -> Vec<CacheInfo> {
    all().into_iter().map(CacheInfo).collect()
}

/// One of all [`caches`]: its name, its stats, and a way to clear it.
#[derive(Clone)]
pub struct CacheInfo(Arc<dyn Listed>);

impl CacheInfo {
    /// The name that the cache was built with; for a function, its path.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// What it did so far.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Where its entries live: `"memory"`, `"local"` or `"redis"`.
    ///
    /// ```
    /// use cached_runtime::{Cache, caches};
    ///
    /// let colours = Cache::<u32, String>::builder().name("shades").build();
    /// # drop(colours.get(&1));
    /// assert!(caches().iter().any(|cache| cache.name() == "shades" && cache.backend() == "memory"));
    /// ```
    pub fn backend(&self) -> &'static str {
        self.0.backend()
    }

    /// The connection that a cache in Redis uses, by its name; `None` for one in memory.
    pub fn connection(&self) -> Option<&'static str> {
        #[cfg(feature = "redis")]
        return self.0.connection();
        #[cfg(not(feature = "redis"))]
        None
    }

    /// How the connection of a cache in Redis is, its breaker's state included; asks nobody. `None` for a cache in memory,
    /// and before the connection is used for the first time.
    #[cfg(feature = "redis")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
    pub fn health(&self) -> Option<crate::redis::Health> {
        crate::redis::health_of(crate::redis::Client::named(self.0.connection()?))
    }

    /// Begins to forget everything in it, and gives what to wait for.
    #[cfg(feature = "dashboard")]
    pub(crate) fn clearing(&self) -> Invalidation {
        #[cfg(feature = "redis")]
        if let Some(afar) = self.0.clear_afar() {
            return Invalidation::of(vec![afar]);
        }
        self.0.clear();
        Invalidation::default()
    }

    /// Forgets everything in it.
    pub fn clear(&self) {
        self.0.clear();
    }
}

impl fmt::Debug for CacheInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheInfo").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Clears all caches of the process.
///
/// It acts at once. Await the result, or call [`wait`](Invalidation::wait), to learn whether it succeeded: a call that
/// starts after that never gets a value whose load began before.
///
/// # Errors
///
/// What kept a server from forgetting; it is tried again for as long as the process lives. None with the memory stores.
///
/// ```
/// use cached_runtime::{Cache, clear_all};
///
/// let cache = Cache::builder().build();
/// cache.set(1, "one");
/// clear_all().wait()?;
/// assert_eq!(cache.get(&1), None);
/// # Ok::<_, cached_runtime::Error>(())
/// ```
pub fn clear_all() -> Invalidation {
    #[cfg(feature = "redis")]
    let mut acting = Vec::new();
    #[cfg(not(feature = "redis"))]
    let acting = Vec::new();
    for cache in all() {
        #[cfg(feature = "redis")]
        if let Some(afar) = cache.clear_afar() {
            acting.push(afar);
            continue;
        }
        cache.clear();
    }
    Invalidation::of(acting)
}
