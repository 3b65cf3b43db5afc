//! `Cache<K, V, Redis>`: the front door of entries in Redis, and how one is built. Must never hold logic of its own.

use super::Client;
use super::bulk::Each;
use super::codec::Codec;
use super::core::{Core, RemoteKey, RemoteValue};
use super::entry::Entry;
use super::flights::Flights;
use super::keys::{Form, Name};
use super::queue::Queue;
use super::remote::Remote;
use super::scan::{Matching, Sweep, Take};
use crate::acting::Acting;
use crate::at::{At, Lookup, at};
use crate::builder::Builder;
use crate::bulk::Bulk;
use crate::cache::Cache;
use crate::error::{Error, ErrorKind};
use crate::key::{Val, View};
use crate::memory::MemoryCache;
use crate::outcome::{self, CacheValue};
use crate::registry::{self, Listed};
use crate::stats::Stats;
use crate::store::Redis;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// A cache of one type of keys.
pub struct RedisCache<K, V: 'static> {
    core: Arc<Core<V>>,
    /// Why it keeps nothing, if another function has its name.
    refused: Option<Error>,
    key: PhantomData<fn(K)>,
}

impl<K, V> Deref for RedisCache<K, V> {
    type Target = Arc<Core<V>>;

    fn deref(&self) -> &Arc<Core<V>> {
        &self.core
    }
}

impl<K: RemoteKey, V: RemoteValue> RedisCache<K, V> {
    /// The name of an entry.
    pub(crate) fn name<P: View<Owned = K>>(&self, view: &P) -> Result<Name, Error> {
        match &self.refused {
            Some(error) => Err(error.clone()),
            None => self.core.remote.name(&view.own()),
        }
    }
}

impl<V: CacheValue> Listed for Core<V> {
    fn name(&self) -> &str {
        &self.remote.cache
    }

    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn clear(&self) {
        drop(Self::clear(self));
    }

    fn backend(&self) -> &'static str {
        "redis"
    }

    fn clear_afar(&self) -> Option<Acting> {
        Some(Self::clear(self))
    }

    fn detach_matching(&self, matching: &Matching) {
        self.flights.detach_where(|name| matching.take(name) != Take::No);
    }

    fn remote(&self) -> Option<Arc<Remote>> {
        Some(Arc::clone(&self.remote))
    }

    fn connection(&self) -> Option<&'static str> {
        Some(self.remote.client.name())
    }

    fn detach_tags(&self, tags: &[Arc<str>]) {
        self.flights.detach_tags(tags);
    }
}

/// How a cache in Redis is built, besides what all caches have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    connection: &'static str,
    codec: Codec,
    compress_above: Option<usize>,
    form: Form,
    plain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { connection: "default", codec: Codec::Json, compress_above: None, form: Form::Json, plain: false }
    }
}

impl<K, V> Builder<K, V> {
    /// The named connection to use in Redis (default `"default"`): see [`Config`](crate::redis::Config).
    #[must_use]
    pub fn redis(mut self, connection: &'static str) -> Self {
        self.redis.connection = connection;
        self
    }

