//! The caches of cached functions: where they live between calls, one for each instantiation. Must never evaluate a user's
//! expression inside a lock or an initialisation: it may panic, or call the function itself.
//!
//! A [`Slot`] is typed: for a function whose key and value the macro can name. An [`AnySlot`] tells the instantiations of
//! a generic function apart by the type of the closure that holds its options, and serves every function whose types can't
//! be named. [`LocalSlot`] and [`AnyLocalSlot`] are their counterparts for one cache a thread.

use crate::at::{At, HandleOf, Lookup, at, at_home};
use crate::builder::{Builder, Coalesce, LocalShared};
use crate::cache::Cache;
use crate::hooks;
use crate::key::{CacheKey, View};
use crate::memory::LocalCache;
use crate::memory::entry::Find;
use crate::miss::Miss;
use crate::outcome::{CacheValue, KeptBy, Outcome};
use crate::stats::Stats;
use crate::store::{Engine, InProcess, Local, LockFree, Memory, Store};
use crate::tags::{TagSource, TagsOf};
use std::any::{Any, TypeId};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::OnceLock;
use std::thread::LocalKey;

// Not `crate::sync`: no protocol depends on the slots.
use parking_lot::RwLock;

/// The function's path out of that of something inside it: `shop::price::__entry<u8>::{{closure}}` is `shop::price<u8>`.
#[cfg(feature = "redis")]
pub(crate) fn path_of<I>() -> String {
    tidy(std::any::type_name::<I>())
}

fn tidy(path: &str) -> String {
    // Lifetimes tell no instantiations apart.
    let path = path.trim_end_matches("::{{closure}}").replace("'_, ", "").replace("<'_>", "");
    let path = path.replace("::__entry", "").replace("::__cache", "");
    match path.rsplit_once("::__slot_of_") {
        Some((before, name)) => format!("{before}::{name}"),
        None => path,
    }
}

/// The options of a function, named after something inside it.
pub(crate) fn named<I, K, V>(options: impl FnOnce(Builder<K, V>) -> Builder<K, V>) -> Builder<K, V> {
    options(so_named(std::any::type_name::<I>()))
}

/// A builder with the name of a function, which the path of something inside of it tells.
fn so_named<K, V>(path: &str) -> Builder<K, V> {
    Builder::default().name(tidy(path))
}

// ---------- shared by threads ----------

/// A store of caches that slots build for themselves: which it is the attribute knows, so that for most functions nothing of
/// the other is compiled.
pub trait Built: InProcess {
    #[doc(hidden)]
    fn build<K: CacheKey, V: CacheValue>(builder: Builder<K, V>) -> Cache<K, V, Self>;
}

impl Built for Memory {
    fn build<K: CacheKey, V: CacheValue>(builder: Builder<K, V>) -> Cache<K, V> {
        builder.build_lru()
    }
}

impl Built for LockFree {
    fn build<K: CacheKey, V: CacheValue>(builder: Builder<K, V>) -> Cache<K, V, Self> {
        builder.build_lock_free()
    }
}

/// The cache of a function whose key and value can be named.
pub struct Slot<K: 'static, V: 'static, S: Store = Memory>(OnceLock<Cache<K, V, S>>);

impl<K, V, S: Store> Slot<K, V, S> {
    /// No cache yet: the first call builds it.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }
}

impl<K: CacheKey, V: CacheValue, S: Built> Slot<K, V, S> {
    /// The cache, built by the first call.
    pub fn cache<F: Fn(Builder<K, V>) -> Builder<K, V>>(&'static self, options: F) -> &'static Cache<K, V, S> {
        // As little as can be stands here: it is compiled anew for each function.
        match self.0.get() {
            Some(cache) => cache,
            None => self.first(std::any::type_name::<F>(), &options),
        }
    }

    #[cold]
    #[inline(never)]
    fn first(
        &'static self,
        path: &'static str,
        options: &dyn Fn(Builder<K, V>) -> Builder<K, V>,
    ) -> &'static Cache<K, V, S> {
        let builder = options(so_named(path));
        self.0.get_or_init(|| S::build(builder))
    }
}

impl<K, V, S: Store> Default for Slot<K, V, S> {
    fn default() -> Self {
        Self::new()
    }
}

/// A cache of any types, as a whole.
trait AnyCache: Any + Send + Sync {
    fn clear(&self);
    fn stats(&self) -> Stats;
    fn reset_stats(&self);
}

