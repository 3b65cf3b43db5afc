//! The peers that are stores, each behind the function that its users would write by hand.
//! They must never use another hasher than a user would get: their own default, for the hand-written ones that of cached-runtime.

use crate::work::{label, load};
use equivalent::Equivalent;
use foldhash::quality::RandomState;
use lru::LruCache;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
pub(crate) const SMALL: usize = 1024;
pub(crate) const LARGE: usize = 16_384;
pub(crate) const TIGHT: usize = 1000;

/// A borrowed key for the stores that can look one up.
#[derive(Hash)]
struct Pair<'a>(&'a str, u32);

impl Equivalent<(String, u32)> for Pair<'_> {
    fn equivalent(&self, key: &(String, u32)) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

fn owned(name: &str, n: u32) -> (String, u32) {
    (name.to_owned(), n)
}

/// `Mutex<LruCache>`, as everybody writes it. It loads outside the lock and has no single-flight.
pub(crate) mod mutex_lru {
    use super::{
        Arc, Hash, LARGE, LazyLock, LruCache, Mutex, NonZeroUsize, RandomState, SMALL, TIGHT, label, load, owned,
    };

    type Store<K, V> = LazyLock<Mutex<LruCache<K, V, RandomState>>>;

    fn store<K: Hash + Eq, V, const CAPACITY: usize>() -> Mutex<LruCache<K, V, RandomState>> {
        let capacity = NonZeroUsize::new(CAPACITY).expect("a bound above zero");
        Mutex::new(LruCache::with_hasher(capacity, RandomState::default()))
    }

    fn through(store: &Store<u64, u64>, n: u64) -> u64 {
        if let Some(&value) = store.lock().get(&n) {
            return value;
        }
        let value = load(n);
        store.lock().put(n, value);
        value
    }

    pub(crate) fn hit(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(store::<_, _, SMALL>);
        through(&STORE, n)
    }

    pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
        static STORE: Store<(String, u32), Arc<str>> = LazyLock::new(store::<_, _, SMALL>);
        let key = owned(name, n);
        if let Some(value) = STORE.lock().get(&key) {
            return value.clone();
        }
        let value = label(name, n);
        STORE.lock().put(key, value.clone());
        value
    }

    pub(crate) async fn asynchronous(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(store::<_, _, SMALL>);
        through(&STORE, n)
    }

    pub(crate) fn zipf(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(store::<_, _, LARGE>);
        through(&STORE, n)
    }

    pub(crate) fn miss(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(store::<_, _, TIGHT>);
        through(&STORE, n)
    }

    static FIB: Store<u64, u64> = LazyLock::new(store::<_, _, SMALL>);

    pub(crate) fn fib(n: u64) -> u64 {
        if let Some(&value) = FIB.lock().get(&n) {
            return value;
        }
        let value = if n < 2 { n } else { fib(n - 1) + fib(n - 2) };
        FIB.lock().put(n, value);
        value
    }

    pub(crate) fn forget_fib() {
        FIB.lock().clear();
    }
}

/// An `LruCache` per thread: what `backend = local` is compared with.
pub(crate) mod local_lru {
    use super::{LARGE, LruCache, NonZeroUsize, RandomState, RefCell, SMALL, load};
    use std::thread::LocalKey;

    type Store = RefCell<LruCache<u64, u64, RandomState>>;

    fn store<const CAPACITY: usize>() -> Store {
        let capacity = NonZeroUsize::new(CAPACITY).expect("a bound above zero");
        RefCell::new(LruCache::with_hasher(capacity, RandomState::default()))
    }

    thread_local! {
        static HIT: Store = store::<SMALL>();
        static ZIPF: Store = store::<LARGE>();
    }

    fn through(store: &'static LocalKey<Store>, n: u64) -> u64 {
        if let Some(value) = store.with_borrow_mut(|store| store.get(&n).copied()) {
            return value;
        }
        let value = load(n);
        store.with_borrow_mut(|store| store.put(n, value));
        value
    }

    pub(crate) fn hit(n: u64) -> u64 {
        through(&HIT, n)
    }

    pub(crate) fn zipf(n: u64) -> u64 {
        through(&ZIPF, n)
    }
}

/// `papaya`: lock-free reads, no bound, no eviction.
pub(crate) mod papaya_map {
    use super::{Arc, LazyLock, Pair, RandomState, label, load, owned};
    use papaya::HashMap;

    type Store<K, V> = LazyLock<HashMap<K, V, RandomState>>;

    fn through(store: &Store<u64, u64>, n: u64) -> u64 {
        let pinned = store.pin();
        if let Some(&value) = pinned.get(&n) {
            return value;
        }
        let value = load(n);
        pinned.insert(n, value);
        value
    }

