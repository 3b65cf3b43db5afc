//! `Cache<K, V>`: the front door, and a cheap handle. Must never hold logic of its own: it names what `at`, `miss` and
//! the stores do.

use crate::at::{At, Lookup, at};
use crate::builder::Builder;
use crate::entry::Entry;
use crate::events::InvalidationCause;
use crate::key::{CacheKey, View};
use crate::memory::entry::{ByKey, Find};
use crate::miss::RunAsync;
use crate::outcome::{self, CacheValue, Outcome};
use crate::stats::Stats;
use crate::store::{Engine, InProcess, LockFree, Memory, Store};
use crate::tags::{TagSource, Tags};
use crate::watched;
use pin_project_lite::pin_project;
use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A cache: a cheap handle, to clone and to share.
///
/// `#[cached]` functions expand to calls of one; whoever needs no attribute uses it by hand and loses nothing: calls
/// for one missing key at the same time run the loader once, an invalidated value never comes back, panics and dropped
/// futures hand over to the next caller.
///
/// ```
/// use cached_runtime::Cache;
/// use std::time::Duration;
///
/// let pages = Cache::builder().name("pages").capacity(10_000).ttl(Duration::from_secs(60)).build();
/// let page: String = pages.get_or_load(7, || format!("page {}", 7));
/// assert_eq!(pages.get(&7), Some(page));
/// pages.invalidate(&7);
/// assert!(!pages.contains(&7));
/// ```
pub struct Cache<K: 'static, V: 'static, S: Store = Memory> {
    pub(crate) handle: S::Handle<K, V>,
}

impl<K, V, S: Store> Clone for Cache<K, V, S> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<K, V, S: InProcess> fmt::Debug for Cache<K, V, S>
where
    S::Handle<K, V>: Engine<K, V>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.handle.common().name())
            .field("len", &self.handle.common().len())
            .finish_non_exhaustive()
    }
}

impl<K: CacheKey, V: CacheValue> Default for Cache<K, V> {
    /// As `Cache::builder().build()`: 1024 entries, LRU, no expiry.
    fn default() -> Self {
        Builder::default().build()
    }
}

impl<K, V> Cache<K, V, LockFree> {
    /// The handle that a function's users are given.
    #[doc(hidden)]
    #[must_use]
    pub fn __memory(&self) -> &Cache<K, V> {
        &self.handle.cache
    }
}

impl<K, V> Cache<K, V> {
    /// How a cache is built. Without further words: 1024 entries, LRU, no expiry, in memory that all threads share.
    pub fn builder() -> Builder<K, V> {
        Builder::default()
    }
}

/// A key that is there by value, as a view.
pub(crate) struct ByValue<K>(pub(crate) K);

impl<K: Hash + Eq + Clone + 'static> View for ByValue<K> {
    type Owned = K;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }

    fn same(&self, owned: &K) -> bool {
        self.0 == *owned
    }

    fn own(&self) -> K {
        self.0.clone()
    }
}