impl<K, V, S> AnyCache for Cache<K, V, S>
where
    K: CacheKey,
    V: CacheValue,
    S: InProcess,
    S::Handle<K, V>: Engine<K, V> + Send + Sync,
{
    fn clear(&self) {
        self.clear();
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn reset_stats(&self) {
        self.reset_stats();
    }
}

/// The cache of one instantiation. Leaked, as a `static` is: it is there until the process ends.
#[derive(Clone, Copy)]
struct Instance {
    id: TypeId,
    cache: &'static dyn AnyCache,
}

/// The caches of a function whose types can't be named, one for each instantiation.
pub struct AnySlot<S = Memory> {
    /// Most functions have but one: found without a lock.
    first: OnceLock<Instance>,
    more: RwLock<BTreeMap<TypeId, Instance>>,
    store: PhantomData<fn() -> S>,
}

impl<S> AnySlot<S> {
    /// No cache yet: the first call of an instantiation builds it.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: OnceLock::new(), more: RwLock::new(BTreeMap::new()), store: PhantomData }
    }
}

impl<S: Built> AnySlot<S> {
    /// The place of an entry of the instantiation that `options` stands in.
    pub fn at<F, P, O>(&'static self, options: F, view: P, outcome: O) -> At<'static, P, O, S>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View<Owned: CacheKey>,
        O: Outcome<Value: CacheValue>,
        HandleOf<S, P, O>: Engine<P::Owned, O::Value> + Send + Sync,
    {
        at_home(self.cache::<F, _, _>(options), view, outcome)
    }

    /// The place of an entry of the instantiation that `instance` stands in.
    pub fn at_instance<I, F, P, O>(&'static self, _: I, options: F, view: P, outcome: O) -> At<'static, P, O, S>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View<Owned: CacheKey>,
        O: Outcome<Value: CacheValue>,
        HandleOf<S, P, O>: Engine<P::Owned, O::Value> + Send + Sync,
    {
        at_home(self.cache::<I, _, _>(options), view, outcome)
    }

    fn cache<I, K: CacheKey, V: CacheValue>(
        &'static self,
        options: impl FnOnce(Builder<K, V>) -> Builder<K, V>,
    ) -> &'static Cache<K, V, S>
    where
        S::Handle<K, V>: Engine<K, V> + Send + Sync,
    {
        let id = typeid::of::<I>();
        let instance = self.find(id).unwrap_or_else(|| self.add(id, named::<I, K, V>(options)));
        let cache: &'static dyn Any = instance.cache;
        cache.downcast_ref().expect("the options of one instantiation stand beside one key and one value")
    }

    fn find(&self, id: TypeId) -> Option<Instance> {
        match self.first.get() {
            Some(first) if first.id == id => Some(*first),
            _ => self.more.read().get(&id).copied(),
        }
    }

    #[cold]
    fn add<K: CacheKey, V: CacheValue>(&self, id: TypeId, builder: Builder<K, V>) -> Instance
    where
        S::Handle<K, V>: Engine<K, V> + Send + Sync,
    {
        // One lock for both places, so that an instantiation never gets two caches.
        let mut more = self.more.write();
        if let Some(known) = self.first.get().filter(|first| first.id == id).or_else(|| more.get(&id)) {
            return *known;
        }
        let instance = Instance { id, cache: Box::leak(Box::new(S::build(builder))) };
        if self.first.set(instance).is_err() {
            more.insert(id, instance);
        }
        instance
    }

    fn all(&self) -> Vec<Instance> {
        // Taken under the lock, used outside: `clear` runs the users' `Drop`.
        let more = self.more.read();
        self.first.get().into_iter().chain(more.values()).copied().collect()
    }

    /// Forgets everything, of all instantiations.
    pub fn clear(&self) {
        self.all().iter().for_each(|instance| instance.cache.clear());
    }

    /// The sum over all instantiations.
    pub fn stats(&self) -> Stats {
        sum(self.all().iter().map(|instance| instance.cache.stats()))
    }

    /// Counts from zero again, for all instantiations.
    pub fn reset_stats(&self) {
        self.all().iter().for_each(|instance| instance.cache.reset_stats());
    }
}

impl<S> Default for AnySlot<S> {
    fn default() -> Self {
        Self::new()
    }
}

fn sum(stats: impl Iterator<Item = Stats>) -> Stats {
    stats.reduce(|sum, next| sum.plus(&next)).unwrap_or_default()
}

// ---------- one a thread ----------

/// A thread's part of a [`LocalSlot`].
pub struct LocalCell<K: 'static, V: 'static>(OnceCell<Cache<K, V, Local>>);

impl<K, V> LocalCell<K, V> {
    /// No cache yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }
}

impl<K, V> Default for LocalCell<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// What the threads' caches of a [`LocalSlot`] share. Apart from the slot, which is then a constant.
pub struct LocalCommon(OnceLock<LocalShared>);

impl LocalCommon {
    /// No cache yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }
}

impl Default for LocalCommon {
    fn default() -> Self {
        Self::new()
    }
}

/// The caches, one a thread, of a function whose key and value can be named.
pub struct LocalSlot<K: 'static, V: 'static> {
    cell: &'static LocalKey<LocalCell<K, V>>,
    shared: &'static LocalCommon,
}

impl<K, V> LocalSlot<K, V>
where
    K: std::hash::Hash + Eq + Clone + 'static,
    V: Clone + 'static,
{
    /// No cache yet: each thread's first call builds its own.
    #[must_use]
    pub const fn new(cell: &'static LocalKey<LocalCell<K, V>>, shared: &'static LocalCommon) -> Self {
        Self { cell, shared }
    }

    /// This thread's cache.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub fn cache<F: FnOnce(Builder<K, V>) -> Builder<K, V>>(&'static self, options: F) -> Cache<K, V, Local> {
        match self.cell.try_with(|cell| cell.0.get().cloned()) {
            Ok(Some(cache)) => cache,
            _ => self.first(options),
        }
    }

    #[cold]
    #[inline(never)]
    fn first<F: FnOnce(Builder<K, V>) -> Builder<K, V>>(&'static self, options: F) -> Cache<K, V, Local> {
        let builder = named::<F, K, V>(options);
        let shared = self.shared.0.get_or_init(|| builder.shared()).clone();
        let cache = builder.build_local_with(&shared);
        // While the thread ends there is no place to keep it: this call has a cache of its own.
        self.cell.try_with(|cell| cell.0.get_or_init(|| cache.clone()).clone()).unwrap_or(cache)
    }
}

/// A thread's part of an [`AnyLocalSlot`].
pub struct AnyLocalCell(RefCell<BTreeMap<TypeId, Rc<dyn Any>>>);

impl AnyLocalCell {
    /// No cache yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(BTreeMap::new()))
    }
}

