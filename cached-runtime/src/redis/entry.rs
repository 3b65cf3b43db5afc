//! One entry of a cache in Redis, with what is to be said of it besides its key. Must never hold logic of its own: it names
//! what `at` and `load` do.

use super::core::{RemoteKey, RemoteValue};
use crate::acting::Acting;
use crate::at::{At, Lookup, at};
use crate::cache::Cache;
use crate::error::Error;
use crate::key::Val;
use crate::outcome::{self, Outcome};
use crate::store::Redis;
use crate::tags::{TagList, TagSource};
use std::fmt;
use std::future::Future;

/// The place of one entry, from `Cache::entry` of a cache in Redis.
///
/// An entry is found with the tags that it was stored with: whoever says others, or none, finds nothing (and `get_or_load`
/// loads, and stores anew). So let one function of your own make the place from the key.
#[must_use = "it does nothing by itself: load it or set it"]
pub struct Entry<'c, K: 'static, V: 'static> {
    cache: &'c Cache<K, V, Redis>,
    key: K,
    tags: TagSource<'c>,
}

impl<K, V> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

impl<'c, K: RemoteKey, V: RemoteValue> Entry<'c, K, V> {
    pub(crate) fn new(cache: &'c Cache<K, V, Redis>, key: K) -> Self {
        Self { cache, key, tags: TagSource::None }
    }

    fn at<O: Outcome<Value = V>>(self, outcome: O) -> At<'c, Val<K>, O, Redis> {
        At { tags: self.tags, ..at(self.cache, Val::new(self.key), outcome) }
    }

    /// The tags that the entry carries, at most 200: [`invalidate_tag`](crate::invalidate_tag) of any of them forgets it,
    /// in all processes. An array, a `Vec` or a slice, of anything that can be displayed. They are displayed for each
    /// call, since a read asks the server for each of them.
    pub fn tags(mut self, tags: &'c impl TagList) -> Self {
        self.tags = TagSource::List(tags);
        self
    }

    /// The value, if it is there and the server can be reached. Counts as a hit or a miss.
    pub fn get(self) -> Option<V> {
        self.at(outcome::whole::<V>()).get()
    }

    /// As [`get`](Self::get), for async code.
    pub fn get_async(self) -> impl Future<Output = Option<V>> + Send + use<K, V> {
        self.at(outcome::whole::<V>()).get_async()
    }

    /// Stores a value: see `Cache::set`.
    ///
    /// # Errors
    ///
    /// What kept the server from it; it is tried again as an invalidation.
    #[expect(clippy::needless_pass_by_value, reason = "as in memory, where the value is kept")]
    pub fn set(self, value: V) -> Result<(), Error> {
        self.at(outcome::whole::<V>()).set(&value)
    }

    /// As [`set`](Self::set), for async code. It begins at once, and goes on if the result is dropped.
    #[expect(clippy::needless_pass_by_value, reason = "as in memory, where the value is kept")]
    pub fn set_async(self, value: V) -> Acting {
        self.at(outcome::whole::<V>()).set_async(&value)
    }

    /// The value; if it is not there, what `load` gives, which is stored: see `Cache::get_or_load`.
    ///
    /// # Panics
    ///
    /// If `load` does.
    pub fn get_or_load(self, load: impl FnOnce() -> V) -> V {
        match self.at(outcome::whole::<V>()).lookup() {
            Lookup::Hit(value) => value,
            Lookup::Miss(miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for a loader that may fail. An error is not stored.
    ///
    /// # Errors
    ///
    /// What `load` returns.
    pub fn try_get_or_load<E>(self, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        match self.at(outcome::result::<V, E>()).lookup() {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for async code.
    pub fn get_or_load_async<F: Future<Output = V>>(self, load: F) -> impl Future<Output = V> + use<K, V, F> {
        let found = self.at(outcome::whole::<V>()).lookup_async();
        async move {
            match found.await {
                Lookup::Hit(value) => value,
                Lookup::Miss(miss) => miss.run_async(load).await,
            }
        }
    }

    /// As [`try_get_or_load`](Self::try_get_or_load), for async code.
    ///
    /// # Errors
    ///
    /// What `load` gives.
    pub fn try_get_or_load_async<E, F>(self, load: F) -> impl Future<Output = Result<V, E>> + use<K, V, E, F>
    where
        F: Future<Output = Result<V, E>>,
    {
        let found = self.at(outcome::result::<V, E>()).lookup_async();
        async move {
            match found.await {
                Lookup::Hit(ret) => ret,
                Lookup::Miss(miss) => miss.run_async(load).await,
            }
        }
    }
}
