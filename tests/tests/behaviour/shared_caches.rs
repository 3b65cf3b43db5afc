//! `cache = expr`: a cache of one's own, shared by functions, in an instance, in trait methods.

use cached_runtime::{Cache, Local, cached};
use cached_tests::{Counter, run};
use std::sync::LazyLock;

static PRODUCTS: LazyLock<Cache<u64, String>> =
    LazyLock::new(|| Cache::builder().name("products in a static").capacity(10).build());

#[test]
fn functions_that_share_a_cache_share_entries() {
    static RUNS: Counter = Counter::new();
    #[cached(capacity = 10, name = "shared products")]
    fn product(id: u64) -> String {
        RUNS.up();
        format!("product {id}")
    }
    #[cached(cache = product::cache(), skip(verbose))]
    fn same_product(id: u64, verbose: bool) -> Result<String, String> {
        RUNS.up();
        if verbose { Ok(format!("verbose product {id}")) } else { Err("none".into()) }
    }
    #[cached(cache = product::cache())]
    async fn product_later(id: u64) -> Option<String> {
        RUNS.up();
        Some(format!("later product {id}"))
    }
    assert_eq!((product(1), same_product(1, false), RUNS.get()), ("product 1".into(), Ok("product 1".into()), 1));
    assert_eq!((same_product(2, true), product(2)), (Ok("verbose product 2".into()), "verbose product 2".into()));
    assert_eq!(same_product(3, false), Err("none".into()));
    run(|| async {
        assert_eq!(product_later(1).await.as_deref(), Some("product 1"));
        assert_eq!(product_later(4).await.as_deref(), Some("later product 4"));
    });
    assert_eq!((product(4), product::cache().get(&4)), ("later product 4".into(), Some("later product 4".into())));
    // Companions of either act on all of them.
    same_product::invalidate(1);
    assert_eq!((product::get(1), product::cache().contains(&1)), (None, false));
    product::cache().set(5, "set".into());
    assert_eq!((product(5), same_product(5, true)), ("set".into(), Ok("set".into())));
    assert_eq!(product::stats(), same_product::stats());
    same_product::clear();
    assert!(product::cache().is_empty());
    assert_eq!(product::cache().name(), "shared products");
}

#[test]
fn a_cache_in_a_static() {
    #[cached(cache = PRODUCTS)]
    fn one(id: u64) -> String {
        format!("one {id}")
    }
    #[cached(cache = PRODUCTS)]
    fn other(id: u64) -> Option<String> {
        (id > 0).then(|| format!("other {id}"))
    }
    assert_eq!(
        (one(1), other(1), other(2), one(2), other(0)),
        ("one 1".into(), Some("one 1".into()), Some("other 2".into()), "other 2".into(), None)
    );
    one::set(3, &"set".to_owned());
    assert_eq!(
        (PRODUCTS.get(&3), other::get(3), other::contains(4)),
        (Some("set".into()), Some(Some("set".into())), false)
    );
    other::invalidate(3);
    assert_eq!((one(3), one::refresh(2), other(2)), ("one 3".into(), "one 2".into(), Some("one 2".into())));
    PRODUCTS.clear();
    assert_eq!((one::get(1), one::stats(), PRODUCTS.name()), (None, other::stats(), "products in a static"));
    one::clear();
}

struct Shop {
    discount: u64,
    prices: Cache<(u64, String), u64>,
    names: Cache<u64, String>,
}

impl Shop {
    fn new(discount: u64) -> Self {
        Self { discount, prices: Cache::builder().capacity(10).build(), names: Cache::builder().build() }
    }

    #[cached(cache = self.prices)]
    fn price(&self, id: u64, currency: &str) -> Result<u64, String> {
        if currency.is_empty() { Err("no currency".into()) } else { Ok(id * 10 - self.discount) }
    }

    #[cached(cache = self.names)]
    async fn name(&self, id: u64) -> Option<String> {
        tokio::task::yield_now().await;
        (id > 0).then(|| format!("{id} at {}", self.discount))
    }
}