impl Default for AnyLocalCell {
    fn default() -> Self {
        Self::new()
    }
}

/// The caches, one for each thread and instantiation, of a function whose types can't be named.
pub struct AnyLocalSlot {
    cell: &'static LocalKey<AnyLocalCell>,
    shared: RwLock<BTreeMap<TypeId, LocalShared>>,
}

impl AnyLocalSlot {
    /// No cache yet: each thread's first call of an instantiation builds its own.
    #[must_use]
    pub const fn new(cell: &'static LocalKey<AnyLocalCell>) -> Self {
        Self { cell, shared: RwLock::new(BTreeMap::new()) }
    }

    /// The place of an entry, in this thread's cache of the instantiation that `options` stands in.
    pub fn at<F, P, O>(&'static self, options: F, view: P, outcome: O) -> LocalAt<P, O>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View,
        O: Outcome,
    {
        LocalAt::new(self.cache::<F, _, _>(options), view, outcome)
    }

    /// The place of an entry, in this thread's cache of the instantiation that `instance` stands in.
    pub fn at_instance<I, F, P, O>(&'static self, _: I, options: F, view: P, outcome: O) -> LocalAt<P, O>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View,
        O: Outcome,
    {
        LocalAt::new(self.cache::<I, _, _>(options), view, outcome)
    }

    fn cache<I, K, V>(&'static self, options: impl FnOnce(Builder<K, V>) -> Builder<K, V>) -> Cache<K, V, Local>
    where
        K: std::hash::Hash + Eq + Clone + 'static,
        V: Clone + 'static,
    {
        let id = typeid::of::<I>();
        let found = |cell: &AnyLocalCell| cell.0.borrow().get(&id).cloned();
        let known = |any: &Rc<dyn Any>| {
            any.downcast_ref::<Cache<K, V, Local>>()
                .expect("the options of one instantiation stand beside one key and one value")
                .clone()
        };
        if let Ok(Some(cache)) = self.cell.try_with(found) {
            return known(&cache);
        }
        let builder = named::<I, K, V>(options);
        let shared = self.shared.write().entry(id).or_insert_with(|| builder.shared()).clone();
        let cache = builder.build_local_with(&shared);
        let kept = self
            .cell
            .try_with(|cell| Rc::clone(cell.0.borrow_mut().entry(id).or_insert_with(|| Rc::new(cache.clone()))));
        // While the thread ends there is no place to keep it: this call has a cache of its own.
        kept.map_or(cache, |kept| known(&kept))
    }

    fn all(&self) -> Vec<LocalShared> {
        self.shared.read().values().cloned().collect()
    }

    /// Forgets everything, on all threads and of all instantiations.
    pub fn clear(&self) {
        self.all().iter().for_each(LocalShared::clear);
    }

    /// The sum over all threads and instantiations.
    pub fn stats(&self) -> Stats {
        sum(self.all().iter().map(LocalShared::stats))
    }

    /// Counts from zero again, on all threads and for all instantiations.
    pub fn reset_stats(&self) {
        self.all().iter().for_each(LocalShared::reset_stats);
    }
}

/// The place of one entry in this thread's cache: as [`At`]. `T` is where its tags come from: nothing or a box, or what a
/// call borrows.
pub struct LocalAt<P: View, O: Outcome, T = Option<Box<TagsOf<'static>>>> {
    place: LocalPlace<P::Owned, O::Value>,
    view: P,
    outcome: O,
    coalesce: Option<Coalesce>,
    tags: T,
}

/// Where a [`LocalAt`] finds its cache.
enum LocalPlace<K: 'static, V: 'static> {
    /// In the thread's cell, where a hit looks at it without taking a handle; what else there is to be done has one of the
    /// function, which builds the cache.
    Home(&'static LocalKey<LocalCell<K, V>>, fn() -> Cache<K, V, Local>),
    /// A handle, since a thread's cache ends with the thread.
    Own(Cache<K, V, Local>),
}

impl<K, V> LocalPlace<K, V> {
    fn handle(self) -> Cache<K, V, Local> {
        match self {
            Self::Home(_, cache) => cache(),
            Self::Own(cache) => cache,
        }
    }
}

/// A hit of this thread's cache, or the hash that its look-up took.
#[expect(
    clippy::inline_always,
    reason = "the way of a hit is one straight piece of code, or it costs half as much again"
)]
#[inline(always)]
fn hit_of<P: View, V: Clone + 'static>(cache: &Cache<P::Owned, V, Local>, view: &P) -> Result<V, u64> {
    let hash = cache.handle.hash(view);
    cache.handle.hit(&Find { hash, view }).map_err(|()| hash)
}

