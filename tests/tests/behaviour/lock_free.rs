//! Functions whose attribute says that hits take no lock, in every shape: their slots are of a kind of their own.

use cached_runtime::{Cache, Eviction, cached, invalidates};
use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[cached(eviction = sieve, tags = ["all"])]
fn plain(n: u64, text: &str) -> String {
    RUNS.fetch_add(1, Relaxed);
    format!("{text}{n}")
}

#[cached(capacity = unbounded)]
fn generic<T: Display + Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> String {
    value.to_string()
}

#[cached(eviction = sieve, ttl = "1h")]
async fn awaited(n: u32) -> Result<u32, String> {
    if n == 0 { Err("none".to_owned()) } else { Ok(n + RUNS.fetch_add(1, Relaxed)) }
}

#[cached(capacity = unbounded, each = id in ids)]
fn bulk(ids: &[u32]) -> HashMap<u32, u32> {
    ids.iter().map(|id| (*id, id * 2)).collect()
}

struct Shop(u32);

impl Shop {
    #[cached(eviction = sieve, key = (self.0, n), companion = item_entry)]
    fn item(&self, n: u32) -> u32 {
        self.0 + n + RUNS.fetch_add(1, Relaxed)
    }

    #[cached(capacity = unbounded, key = (self.0, n))]
    fn other(&self, n: u32) -> u32 {
        self.0 + n + RUNS.fetch_add(1, Relaxed)
    }
}

#[cached(cache = plain::cache())]
fn shared(n: u64, text: &str) -> String {
    format!("shared {text}{n}")
}

#[invalidates(plain(n, text))]
fn write(n: u64, text: &str) {}

#[test]
fn a_function_and_its_companions() {
    assert_eq!(plain(1, "a"), "a1");
    let runs = RUNS.load(Relaxed);
    assert_eq!((plain(1, "a"), plain::get(1, "a"), plain::contains(1, "a")), ("a1".into(), Some("a1".into()), true));
    assert_eq!(shared(1, "a"), "a1", "one cache, by a handle");
    plain::set(2, "b", &"given".to_owned());
    assert_eq!((plain(2, "b"), shared(2, "b"), shared(3, "c")), ("given".into(), "given".into(), "shared c3".into()));
    assert_eq!(plain(3, "c"), "shared c3");
    write(3, "c");
    assert_eq!(plain(3, "c"), "c3");
    assert_eq!(plain::refresh(2, "b"), "b2");
    plain::invalidate(2, "b");
    plain::invalidate_where(|(n, _), _| *n == 1);
    assert_eq!(plain::many([(1, "a"), (2, "b"), (3, "c")]), [None, None, Some("c3".into())]);
    let cache: &'static Cache<(u64, String), String> = plain::cache();
    assert_eq!((cache.len(), cache.get(&(3, "c".to_owned()))), (1, Some("c3".into())));
    assert!(plain::stats().hits > 5);
    cached_runtime::invalidate_tag("all").wait().unwrap();
    assert!(!plain::contains(3, "c"));
    plain::clear();
    assert!(cache.is_empty() && RUNS.load(Relaxed) > runs);
}

#[test]
fn instantiations_and_methods() {
    assert_eq!((generic(1_u8), generic("x"), generic(1_u8)), ("1".into(), "x".into(), "1".into()));
    assert_eq!((generic::stats().hits, generic::stats().entries, generic::stats().capacity), (1, 2, None));
    generic::invalidate("x");
    assert_eq!((generic::get("x"), generic::get(1_u8)), (None, Some("1".into())));
    let shop = Shop(7);
    assert_eq!((shop.item(1), shop.other(1)), (shop.item(1), shop.other(1)));
    assert_eq!(shop.item_entry(1).get(), Some(shop.item(1)));
    shop.item_entry(1).invalidate();
    assert!(!shop.item_entry(1).contains());
}

#[test]
fn many_ids() {
    assert_eq!(bulk(&[1, 2]), HashMap::from([(1, 2), (2, 4)]));
    assert_eq!(bulk(&[2, 3]), HashMap::from([(2, 4), (3, 6)]));
    assert_eq!((bulk::stats().hits, bulk::stats().entries), (1, 3));
}

#[tokio::test]
async fn async_functions() {
    let first = awaited(1).await;
    assert_eq!(awaited(1).await, first);
    assert_eq!(awaited(0).await, Err("none".to_owned()));
    assert_eq!(awaited::get(1).await, Some(first));
    awaited::invalidate(1).await;
    assert!(!awaited::contains(1).await);
}

#[test]
fn handles_of_either_kind() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        let cache = Cache::builder().eviction(eviction).capacity(10).build();
        assert_eq!((cache.get_or_load(1, || 2), cache.get_or_load(1, || 3), cache.get(&1)), (2, 2, Some(2)));
        assert_eq!((cache.stats().hits, cache.stats().misses), (2, 1));
        (0..100).for_each(|n| cache.set(n, n));
        assert_eq!(cache.len(), 10);
        cache.clear();
        assert_eq!((cache.get(&99), cache.len()), (None, 0));
    }
}