#[test]
fn a_cache_for_each_instance() {
    let (one, two) = (Shop::new(1), Shop::new(2));
    for _ in 0..2 {
        assert_eq!(
            (one.price(7, "EUR"), two.price(7, "EUR"), one.price(7, "")),
            (Ok(69), Ok(68), Err("no currency".into()))
        );
    }
    assert_eq!((one.prices.stats().hits, two.prices.stats().hits, one.prices.len()), (1, 1, 1));
    one.prices.invalidate(&(7, "EUR".to_owned()));
    assert_eq!((one.prices.len(), two.prices.len()), (0, 1));
}

#[test]
fn a_cache_for_each_instance_async() {
    run(|| async {
        let (one, two) = (Shop::new(1), Shop::new(2));
        for _ in 0..2 {
            assert_eq!(
                (one.name(7).await, two.name(7).await, one.name(0).await),
                (Some("7 at 1".into()), Some("7 at 2".into()), None)
            );
        }
        assert_eq!((one.names.len(), two.names.len()), (1, 1));
        one.names.set(7, "mine".to_owned());
        assert_eq!((one.name(7).await, two.name(7).await), (Some("mine".into()), Some("7 at 2".into())));
        one.names.invalidate(&7);
        assert!(!one.names.contains(&7));
    });
}

trait Priced {
    fn cache(&self) -> &Cache<u64, u64>;

    fn base(&self) -> u64;

    #[cached(cache = self.cache())]
    fn price(&self, id: u64) -> u64 {
        self.base() + id
    }

    fn twice(&self, id: u64) -> u64;
}

struct Stall(u64, Cache<u64, u64>);

impl Priced for Stall {
    fn cache(&self) -> &Cache<u64, u64> {
        &self.1
    }

    fn base(&self) -> u64 {
        self.0
    }

    #[cached(cache = self.1, key = id + 1000)]
    fn twice(&self, id: u64) -> u64 {
        2 * (self.0 + id)
    }
}

#[test]
fn trait_methods() {
    let (one, two) = (Stall(100, Cache::builder().build()), Stall(200, Cache::builder().build()));
    for _ in 0..2 {
        assert_eq!((one.price(1), two.price(1), one.twice(1), two.twice(1)), (101, 201, 202, 402));
    }
    assert_eq!((one.1.len(), one.1.stats().hits, two.1.stats().hits), (2, 2, 2));
}

/// Through references, clones, arcs and boxes alike.
#[test]
fn handles_behind_anything() {
    use std::sync::{Arc, OnceLock};
    struct Wrapped {
        arc: Arc<Cache<u32, u32>>,
        boxed: Box<Cache<u32, u32>>,
        once: OnceLock<Cache<u32, u32>>,
    }
    impl Wrapped {
        #[cached(cache = self.arc)]
        fn by_arc(&self, n: u32) -> u32 {
            n + 1
        }
        #[cached(cache = self.boxed)]
        fn by_box(&self, n: u32) -> u32 {
            n + 2
        }
        #[cached(cache = self.once.get_or_init(|| Cache::builder().build()))]
        fn by_once(&self, n: u32) -> u32 {
            n + 3
        }
        fn cache(&self) -> Cache<u32, u32> {
            (*self.arc).clone()
        }
        #[cached(cache = self.cache())]
        fn by_value(&self, n: u32) -> u32 {
            n + 4
        }
        #[cached(cache = &*self.boxed)]
        fn by_reference(&self, n: u32) -> u32 {
            n + 5
        }
    }
    let wrapped = Wrapped {
        arc: Arc::new(Cache::builder().build()),
        boxed: Box::new(Cache::builder().build()),
        once: OnceLock::new(),
    };
    for _ in 0..2 {
        assert_eq!((wrapped.by_arc(1), wrapped.by_box(1), wrapped.by_once(1)), (2, 3, 4));
        // These share with the first two.
        assert_eq!((wrapped.by_value(1), wrapped.by_reference(1)), (2, 3));
    }
    assert_eq!((wrapped.arc.stats().hits, wrapped.boxed.stats().hits), (3, 3));
}

#[test]
fn a_handle_as_an_argument() {
    #[cached(cache = cache, key = n)]
    fn load(cache: &Cache<u32, u32>, n: u32, add: u32) -> u32 {
        n + add
    }
    let (one, two) = (Cache::builder().build(), Cache::builder().build());
    assert_eq!((load(&one, 1, 10), load(&one, 1, 20), load(&two, 1, 30)), (11, 11, 31));
}