/// Where the tags of a [`LocalAt`] come from.
pub trait LocalTags {
    #[doc(hidden)]
    fn source(&self) -> Option<&TagsOf<'_>>;
}

impl LocalTags for Option<Box<TagsOf<'static>>> {
    fn source(&self) -> Option<&TagsOf<'_>> {
        self.as_deref()
    }
}

impl LocalTags for &TagsOf<'_> {
    fn source(&self) -> Option<&TagsOf<'_>> {
        Some(*self)
    }
}

type LocalMiss<P, O> = Miss<<P as View>::Owned, O, Rc<LocalCache<<P as View>::Owned, <O as Outcome>::Value>>>;

impl<P: View, O: Outcome> LocalAt<P, O> {
    fn at(place: LocalPlace<P::Owned, O::Value>, view: P, outcome: O) -> Self {
        Self { place, view, outcome, coalesce: None, tags: None }
    }

    /// The place of an entry in a thread's cache.
    fn new(cache: Cache<P::Owned, O::Value, Local>, view: P, outcome: O) -> Self {
        Self::at(LocalPlace::Own(cache), view, outcome)
    }

    /// The place of an entry in this thread's cache of a slot, which `cache` builds if it is not there.
    pub fn home(
        slot: &'static LocalSlot<P::Owned, O::Value>,
        cache: fn() -> Cache<P::Owned, O::Value, Local>,
        view: P,
        outcome: O,
    ) -> Self {
        Self::at(LocalPlace::Home(slot.cell, cache), view, outcome)
    }