impl<K, V, S> Cache<K, V, S>
where
    K: Hash + Eq + Clone + 'static,
    V: Clone + 'static,
    S: InProcess,
    S::Handle<K, V>: Engine<K, V>,
{
    /// The value of a key, if it is there and has not expired. Counts as a hit or a miss.
    ///
    /// A hit clones the value, and does nothing else that allocates: keep large values in an [`Arc`](std::sync::Arc).
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        watched::read(&self.handle, &Find { hash: self.handle.hash_key(key), view: &ByKey(key) })
    }

    /// Whether a key is there and has not expired. Not a read: it counts neither for the stats nor for eviction.
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        !watched::is_past() && self.handle.has(&Find { hash: self.handle.hash_key(key), view: &ByKey(key) })
    }

    /// Stores a value, in the place of what is there. A load of this key that is under way is not stored any more, since
    /// it began before.
    #[doc(alias = "insert")]
    pub fn set(&self, key: K, value: V) {
        let hash = self.handle.hash_key(&key);
        self.handle.set((hash, key), (value, None, Tags::default()));
    }

    /// Forgets a key. A call that starts after this returned never gets a value whose load began before.
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// let cache = Cache::builder().build();
    /// cache.set("a".to_owned(), 1);
    /// cache.invalidate("a");
    /// assert_eq!(cache.get("a"), None);
    /// ```
    #[doc(alias = "remove")]
    pub fn invalidate<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        watched::invalidate(&self.handle, &Find { hash: self.handle.hash_key(key), view: &ByKey(key) });
    }

    /// Forgets the entries that `predicate` says yes to. A call that starts after this returned never gets a value of such
    /// an entry whose load began before. The values of loads that are under way can't be judged yet: none of them is
    /// stored. In a cache of one thread it acts on that thread's entries.
    ///
    /// It looks at every entry, also those that have expired and are not swept yet. `predicate` runs under a lock: keep it
    /// short.
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// let cache = Cache::builder().build();
    /// (1..=9).for_each(|n| cache.set(n, n * n));
    /// cache.invalidate_where(|key, value| key % 2 == 0 || *value > 50);
    /// let mut left: Vec<_> = cache.iter_keys().collect();
    /// left.sort();
    /// assert_eq!(left, [1, 3, 5, 7]);
    /// ```
    #[doc(alias = "retain")]
    pub fn invalidate_where(&self, mut predicate: impl FnMut(&K, &V) -> bool) {
        self.handle.invalidate_where(&mut predicate);
        watched::forgotten(self.handle.common().source(), InvalidationCause::Where);
    }

    /// Forgets everything. A call that starts after this returned never gets a value whose load began before.
    pub fn clear(&self) {
        self.handle.clear();
    }

    /// The value of a key; if it is not there, what `load` gives, which is stored. Calls for one key at the same time
    /// run one `load` and share its value.
    ///
    /// # Panics
    ///
    /// If `load` does: the panic goes to its caller, and those who wait load anew.
    #[doc(alias = "get_with")]
    pub fn get_or_load(&self, key: K, load: impl FnOnce() -> V) -> V {
        match at(self, ByValue(key), outcome::whole::<V>()).lookup() {
            Lookup::Hit(value) => value,
            Lookup::Miss(mut miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for a loader that may fail. An error is not stored; those who waited for it
    /// load on their own, in waves of 2, 4, 8... at once. (A `#[cached]` function also shares errors that are `Clone`.)
    ///
    /// # Errors
    ///
    /// What `load` returns.
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// let cache = Cache::builder().build();
    /// let parsed = |text: &str| cache.try_get_or_load(text.to_owned(), || text.parse::<u32>());
    /// assert_eq!(parsed("7"), Ok(7));
    /// assert!(parsed("x").is_err());
    /// assert_eq!(cache.len(), 1);
    /// ```
    pub fn try_get_or_load<E>(&self, key: K, load: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        match at(self, ByValue(key), outcome::result::<V, E>()).lookup() {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(mut miss) => miss.run(load),
        }
    }

    /// As [`get_or_load`](Self::get_or_load), for async code. `load` is not polled on a hit, nor while another call
    /// loads the same key. Needs no particular runtime.
    ///
    /// Known limit: where the key or the value holds a reference (`Cache<u32, &'static str>`), the compiler can't prove a
    /// future that awaits this one to be `Send`, and `tokio::spawn` refuses it: "implementation of `Send` is not general
    /// enough" ([rust-lang/rust#110338](https://github.com/rust-lang/rust/issues/110338)). Use owned types, such as
    /// `Arc<str>`, or a `#[cached]` function.
    pub fn get_or_load_async<F: Future<Output = V>>(
        &self,
        key: K,
        load: F,
    ) -> impl Future<Output = V> + use<'_, K, V, S, F> {
        Load::new(self, key, Tags::default(), (outcome::whole::<V>(), load))
    }

    /// As [`try_get_or_load`](Self::try_get_or_load), for async code; with the limit of
    /// [`get_or_load_async`](Self::get_or_load_async).
    ///
    /// # Errors
    ///
    /// What `load` gives.
    pub fn try_get_or_load_async<E, F>(
        &self,
        key: K,
        load: F,
    ) -> impl Future<Output = Result<V, E>> + use<'_, K, V, S, E, F>
    where
        F: Future<Output = Result<V, E>>,
    {
        Load::new(self, key, Tags::default(), (outcome::result::<V, E>(), load))
    }

    /// The place of one entry, for a load or a `set` that says more than its key: its tags.
    ///
    /// ```
    /// # use cached_runtime::Cache;
    /// let cache = Cache::builder().build();
    /// cache.entry("a").tags(&["letters"]).set(1);
    /// assert_eq!(cache.entry("a").get_or_load(|| 2), 1);
    /// ```
    pub fn entry(&self, key: K) -> Entry<'_, K, V, S> {
        Entry::new(self, key)
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        self.handle.common().name()
    }

    /// How many entries there are, including expired ones that are not swept yet.
    pub fn len(&self) -> usize {
        self.handle.common().len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries it keeps at most; `None` if it is unbounded or bound by weight.
    #[doc(alias = "max_capacity")]
    pub fn capacity(&self) -> Option<usize> {
        self.handle.common().capacity()
    }

    /// What it did so far.
    pub fn stats(&self) -> Stats {
        self.handle.common().stats()
    }

    /// Counts from zero again; entries stay.
    pub fn reset_stats(&self) {
        self.handle.common().reset_stats();
    }

    /// Copies of the keys that are there now, in no particular order. Takes time in proportion to their number.
    pub fn iter_keys(&self) -> impl Iterator<Item = K> + use<K, V, S> {
        self.handle.keys().into_iter()
    }

    /// The handle itself: the macro's way to borrow whatever `cache = ...` gives, be it a handle, a reference or a
    /// static that derefs to one.
    #[doc(hidden)]
    pub fn __handle(&self) -> &Self {
        self
    }
}

pin_project! {
    /// A look-up that begins with the first poll, and the load that may follow.
    ///
    /// Written by hand: the compiler can't prove an `async` block with `'static` bounds on its types to be `Send` where
    /// those types hold references (`Cache<u32, &'static str>`). So this future is `Send`, and can be boxed as such; a caller's
    /// `async` block that awaits it has the same trouble, which `get_or_load_async` tells.
    #[must_use = "futures do nothing unless they are awaited"]
    pub(crate) struct Load<'c, K: 'static, V: 'static, O, S: Store, F>
    where
        O: Outcome<Value = V>,
        S::Handle<K, V>: Engine<K, V>,
    {
        start: Option<(&'c Cache<K, V, S>, K, Tags)>,
        outcome: O,
        #[pin]
        run: RunAsync<K, O, V, S::Handle<K, V>, F>,
    }
}

impl<'c, K, V, O, S, F> Load<'c, K, V, O, S, F>
where
    O: Outcome<Value = V>,
    S: Store,
    S::Handle<K, V>: Engine<K, V>,
{
    /// The tags are asked for already: what they are borrowed from need not be `Sync`.
    pub(crate) fn new(cache: &'c Cache<K, V, S>, key: K, tags: Tags, (outcome, load): (O, F)) -> Self {
        Self { start: Some((cache, key, tags)), outcome, run: RunAsync::idle(outcome, load) }
    }
}

impl<K, V, O, S, F> Future for Load<'_, K, V, O, S, F>
where
    K: Hash + Eq + Clone + 'static,
    V: Clone + 'static,
    O: Outcome<Value = V>,
    S: InProcess,
    S::Handle<K, V>: Engine<K, V>,
    F: Future<Output = O::Ret>,
{
    type Output = O::Ret;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Ret> {
        let mut this = self.project();
        if let Some((cache, key, tags)) = this.start.take() {
            let entry = At { tags: TagSource::Known(tags), ..at(cache, ByValue(key), *this.outcome) };
            match entry.lookup_async() {
                Lookup::Hit(ret) => return Poll::Ready(ret),
                Lookup::Miss(miss) => this.run.as_mut().begin(miss),
            }
        }
        this.run.poll(cx)
    }
}
