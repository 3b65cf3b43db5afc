//! One entry of a `Cache`, with what is to be said of it besides its key: the front door to tags. Must never hold logic of
//! its own: it names what `at` and `miss` do.

use crate::at::{At, Lookup, at};
use crate::cache::{ByValue, Cache, Load};
use crate::outcome::{self, Outcome};
use crate::store::{Engine, InProcess, Memory, Store};
use crate::tags::{TagList, TagSource};
use std::fmt;
use std::future::Future;
use std::hash::Hash;

/// The place of one entry, from [`Cache::entry`]: for a load or a `set` that says more than its key.
///
/// ```
/// use cached_runtime::{Cache, invalidate_tag};
///
/// let pages = Cache::builder().build();
/// let user = 7;
/// let page: String = pages.entry(1).tags(&[format_args!("user:{user}")]).get_or_load(|| format!("for {user}"));
/// assert_eq!(pages.get(&1), Some(page));
/// invalidate_tag("user:7").wait()?;
/// assert_eq!(pages.get(&1), None);
/// # Ok::<_, cached_runtime::Error>(())
/// ```
#[must_use = "it does nothing by itself: load it or set it"]
pub struct Entry<'c, K: 'static, V: 'static, S: Store = Memory> {
    cache: &'c Cache<K, V, S>,
    key: K,
    tags: TagSource<'c>,
}

impl<K, V, S: Store> fmt::Debug for Entry<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

impl<'c, K, V, S> Entry<'c, K, V, S>
where
    K: Hash + Eq + Clone + 'static,
    V: Clone + 'static,
    S: InProcess,
    S::Handle<K, V>: Engine<K, V>,
{
    pub(crate) fn new(cache: &'c Cache<K, V, S>, key: K) -> Self {
        Self { cache, key, tags: TagSource::None }
    }

    fn at<O: Outcome<Value = V>>(self, outcome: O) -> At<'c, ByValue<K>, O, S> {
        At { tags: self.tags, ..at(self.cache, ByValue(self.key), outcome) }
    }

    /// The tags of what is stored: [`invalidate_tag`](crate::invalidate_tag) of any of them forgets it. An array, a `Vec`
    /// or a slice, of anything that can be displayed. Sync code displays them on a miss and for a `set` only, under a lock;
    /// async code each time.
    pub fn tags(mut self, tags: &'c impl TagList) -> Self {
        self.tags = TagSource::List(tags);
        self
    }

    /// As [`Cache::set`].
    pub fn set(self, value: V) {
        self.at(outcome::whole::<V>()).set(&value);
    }

    /// As [`Cache::get_or_load`].
    ///
    /// # Panics
    ///
    /// If `load` does.
    pub fn get_or_load(self, load: impl FnOnce() -> V) -> V {
        match self.at(outcome::whole::<V>()).lookup() {
            Lookup::Hit(value) => value,
            Lookup::Miss(mut miss) => miss.run(load),
        }
    }

    /// As [`Cache::try_get_or_load`].
    ///
    /// # Errors
    ///
    /// What `load` returns.
    pub fn try_get_or_load<E>(self, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        match self.at(outcome::result::<V, E>()).lookup() {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(mut miss) => miss.run(load),
        }
    }

    /// As [`Cache::get_or_load_async`], with the limit that it has.
    pub fn get_or_load_async<F: Future<Output = V>>(self, load: F) -> impl Future<Output = V> + use<'c, K, V, S, F> {
        Load::new(self.cache, self.key, self.tags.slots(), (outcome::whole::<V>(), load))
    }

    /// As [`Cache::try_get_or_load_async`], with the limit that it has.
    ///
    /// # Errors
    ///
    /// What `load` gives.
    pub fn try_get_or_load_async<E, F>(self, load: F) -> impl Future<Output = Result<V, E>> + use<'c, K, V, S, E, F>
    where
        F: Future<Output = Result<V, E>>,
    {
        Load::new(self.cache, self.key, self.tags.slots(), (outcome::result::<V, E>(), load))
    }
}