    /// As [`At::tags`].
    pub fn tags<'t>(self, tags: &'t TagsOf<'_>) -> LocalAt<P, O, &'t TagsOf<'t>> {
        let Self { place, view, outcome, coalesce, .. } = self;
        LocalAt { place, view, outcome, coalesce, tags }
    }

    /// As [`At::tags_boxed`].
    #[must_use]
    pub fn tags_boxed(mut self, tags: Box<TagsOf<'static>>) -> Self {
        self.tags = Some(tags);
        self
    }
}

// As paths, the methods have one lifetime; the entry needs any.
#[allow(clippy::redundant_closure_for_method_calls)]
impl<P: View, O: Outcome, T: LocalTags> LocalAt<P, O, T> {
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub(crate) fn with<R>(self, f: impl FnOnce(At<'_, P, O, Local>) -> R) -> R {
        let tags = self.tags.source().map_or(TagSource::None, TagSource::By);
        f(At { tags, coalesce: self.coalesce, ..at(&self.place.handle(), self.view, self.outcome) })
    }

    /// As [`At::coalesce`].
    #[must_use]
    pub fn coalesce(mut self, coalesce: impl Into<Coalesce>) -> Self {
        self.coalesce = Some(coalesce.into());
        self
    }

    /// As [`At::owned`].
    pub fn owned(self) -> LocalAt<crate::key::Val<P::Owned>, O, T> {
        let Self { place, view, outcome, coalesce, tags } = self;
        LocalAt { place, view: crate::key::Val::new(view.own()), outcome, coalesce, tags }
    }

    /// A hit is all that stands here, on nothing but the cache and the key; the rest takes the whole along.
    ///
    /// The type of `_caller` makes what is done inside of the thread-local one of a kind for each cached function: so the
    /// compiler puts it where the call is.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn call<F: Fn()>(self, _caller: F, asynchronous: bool) -> Lookup<O::Ret, LocalMiss<P, O>> {
        let Self { place, view, outcome, coalesce, tags } = self;
        let found = match &place {
            _ if hooks::any() => None,
            // Inside of the thread-local's own borrow. No user's code can take the cache away meanwhile: nothing but the
            // end of the thread does.
            LocalPlace::Home(cell, _) => {
                cell.try_with(|cell| cell.0.get().map(|cache| hit_of(cache, &view))).unwrap_or_default()
            }
            LocalPlace::Own(cache) => Some(hit_of(cache, &view)),
        };
        let hash = match found {
            Some(Ok(value)) => return Lookup::Hit(outcome.ret(value)),
            Some(Err(hash)) => Some(hash),
            None => None,
        };
        Lookup::Miss(Self { place, view, outcome, coalesce, tags }.missed(hash, asynchronous))
    }

    /// `hash` is that of the key, where it was taken: a key is hashed once.
    #[cold]
    #[inline(never)]
    fn missed(self, hash: Option<u64>, asynchronous: bool) -> LocalMiss<P, O> {
        self.with(|entry| {
            let hash = hash.unwrap_or_else(|| entry.find().hash);
            if hooks::any() { entry.call_watched(hash, asynchronous) } else { entry.look(hash, asynchronous) }
        })
    }

    /// As [`At::lookup`], for a `caller` whose type is of its own.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub fn lookup_of(self, caller: impl Fn()) -> Lookup<O::Ret, LocalMiss<P, O>> {
        self.call(caller, false)
    }

    /// As [`At::lookup_async`], for a `caller` whose type is of its own.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub fn lookup_async_of(self, caller: impl Fn()) -> Lookup<O::Ret, LocalMiss<P, O>> {
        self.call(caller, true)
    }

    /// As [`At::miss`].
    pub fn miss(self) -> LocalMiss<P, O> {
        self.with(|entry| entry.miss())
    }

    /// As [`At::miss_async`].
    pub fn miss_async(self) -> LocalMiss<P, O> {
        self.with(|entry| entry.miss_async())
    }

    /// As [`At::get`].
    pub fn get(self) -> Option<O::Ret> {
        self.with(|entry| entry.get())
    }

    /// As [`At::contains`].
    pub fn contains(self) -> bool {
        self.with(|entry| entry.contains())
    }

    /// As [`At::set`].
    pub fn set<R: KeptBy<O::Ret>>(self, value: &R) {
        self.with(|entry| entry.set(value));
    }

    /// As [`At::invalidate`].
    pub fn invalidate(self) {
        self.with(|entry| entry.invalidate());
    }

    /// As [`At::bypass`].
    pub fn bypass(self) {
        self.with(|entry| entry.bypass());
    }
}