    pub(crate) fn hit(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(HashMap::default);
        through(&STORE, n)
    }

    pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
        static STORE: Store<(String, u32), Arc<str>> = LazyLock::new(HashMap::default);
        let pinned = STORE.pin();
        if let Some(value) = pinned.get(&Pair(name, n)) {
            return value.clone();
        }
        let value = label(name, n);
        pinned.insert(owned(name, n), value.clone());
        value
    }

    pub(crate) async fn asynchronous(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(HashMap::default);
        through(&STORE, n)
    }

    pub(crate) fn zipf(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(HashMap::default);
        through(&STORE, n)
    }
}

/// `quick_cache`. Twice the room in the 1000-key workloads: its shards would evict at 1024 and hits would turn into misses.
pub(crate) mod quick {
    use super::{Arc, LARGE, LazyLock, Pair, SMALL, TIGHT, label, load, owned};
    use quick_cache::sync::Cache;
    use std::convert::Infallible;

    type Store<K, V> = LazyLock<Cache<K, V>>;

    fn through(store: &Store<u64, u64>, n: u64, load: impl FnOnce() -> u64) -> u64 {
        let Ok(value) = store.get_or_insert_with(&n, || Ok::<_, Infallible>(load()));
        value
    }

    pub(crate) fn hit(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(2 * SMALL));
        through(&STORE, n, || load(n))
    }

    /// The plain borrowed `get` first: `get_or_insert_with` wants a key that is `ToOwned`.
    pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
        static STORE: Store<(String, u32), Arc<str>> = LazyLock::new(|| Cache::new(2 * SMALL));
        if let Some(value) = STORE.get(&Pair(name, n)) {
            return value;
        }
        let Ok(value) = STORE.get_or_insert_with(&owned(name, n), || Ok::<_, Infallible>(label(name, n)));
        value
    }

    pub(crate) async fn asynchronous(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(2 * SMALL));
        let Ok(value) = STORE.get_or_insert_async(&n, async { Ok::<_, Infallible>(load(n)) }).await;
        value
    }

    pub(crate) fn zipf(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(2 * LARGE));
        through(&STORE, n, || load(n))
    }

    pub(crate) fn miss(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(TIGHT));
        through(&STORE, n, || load(n))
    }

    static FIB: Store<u64, u64> = LazyLock::new(|| Cache::new(2 * SMALL));

    pub(crate) fn fib(n: u64) -> u64 {
        through(&FIB, n, || if n < 2 { n } else { fib(n - 1) + fib(n - 2) })
    }

    pub(crate) fn forget_fib() {
        FIB.clear();
    }
}

/// `moka`.
pub(crate) mod moka_cache {
    use super::{Arc, HOUR, LARGE, LazyLock, Pair, SMALL, TIGHT, label, load, owned};
    use moka::{future, sync::Cache};

    type Store<K, V> = LazyLock<Cache<K, V>>;

    pub(crate) fn hit(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(SMALL as u64));
        STORE.get_with(n, || load(n))
    }

    pub(crate) fn ttl(n: u64) -> u64 {
        static STORE: Store<u64, u64> =
            LazyLock::new(|| Cache::builder().max_capacity(SMALL as u64).time_to_live(HOUR).build());
        STORE.get_with(n, || load(n))
    }

    /// The borrowed `get` first, as with `quick_cache`.
    pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
        static STORE: Store<(String, u32), Arc<str>> = LazyLock::new(|| Cache::new(SMALL as u64));
        STORE.get(&Pair(name, n)).unwrap_or_else(|| STORE.get_with(owned(name, n), || label(name, n)))
    }

    pub(crate) async fn asynchronous(n: u64) -> u64 {
        static STORE: LazyLock<future::Cache<u64, u64>> = LazyLock::new(|| future::Cache::new(SMALL as u64));
        STORE.get_with(n, async { load(n) }).await
    }

    pub(crate) fn zipf(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(LARGE as u64));
        STORE.get_with(n, || load(n))
    }

    pub(crate) fn miss(n: u64) -> u64 {
        static STORE: Store<u64, u64> = LazyLock::new(|| Cache::new(TIGHT as u64));
        STORE.get_with(n, || load(n))
    }

    static FIB: Store<u64, u64> = LazyLock::new(|| Cache::new(SMALL as u64));

    pub(crate) fn fib(n: u64) -> u64 {
        FIB.get_with(n, || if n < 2 { n } else { fib(n - 1) + fib(n - 2) })
    }

    pub(crate) fn forget_fib() {
        FIB.invalidate_all();
    }
}