    /// How values cross to Redis (default [`Codec::Json`]).
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.redis.codec = codec;
        self
    }

    /// Compresses values of more bytes than this on their way to Redis (default: none). Without the feature `compress`
    /// it has no effect.
    #[must_use]
    pub fn compress_above(mut self, bytes: usize) -> Self {
        self.redis.compress_above = Some(bytes);
        self
    }

    /// The text of keys in Redis as a template: `pieces` is what stands before, between and after the parts of the key,
    /// so there is one more of them than parts. (Default: the key as JSON.)
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// // product:7
    /// let products = Cache::<u32, String>::builder().name("products").template(&["product:", ""]).build_redis();
    /// ```
    #[must_use]
    pub fn template(mut self, pieces: &'static [&'static str]) -> Self {
        self.redis.form = Form::Template(pieces);
        self
    }

    /// Bare JSON at the template's text as the key, without prefix or envelope: programs in other languages share the entries.
    ///
    /// What they store is served, until it expires by their `PX`; what is not the JSON of this cache's values is a miss, and is
    /// replaced. In the text the parts stand as they are but for what is neither letter, digit nor one of `_.@+~`, which is
    /// percent-encoded. Beside an entry lie `{key}:lease` and `{key}:w` while it is loaded or written.
    ///
    /// One load a key and the fences hold among programs that use this crate. Lost is: a `DEL` by another program during a
    /// load is not seen, and the load's value is stored; there are no tags, no stale windows, no other codec, and no `version`;
    /// `clear` is an error and `invalidate_matching` passes by, since other programs' keys may look like these. A cache that
    /// asks for one of these, or that has no [`template`](Self::template), keeps nothing and returns
    /// [`ErrorKind::Config`](crate::ErrorKind::Config).
    ///
    /// ```no_run
    /// use cached_runtime::Cache;
    /// use std::time::Duration;
    ///
    /// // In Python: json.loads(redis.get("product:7"))
    /// let products = Cache::<u32, Vec<String>>::builder()
    ///     .name("products")
    ///     .template(&["product:", ""])
    ///     .plain()
    ///     .ttl(Duration::from_secs(60))
    ///     .build_redis();
    /// products.set(7, vec!["tea".to_owned()])?;
    /// # Ok::<_, cached_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.redis.plain = true;
        self
    }

    /// Adds the types of an instantiation to the name.
    pub(crate) fn name_more(self, types: &str) -> Self {
        if types.is_empty() {
            return self;
        }
        let name = format!("{}{types}", self.name_so_far());
        self.name(name)
    }

    /// A cache whose entries are in Redis, shared with all processes that use the same server, namespace, name and
    /// version. It connects at the first use.
    ///
    /// `capacity`, `eviction` and weights have no effect: how much there is, and who goes first, is the server's
    /// `maxmemory` and `maxmemory-policy`. With a [`tti`](Self::tti) an entry lives on for between three quarters of it and all
    /// of it after its last read, in whichever process: reads write to the server no more than once in a quarter.
    pub fn build_redis(self) -> Cache<K, V, Redis>
    where
        K: RemoteKey,
        V: RemoteValue,
    {
        self.build_redis_unless(|_, _, _| None)
    }

    /// The same, unless its connection, name and version are another function's.
    pub(crate) fn build_redis_unless(
        self,
        refused: impl FnOnce(&'static str, &str, u32) -> Option<Error>,
    ) -> Cache<K, V, Redis>
    where
        K: RemoteKey,
        V: RemoteValue,
    {
        let parts = self.remote_parts();
        let options = parts.options;
        let refused = refused(options.connection, &parts.name, parts.version).or_else(|| unfit(&parts));
        let form = match options.form {
            Form::Template(pieces) if options.plain => Form::Bare(pieces),
            form => form,
        };
        let remote = Remote::new(
            Client::named(options.connection),
            Arc::clone(&parts.source),
            parts.version,
            form,
            &parts.policy,
        );
        let queue = Arc::new(if remote.is_bare() { Queue::of_bare() } else { Queue::default() });
        let core = Arc::new(Core {
            remote,
            flights: Flights::new(parts.gates),
            codec: options.codec,
            compress_above: options.compress_above,
            policy: parts.policy,
            #[cfg(feature = "tokio")]
            soft_timeout: parts.soft_timeout,
            coalesce: parts.coalesce,
            counts: Arc::new(super::core::Counts::of(&parts.source)),
            queue,
        });
        let listed: Weak<dyn Listed> = Arc::downgrade(&(Arc::clone(&core) as Arc<dyn Listed>));
        registry::list(listed);
        Cache { handle: Arc::new(RedisCache { core, refused, key: PhantomData }) }
    }
}

/// Why a cache can't be as its builder says; logged, since whoever builds it can't be told otherwise.
fn unfit<V>(parts: &Parts<V>) -> Option<Error> {
    let Parts { options, policy, version, .. } = parts;
    let cause = if !options.plain {
        return None;
    } else if policy.tti().is_some() {
        "bare JSON doesn't say when it ends, so reads can't prolong it: remove `tti`, or `plain`"
    } else if !matches!(options.form, Form::Template(_)) {
        "`plain` needs a template that says what the keys are: add `.template(..)`"
    } else if policy.renews() || policy.has_stale() {
        "bare JSON has no stale windows and is not refreshed ahead: remove them, or `plain`"
    } else if options.codec != Codec::Json || options.compress_above.is_some() {
        "`plain` is JSON as it is: remove `codec` and `compress_above`"
    } else if *version != 0 {
        "bare keys have no `version`: put it into the template"
    } else {
        return None;
    };
    let error = Error::new(ErrorKind::Config, cause).of(&parts.name, None);
    log::error!("{error}");
    Some(error)
}

/// What a builder has for a cache in Redis.
pub(crate) struct Parts<V: 'static> {
    pub(crate) source: Arc<crate::hooks::Source>,
    pub(crate) name: std::borrow::Cow<'static, str>,
    pub(crate) version: u32,
    pub(crate) gates: Arc<MemoryCache<Arc<str>, V>>,
    pub(crate) policy: crate::policy::Policy,
    #[cfg(feature = "tokio")]
    pub(crate) soft_timeout: Option<std::time::Duration>,
    pub(crate) coalesce: crate::builder::Coalesce,
    pub(crate) options: Options,
}