impl<K, V> fmt::Debug for Slot<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

impl fmt::Debug for AnySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnySlot")
    }
}

#[cfg(test)]
mod tests {
    use super::{AnyLocalCell, AnyLocalSlot, AnySlot, LocalCell, LocalCommon, LocalSlot, Slot, tidy};
    use crate::builder::Builder;
    use std::panic::catch_unwind;

    type Options = Builder<u8, u8>;

    #[test]
    fn a_panic_in_the_options_poisons_nothing() {
        static SLOT: Slot<u8, u8> = Slot::new();
        static ANY: AnySlot = AnySlot::new();
        let options = |fail: bool| {
            move |options: Options| {
                assert!(!fail, "for the test");
                options.capacity(3)
            }
        };
        assert!(catch_unwind(|| SLOT.cache(options(true)).len()).is_err());
        assert_eq!(SLOT.cache(options(false)).capacity(), Some(3));
        assert!(catch_unwind(|| ANY.cache::<u8, u8, u8>(options(true)).len()).is_err());
        assert_eq!(ANY.cache::<u8, u8, u8>(options(false)).capacity(), Some(3));
    }

    #[test]
    fn options_may_need_the_function_itself() {
        static SLOT: Slot<u8, u8> = Slot::new();
        let outer = |options: Options| options.capacity(SLOT.cache(|options: Options| options.capacity(1)).len() + 7);
        assert_eq!(SLOT.cache(outer).capacity(), Some(1));

        std::thread_local! {
            static CELL: LocalCell<u8, u8> = const { LocalCell::new() };
        }
        static SHARED: LocalCommon = LocalCommon::new();
        static LOCAL: LocalSlot<u8, u8> = LocalSlot::new(&CELL, &SHARED);
        let outer = |options: Options| options.capacity(LOCAL.cache(|options: Options| options.capacity(1)).len() + 7);
        LOCAL.cache(outer).set(1, 1);
        assert_eq!(LOCAL.cache(|_| unreachable!("it is there")).get(&1), Some(1));
    }

    #[test]
    fn instantiations_are_apart_and_stats_are_summed() {
        static ANY: AnySlot = AnySlot::new();
        ANY.cache::<u8, u8, u8>(|options| options.capacity(1)).set(1, 1);
        ANY.cache::<u16, u8, u8>(|options| options.capacity(2)).set(2, 2);
        ANY.cache::<u32, String, char>(|options| options.capacity(4)).set(String::new(), 'x');
        assert_eq!(ANY.cache::<u8, u8, u8>(|_| unreachable!("it is there")).len(), 1);
        assert_eq!((ANY.stats().entries, ANY.stats().capacity), (3, Some(7)));
        ANY.clear();
        assert!(ANY.cache::<u16, u8, u8>(|_| unreachable!("it is there")).is_empty());

        std::thread_local! {
            static CELL: AnyLocalCell = const { AnyLocalCell::new() };
        }
        static LOCAL: AnyLocalSlot = AnyLocalSlot::new(&CELL);
        LOCAL.cache::<u8, u8, u8>(|options| options).set(1, 1);
        let elsewhere = std::thread::spawn(|| {
            LOCAL.cache::<u8, u8, u8>(|options| options).set(2, 2);
            LOCAL.cache::<u16, u8, u8>(|options| options).set(3, 3);
            LOCAL.stats().entries
        });
        assert_eq!(elsewhere.join().ok(), Some(3));
        assert_eq!(LOCAL.stats().entries, 1, "those of a thread that ended are gone");
        LOCAL.clear();
        assert_eq!(LOCAL.cache::<u8, u8, u8>(|options| options).get(&1), None);
    }

    #[test]
    fn names_are_the_functions_paths() {
        assert_eq!(tidy("shop::price::__entry<u8>::{{closure}}"), "shop::price<u8>");
        assert_eq!(tidy("shop::price::__cache::{{closure}}"), "shop::price");
        assert_eq!(
            tidy("shop::Shop<alloc::string::String>::__slot_of_item::{{closure}}"),
            "shop::Shop<alloc::string::String>::item"
        );
        assert_eq!(tidy("<shop::A as shop::B>::find<'_, '_>::{{closure}}"), "<shop::A as shop::B>::find");
        assert_eq!(tidy("shop::page::__entry<'_, u8>::{{closure}}"), "shop::page<u8>");
    }
}
