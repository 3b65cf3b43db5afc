//! The caches of cached functions whose entries are in Redis: as `crate::slot`, for another store. Must never evaluate a
//! user's expression inside a lock, and must never let two functions share entries by accident.
//!
//! In memory two functions can't meet; here they meet if they have one name. So the first to use a connection, a name and
//! a version claims them, and another function that comes with the same keeps nothing: its calls run their bodies, its
//! companions return the error, and it is logged. (Handles that are built by hand may share a name on purpose.)
//!
//! The instantiations of a generic function have one name in the source. Theirs is that name and the types, such as
//! `page<u8>`: rustc's own names for them, which are the same in every program of the same source.

use super::core::{RemoteKey, RemoteValue};
use crate::acting::Acting;
use crate::at::{At, at};
use crate::builder::Builder;
use crate::cache::Cache;
use crate::error::{Error, ErrorKind};
use crate::key::View;
use crate::outcome::Outcome;
use crate::slot::{named, path_of};
use crate::stats::Stats;
use crate::store::Redis;
use parking_lot::{Mutex, RwLock};
use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{LazyLock, OnceLock};

/// What a function claims: connection, name, version.
type Claim = (&'static str, String, u32);

/// Claims them for the function at `path`; an error if they are another's.
fn claim(path: &str, connection: &'static str, name: &str, version: u32) -> Option<Error> {
    static CLAIMS: LazyLock<Mutex<HashMap<Claim, String>>> = LazyLock::new(Mutex::default);
    let mut claims = CLAIMS.lock();
    let first = claims.entry((connection, name.to_owned(), version)).or_insert_with(|| path.to_owned());
    if first == path {
        return None;
    }
    let cause = format!("`{path}` has the name of `{first}` in Redis, and keeps nothing: give it a `name` of its own");
    drop(claims);
    log::error!("{cause}");
    Some(Error::new(ErrorKind::Config, cause).of(name, None))
}

/// The cache of a function whose key and value can be named.
pub struct RedisSlot<K: 'static, V: 'static>(OnceLock<Cache<K, V, Redis>>);

// The bounds stand at the methods: what lacks one is then told in its own words.
impl<K, V> RedisSlot<K, V> {
    /// No cache yet: the first call builds it.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The cache, built by the first call.
    pub fn cache<F: FnOnce(Builder<K, V>) -> Builder<K, V>>(&'static self, options: F) -> &'static Cache<K, V, Redis>
    where
        K: RemoteKey,
        V: RemoteValue,
    {
        if let Some(cache) = self.0.get() {
            return cache;
        }
        let builder = named::<F, K, V>(options);
        let path = path_of::<F>();
        self.0.get_or_init(|| {
            builder.build_redis_unless(|connection, name, version| claim(&path, connection, name, version))
        })
    }

    /// The place of an entry.
    pub fn at<P, O>(
        &'static self,
        options: impl FnOnce(Builder<K, V>) -> Builder<K, V>,
        view: P,
        outcome: O,
    ) -> At<'static, P, O, Redis>
    where
        K: RemoteKey,
        V: RemoteValue,
        P: View<Owned = K>,
        O: Outcome<Value = V>,
    {
        at(self.cache(options), view, outcome)
    }
}

impl<K, V> Default for RedisSlot<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Forgets everything in a function's cache; of async functions as it is, of sync ones waited for.
pub fn clear<K: RemoteKey, V: RemoteValue>(cache: &Cache<K, V, Redis>) -> Acting {
    cache.clear_async()
}

/// A cache of any types, as a whole.
trait AnyCache: Any + Send + Sync {
    fn clear(&self) -> Acting;
    fn stats(&self) -> Stats;
    fn reset_stats(&self);
}

impl<K: RemoteKey, V: RemoteValue> AnyCache for Cache<K, V, Redis> {
    fn clear(&self) -> Acting {
        self.clear_async()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn reset_stats(&self) {
        self.reset_stats();
    }
}

/// The caches of a function whose types can't be named, one for each instantiation.
pub struct AnyRedisSlot(RwLock<BTreeMap<TypeId, &'static dyn AnyCache>>);

impl AnyRedisSlot {
    /// No cache yet: the first call of an instantiation builds it.
    #[must_use]
    pub const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// The place of an entry of the instantiation that `options` stands in.
    pub fn at<F, P, O>(&'static self, options: F, view: P, outcome: O) -> At<'static, P, O, Redis>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View<Owned: RemoteKey>,
        O: Outcome<Value: RemoteValue>,
    {
        at(self.cache::<F, _, _>(options), view, outcome)
    }

    /// The place of an entry of the instantiation that `instance` stands in.
    pub fn at_instance<I, F, P, O>(&'static self, _: I, options: F, view: P, outcome: O) -> At<'static, P, O, Redis>
    where
        F: FnOnce(Builder<P::Owned, O::Value>) -> Builder<P::Owned, O::Value>,
        P: View<Owned: RemoteKey>,
        O: Outcome<Value: RemoteValue>,
    {
        at(self.cache::<I, _, _>(options), view, outcome)
    }

    fn cache<I, K: RemoteKey, V: RemoteValue>(
        &'static self,
        options: impl FnOnce(Builder<K, V>) -> Builder<K, V>,
    ) -> &'static Cache<K, V, Redis> {
        let id = typeid::of::<I>();
        let known = self.0.read().get(&id).copied();
        let cache: &'static dyn Any = known.unwrap_or_else(|| self.add(id, &path_of::<I>(), named::<I, K, V>(options)));
        cache.downcast_ref().expect("the options of one instantiation stand beside one key and one value")
    }

    #[cold]
    fn add<K: RemoteKey, V: RemoteValue>(
        &self,
        id: TypeId,
        path: &str,
        builder: Builder<K, V>,
    ) -> &'static dyn AnyCache {
        let mut all = self.0.write();
        *all.entry(id).or_insert_with(|| {
            let builder = builder.name_more(types_of(path));
            let cache = builder.build_redis_unless(|connection, name, version| claim(path, connection, name, version));
            // There until the process ends, as a `static` is.
            Box::leak(Box::new(cache))
        })
    }

    fn all(&self) -> Vec<&'static dyn AnyCache> {
        self.0.read().values().copied().collect()
    }

    /// Forgets everything, of all instantiations that this process has used.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear).
    pub fn clear_async(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let acting = self.clear_each();
        async move {
            let mut result = Ok(());
            for one in acting {
                result = result.and(one.await);
            }
            result
        }
    }

    /// Forgets everything, of each instantiation that this process has used.
    pub fn clear_each(&self) -> Vec<Acting> {
        self.all().iter().map(|cache| cache.clear()).collect()
    }

    /// As [`clear_async`](Self::clear_async), for sync code.
    ///
    /// # Errors
    ///
    /// The first that kept a server from it; it is tried again.
    pub fn clear(&self) -> Result<(), Error> {
        super::block_on(self.clear_async())
    }

    /// The sum over all instantiations.
    pub fn stats(&self) -> Stats {
        self.all().iter().map(|cache| cache.stats()).reduce(|sum, next| sum.plus(&next)).unwrap_or_default()
    }

    /// Counts from zero again, for all instantiations.
    pub fn reset_stats(&self) {
        self.all().iter().for_each(|cache| cache.reset_stats());
    }
}

impl Default for AnyRedisSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// The types in a function's path: `<u8>` of `shop::page<u8>`; nothing of a plain one. A trait's implementation,
/// `<A as B>::find`, has its types in front, and is told apart by its name.
fn types_of(path: &str) -> &str {
    let rest = match path.strip_prefix('<') {
        Some(inside) => inside.split_once(">::").map_or("", |(_, rest)| rest),
        None => path,
    };
    rest.find('<').map_or("", |at| &rest[at..])
}

impl<K, V> fmt::Debug for RedisSlot<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisSlot")
    }
}

impl fmt::Debug for AnyRedisSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyRedisSlot")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_part_of_the_name() {
        assert_eq!(types_of("shop::page"), "");
        assert_eq!(types_of("shop::page<u8>"), "<u8>");
        assert_eq!(types_of("shop::Shop<alloc::string::String>::item"), "<alloc::string::String>::item");
        assert_eq!(types_of("<shop::A as shop::B>::find"), "");
        assert_eq!(types_of("<shop::A as shop::B>::find<u8>"), "<u8>");
    }

    #[test]
    fn promise_1_a_name_is_one_functions() {
        assert!(claim("a::f", "claims", "f", 0).is_none());
        assert!(claim("a::f", "claims", "f", 0).is_none());
        assert!(claim("b::f", "claims", "f", 1).is_none());
        assert!(claim("b::f", "elsewhere", "f", 0).is_none());
        let refused = claim("b::f", "claims", "f", 0).unwrap();
        assert_eq!(refused.kind(), ErrorKind::Config);
        assert!(refused.to_string().contains("a::f"), "{refused}");
    }
}