impl<K, V> fmt::Debug for Cache<K, V, Redis> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("name", &self.handle.remote.cache).finish_non_exhaustive()
    }
}

/// Each operation has two forms: one that blocks, for sync code, and one to await. Both do the same; the blocking one may
/// also be called inside of an async runtime, where it holds up its thread for as long as the server takes.
///
/// ```no_run
/// use cached_runtime::Cache;
/// use std::time::Duration;
///
/// let pages = Cache::builder().name("pages").ttl(Duration::from_secs(60)).build_redis();
/// let page: String = pages.get_or_load(7_u32, || format!("page {}", 7));
/// pages.invalidate(&7)?;
/// # Ok::<_, cached_runtime::Error>(())
/// ```
impl<K, V> Cache<K, V, Redis>
where
    K: RemoteKey,
    V: RemoteValue,
{
    fn place(&self, key: K) -> At<'_, Val<K>, outcome::AsWhole<V>, Redis> {
        at(self, Val::new(key), outcome::whole::<V>())
    }

    /// The place of one entry, for what says more than its key: its tags.
    ///
    /// ```no_run
    /// use cached_runtime::{Cache, invalidate_tag};
    /// use std::time::Duration;
    ///
    /// let pages = Cache::builder().name("pages").ttl(Duration::from_secs(60)).build_redis();
    /// let page: String = pages.entry(7_u32).tags(&["products"]).get_or_load(|| "page 7".to_owned());
    /// invalidate_tag("products").wait()?; // in all processes
    /// # Ok::<_, cached_runtime::Error>(())
    /// ```
    pub fn entry(&self, key: K) -> Entry<'_, K, V> {
        Entry::new(self, key)
    }

    fn fallible<E>(&self, key: K) -> At<'_, Val<K>, outcome::AsResult<V, E, outcome::Unshared>, Redis> {
        at(self, Val::new(key), outcome::result::<V, E>())
    }

    /// The value of a key, if it is there and the server can be reached. Counts as a hit or a miss.
    pub fn get(&self, key: &K) -> Option<V> {
        self.place(key.clone()).get()
    }

    /// As [`get`](Self::get), for async code.
    pub fn get_async(&self, key: &K) -> impl Future<Output = Option<V>> + Send + use<K, V> {
        self.place(key.clone()).get_async()
    }

    /// The values of many keys, in their order: one round trip for all. Each counts as a hit or a miss.
    ///
    /// `None` where nothing is there, or where the server that has the key can't be reached.
    ///
    /// ```no_run
    /// use cached_runtime::{Cache, Redis};
    ///
    /// # fn of(prices: Cache<u32, f64, Redis>) {
    /// let sum: f64 = prices.get_many([1, 2, 3]).into_iter().flatten().sum();
    /// # }
    /// ```
    pub fn get_many(&self, keys: impl IntoIterator<Item = K>) -> Vec<Option<V>> {
        super::many(keys.into_iter().map(|key| self.place(key).ask()).collect())
    }

    /// As [`get_many`](Self::get_many), for async code.
    pub fn get_many_async(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> impl Future<Output = Vec<Option<V>>> + Send + 'static {
        let asked: Vec<_> = keys.into_iter().map(|key| self.place(key).ask()).collect();
        super::many_async(asked)
    }

    fn each(&self, keys: impl IntoIterator<Item = K>) -> Each<K, outcome::AsOption<V>> {
        let asked = |key: K| (key.clone(), at(self, Val::new(key), outcome::option::<V>()).ask());
        Each::new(keys.into_iter().map(asked).collect())
    }

    /// The values of many keys: those that are there, and for the rest what `load` gives, which is stored.
    ///
    /// One round trip reads them all. `load` runs once, with only the keys that are missing and that nobody else loads, in
    /// this process or another; it gives a `HashMap` or `BTreeMap` by key, a `Vec` in the order of the keys it was given (of
    /// values, or of `Option`s), or a `Result` of one of these, and so does this. A key that it gives no value is not stored.
    /// Loads of others are waited for after that; should one of them bring nothing, `load` runs once more, with their keys.
    ///
    /// Each key is one entry, the same as that of [`get_or_load`](Self::get_or_load): all promises hold for each.
    ///
    /// ```no_run
    /// use cached_runtime::{Cache, Redis};
    /// use std::collections::HashMap;
    ///
    /// # fn of(names: Cache<u64, String, Redis>) {
    /// let found: HashMap<u64, String> = names.get_or_load_many([1, 2, 3], |missing| {
    ///     missing.into_iter().map(|id| (id, format!("user {id}"))).collect()
    /// });
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `load` does: those who wait for its keys load anew.
    pub fn get_or_load_many<R: Bulk<K, V>>(
        &self,
        keys: impl IntoIterator<Item = K>,
        load: impl FnMut(Vec<K>) -> R,
    ) -> R {
        self.each(keys).run(load)
    }

    /// As [`get_or_load_many`](Self::get_or_load_many), for async code.
    pub fn get_or_load_many_async<R, F>(
        &self,
        keys: impl IntoIterator<Item = K>,
        load: impl FnMut(Vec<K>) -> F,
    ) -> impl Future<Output = R>
    where
        R: Bulk<K, V>,
        F: Future<Output = R>,
    {
        self.each(keys).run_async(load)
    }

    /// Whether a key is there. Not a read: it does not count for the stats.
    pub fn contains(&self, key: &K) -> bool {
        self.place(key.clone()).contains()
    }

    /// As [`contains`](Self::contains), for async code.
    pub fn contains_async(&self, key: &K) -> impl Future<Output = bool> + Send + use<K, V> {
        self.place(key.clone()).contains_async()
    }

    /// Stores a value. Loads of this key that are under way, in any process, are not stored any more.
    ///
    /// Of two processes that store at the same time neither value may stay: a miss is better than the older value.
    ///
    /// # Errors
    ///
    /// What kept the server from it. What was there before is then invalidated, for which it is tried again and again.
    #[expect(clippy::needless_pass_by_value, reason = "as in memory, where the value is kept")]
    pub fn set(&self, key: K, value: V) -> Result<(), Error> {
        self.place(key).set(&value)
    }

    /// As [`set`](Self::set), for async code. It begins at once, and goes on if the result is dropped.
    #[expect(clippy::needless_pass_by_value, reason = "as in memory, where the value is kept")]
    pub fn set_async(&self, key: K, value: V) -> Acting {
        self.place(key).set_async(&value)
    }

    /// Forgets a key. A call that starts after this returned `Ok`, in any process, never gets a value whose load began
    /// before.
    ///
    /// # Errors
    ///
    /// What kept the server from it. It is tried again for as long as this process lives, and the key is a miss here
    /// until then; others may serve the old value up to its time to live.
    pub fn invalidate(&self, key: &K) -> Result<(), Error> {
        self.place(key.clone()).invalidate()
    }

    /// As [`invalidate`](Self::invalidate), for async code. It begins at once, and goes on if the result is dropped.
    pub fn invalidate_async(&self, key: &K) -> Acting {
        self.place(key.clone()).invalidate_async()
    }

    /// Forgets everything, in all processes. The memory on the server comes free as the entries' time is over.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub fn clear(&self) -> Result<(), Error> {
        self.clear_async().wait()
    }

    /// As [`clear`](Self::clear), for async code. It begins at once, and goes on if the result is dropped.
    pub fn clear_async(&self) -> Acting {
        Core::clear(&self.handle)
    }

    /// The value of a key; if it is not there, what `load` gives, which is stored. Calls for one key at the same time, in
    /// all processes, run one `load` and share its value. Whatever is wrong with the server, `load` runs.
    ///
    /// # Panics
    ///
    /// If `load` does: the panic goes to its caller, and those who wait load anew.
    pub fn get_or_load(&self, key: K, load: impl FnOnce() -> V) -> V {
        match self.place(key).lookup() {
            Lookup::Hit(value) => value,
            Lookup::Miss(miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for a loader that may fail. An error is not stored.
    ///
    /// # Errors
    ///
    /// What `load` returns.
    pub fn try_get_or_load<E>(&self, key: K, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        match self.fallible(key).lookup() {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for async code. `load` is not polled on a hit, nor while another call loads
    /// the same key.
    pub async fn get_or_load_async(&self, key: K, load: impl Future<Output = V>) -> V {
        let found = self.place(key).lookup_async();
        match found.await {
            Lookup::Hit(value) => value,
            Lookup::Miss(miss) => miss.run_async(load).await,
        }
    }

    /// As [`try_get_or_load`](Self::try_get_or_load), for async code.
    ///
    /// # Errors
    ///
    /// What `load` gives.
    pub async fn try_get_or_load_async<E>(&self, key: K, load: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let found = self.fallible(key).lookup_async();
        match found.await {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(miss) => miss.run_async(load).await,
        }
    }
}

impl<K, V: CacheValue> Cache<K, V, Redis> {
    /// What it did so far, in this process.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// Counts from zero again; entries stay.
    pub fn reset_stats(&self) {
        self.handle.reset_stats();
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.handle.remote.cache
    }

    /// The handle itself: see the same of the memory caches.
    #[doc(hidden)]
    pub fn __handle(&self) -> &Self {
        self
    }
}
