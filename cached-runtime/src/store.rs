//! Where entries live: the kinds of store, and what the front door asks of one. Must never know what a function returns
//! (that is `outcome`'s) or run a body.

use crate::builder::Coalesce;
use crate::key::View;
use crate::memory::common::Common;
use crate::memory::entry::{Find, Same};
use crate::memory::gate::{Ask, How, Purpose};
use crate::memory::loads::Left;
use crate::memory::outside::Written;
use crate::memory::shard::{Begun, Ending, Worth};
use crate::memory::{LocalCache, MemoryCache, Tabled};
use crate::tags::Tags;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A kind of store: the third parameter of [`Cache`](crate::Cache).
///
/// Sealed: [`Memory`] and [`Local`] are what there is in this version.
pub trait Store: sealed::Sealed + Sized + 'static {
    #[doc(hidden)]
    type Handle<K: 'static, V: 'static>: Clone + 'static;
}

/// A kind of store in this process's memory, where nothing fails: its operations give what they give, not a `Result`.
///
/// Sealed: [`Memory`] and [`Local`].
pub trait InProcess: Store {}

impl InProcess for Memory {}
impl InProcess for Local {}
impl InProcess for LockFree {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Memory {}
    impl Sealed for super::Local {}
    impl Sealed for super::LockFree {}
    #[cfg(feature = "redis")]
    impl Sealed for super::Redis {}
}

/// In this process's memory, shared by its threads: the default.
#[derive(Clone, Copy, Debug)]
pub struct Memory(());

/// [`Memory`], for a function whose attribute says that its hits take no lock. `f::cache()` is a `Cache<K, V>` all the same.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct LockFree(());

/// In memory, for each thread its own: no lock at all, and values need not be `Send`.
///
/// `invalidate` acts on the calling thread's entries, `clear` on those of all threads. Expired entries of a thread are
/// freed by its own next calls.
#[derive(Clone, Copy, Debug)]
pub struct Local(());

/// In Redis or Valkey, shared by all processes that use the same server.
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
#[derive(Clone, Copy, Debug)]
pub struct Redis(());

#[cfg(feature = "redis")]
impl Store for Redis {
    type Handle<K: 'static, V: 'static> = Arc<crate::redis::RedisCache<K, V>>;
}

impl Store for Memory {
    type Handle<K: 'static, V: 'static> = Arc<MemoryCache<K, V>>;
}

impl Store for LockFree {
    type Handle<K: 'static, V: 'static> = Tabled<K, V>;
}

impl Store for Local {
    type Handle<K: 'static, V: 'static> = Rc<LocalCache<K, V>>;
}

/// A handle that a load keeps for as long as it runs.
#[derive(Clone)]
pub(crate) enum Home<H: 'static> {
    /// Of a cache that is there until the process ends, such as a function's own: nothing is to be counted.
    Static(&'static H),
    /// Of a cache that others may let go of meanwhile.
    Own(H),
}

impl<H> Deref for Home<H> {
    type Target = H;

    #[inline]
    fn deref(&self) -> &H {
        match self {
            Self::Static(handle) => handle,
            Self::Own(handle) => handle,
        }
    }
}

/// How long a load ran, if its time was taken, and how it was run.
pub struct Took(pub(crate) Option<Duration>, pub(crate) How);

/// What the front door asks of a store. `None` and `false` mean: not now, this thread is in the middle of something
/// (see `memory::lock`).
pub trait Engine<K, V>: Clone + 'static {
    /// The hash of a key.
    fn hash<P: View<Owned = K>>(&self, view: &P) -> u64;

    /// The hash of a key that is there by reference.
    fn hash_key<Q: std::hash::Hash + ?Sized>(&self, key: &Q) -> u64;

    /// What a look-up that was no hit hands on: the lock that it holds already, where there is one.
    type Held<'e>;

    /// A call's hit, which counts as one. Nothing if there is anything else to be done: then [`begin`](Self::begin) goes
    /// on with what is held. All that it does is inlined: the way of a hit is one straight piece of code.
    fn hit<'e, P: Same<K>>(&'e self, find: &Find<'_, P>) -> Result<V, Self::Held<'e>>;

    /// What a call finds that was not answered by [`hit`](Self::hit): a hit all the same, a load to join, or one to run.
    fn begin<'a, P: Same<K>>(
        &self,
        held: Self::Held<'_>,
        find: &Find<'_, P>,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a;

    /// The same from the beginning.
    fn look<'a, P: Same<K>>(
        &self,
        find: &Find<'_, P>,
        purpose: Purpose,
        own: impl Fn() -> K,
        ask: impl Fn() -> Ask<'a, V>,
    ) -> Option<Begun<V>>
    where
        V: 'a;

    /// The same for a call that wants a load of its own, whatever there is.
    fn anew<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K, ask: &Ask<'_, V>) -> Option<Begun<V>>;

    /// A look-up that never loads; counts as a hit or a miss.
    fn read<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V>;

    /// Whether there is an entry that would be served.
    fn has<P: Same<K>>(&self, find: &Find<'_, P>) -> bool;

    /// A load ends. `took` is how long it ran, if it ran at all. Says whether the old value that a failed load was to
    /// replace may be served. A value that was not stored stays in `ending`, to be dropped by the caller, who holds no lock.
    fn end(&self, at: (u64, u64), ending: &mut Ending<V>, took: Option<Took>, left: &mut Option<Left<V>>) -> bool;

    /// What a call may be given in the place of a load that failed or takes too long.
    fn stale<P: Same<K>>(&self, find: &Find<'_, P>) -> Option<V>;

    /// Whether the old value that a load is to replace may be served: nothing was invalidated or stored meanwhile.
    fn is_worth(&self, at: (u64, u64), old: &Worth) -> bool;

    /// Whether a value may be served past its ttl.
    fn has_stale(&self) -> bool;

    /// How long a call waits for a load before it takes an old value, if there is one.
    fn soft_timeout(&self) -> Option<Duration>;

    /// Stores a value.
    fn set(&self, at: (u64, K), value: (V, Option<Duration>, Tags));

    /// Forgets a key.
    fn invalidate<P: Same<K>>(&self, find: &Find<'_, P>);

    /// Forgets the entries that `chosen` says yes to, and the loads that are under way.
    fn invalidate_where(&self, chosen: &mut dyn FnMut(&K, &V) -> bool);

    /// A writer of a key begins: its ticket.
    fn begin_write<P: Same<K>>(&self, find: &Find<'_, P>, own: impl Fn() -> K) -> Option<u64>;

    /// A writer ends.
    fn end_write(&self, at: (u64, u64), written: Written<V>);

    /// Forgets everything.
    fn clear(&self);

    /// The keys that would be served now.
    fn keys(&self) -> Vec<K>;

    /// What has no types.
    fn common(&self) -> &Common;

    /// Whether and how long calls wait for one another's loads.
    fn coalesce(&self) -> Coalesce;
}