#[test]
fn a_local_handle() {
    use std::rc::Rc;
    struct Shop(Cache<u32, Rc<u32>, Local>);
    impl Shop {
        #[cached(cache = self.0)]
        fn item(&self, n: u32) -> Rc<u32> {
            Rc::new(n)
        }
    }
    let shop = Shop(Cache::builder().build_local());
    assert!(Rc::ptr_eq(&shop.item(1), &shop.item(1)));
    assert_eq!(shop.0.stats().hits, 1);
}

#[test]
fn conditions_go_with_a_cache_of_one_s_own() {
    static CACHE: LazyLock<Cache<u32, u32>> = LazyLock::new(|| Cache::builder().build());
    #[cached(cache = CACHE, skip(force), cache_if = |value| *value < 100, refresh_if = force, bypass_if = n == 5)]
    fn load(n: u32, force: bool) -> u32 {
        n * 10
    }
    assert_eq!((load(1, false), load(1, true), load(5, false), load(50, false)), (10, 10, 50, 500));
    assert_eq!((CACHE.len(), CACHE.stats().rejected, CACHE.stats().bypassed, CACHE.stats().loads), (1, 1, 1, 3));
}

/// Functions that share a cache wait for each other's loads, but what one can't return it never gets from the other.
#[test]
fn waiters_of_another_function_s_failure() {
    use cached_tests::Gate;
    use futures::poll;
    use std::pin::pin;
    static CACHE: LazyLock<Cache<u32, u32>> = LazyLock::new(|| Cache::builder().build());
    static RELEASE: Gate = Gate::new();
    #[cached(cache = CACHE)]
    async fn texts(n: u32) -> Result<u32, String> {
        RELEASE.passed().await;
        Err(format!("no {n}"))
    }
    #[cached(cache = CACHE)]
    async fn numbers(n: u32) -> Result<u32, u64> {
        Err(u64::from(n))
    }
    #[cached(cache = CACHE)]
    async fn options(_n: u32) -> Option<u32> {
        None
    }
    #[cached(cache = CACHE)]
    async fn plain(n: u32) -> u32 {
        n
    }
    run(|| async {
        let (mut leader, mut same) = (pin!(texts(7)), pin!(texts(7)));
        let (mut number, mut option, mut value) = (pin!(numbers(7)), pin!(options(7)), pin!(plain(7)));
        assert!(poll!(leader.as_mut()).is_pending() && poll!(same.as_mut()).is_pending());
        assert!(
            poll!(number.as_mut()).is_pending()
                && poll!(option.as_mut()).is_pending()
                && poll!(value.as_mut()).is_pending()
        );
        RELEASE.open();
        assert_eq!((leader.await, same.await), (Err("no 7".into()), Err("no 7".into())));
        assert_eq!((number.await, option.await, value.await), (Err(7), None, 7));
        // Now there is a value, which all of them may return.
        assert_eq!((texts(7).await, numbers(7).await, options(7).await), (Ok(7), Ok(7), Some(7)));
    });
}

/// The absence of one is no value of another.
#[test]
fn waiters_of_another_function_s_absence() {
    use cached_tests::Gate;
    use futures::poll;
    use std::pin::pin;
    static CACHE: LazyLock<Cache<u32, u32>> = LazyLock::new(|| Cache::builder().build());
    static RELEASE: Gate = Gate::new();
    #[cached(cache = CACHE)]
    async fn options(_n: u32) -> Option<u32> {
        RELEASE.passed().await;
        None
    }
    #[cached(cache = CACHE)]
    async fn results(n: u32) -> Result<Option<u32>, String> {
        Ok((n > 100).then_some(n))
    }
    #[cached(cache = CACHE)]
    async fn plain(n: u32) -> u32 {
        n
    }
    run(|| async {
        let (mut leader, mut result, mut value) = (pin!(options(7)), pin!(results(7)), pin!(plain(7)));
        assert!(
            poll!(leader.as_mut()).is_pending()
                && poll!(result.as_mut()).is_pending()
                && poll!(value.as_mut()).is_pending()
        );
        RELEASE.open();
        assert_eq!(leader.await, None);
        assert!([Ok(None), Ok(Some(7))].contains(&result.await));
        assert_eq!(value.await, 7);
    });
}
