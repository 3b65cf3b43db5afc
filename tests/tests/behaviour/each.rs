//! `each = id in ids`: the entries, companions and returns of functions of many ids. Whether loads are shared is for
//! promise 2.

use cached_runtime::cached;
use cached_tests::Counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

#[derive(Clone, Debug, PartialEq)]
struct Product {
    id: u64,
    name: String,
}

fn named(id: u64, name: &str) -> Product {
    Product { id, name: name.to_owned() }
}

/// What a body was asked for, in order.
type Asked = Mutex<Vec<Vec<u64>>>;

fn note(asked: &Asked, ids: &[u64]) {
    asked.lock().unwrap().push(ids.to_vec());
}

fn noted(asked: &Asked) -> Vec<Vec<u64>> {
    std::mem::take(&mut asked.lock().unwrap())
}

#[test]
fn every_id_is_an_entry_and_the_body_gets_what_is_missing() {
    static ASKED: Asked = Mutex::new(Vec::new());

    /// Products, by id.
    #[cached(each = id in ids)]
    fn products(ids: &[u64], lang: &str) -> HashMap<u64, Product> {
        note(&ASKED, ids);
        ids.iter().filter(|id| **id < 100).map(|id| (*id, named(*id, lang))).collect()
    }

    assert_eq!(products(&[1, 2], "en").len(), 2);
    assert_eq!(products(&[2, 3, 3, 200], "en").len(), 2);
    assert_eq!(noted(&ASKED), [vec![1, 2], vec![3, 200]]);
    assert_eq!(products(&[1, 2, 3], "en")[&3], named(3, "en"));
    assert!(products(&[], "en").is_empty());
    assert!(noted(&ASKED).is_empty());
    products(&[1], "de");
    assert_eq!(noted(&ASKED), [vec![1]], "another language is another entry");
    // The companions are of one id.
    assert_eq!(products::get(1, "de"), Some(named(1, "de")));
    assert_eq!(products::many([(1, "en"), (9, "en")]), [Some(named(1, "en")), None]);
    products::invalidate(1, "en");
    assert!(!products::contains(1, "en") && products::contains(2, "en"));
    products::set(1, "en", &named(1, "set"));
    assert_eq!(products(&[1, 2], "en")[&1].name, "set");
    assert!(noted(&ASKED).is_empty());
    products::invalidate_where(|key, _| key.0 == 2);
    assert_eq!((products(&[1, 2], "en").len(), noted(&ASKED)), (2, vec![vec![2]]));
    products::clear();
    assert_eq!((products::stats().entries, products::cache().len()), (0, 0));
}

#[test]
fn uncached_and_refresh_take_all_ids() {
    static LOADS: Counter = Counter::new();
    static ASKED: Asked = Mutex::new(Vec::new());

    #[cached(each = id in ids)]
    fn numbers(ids: Vec<u64>) -> Vec<u64> {
        LOADS.up();
        note(&ASKED, &ids);
        ids.iter().map(|id| id * 1000 + LOADS.get() as u64).collect()
    }

    assert_eq!(numbers(vec![1, 2]), [1001, 2001]);
    assert_eq!(numbers::uncached(vec![1, 2]), [1002, 2002]);
    assert_eq!(numbers(vec![2, 1]), [2001, 1001], "what went past the cache is not kept");
    assert_eq!(numbers::refresh(vec![2, 3, 2]), [2003, 3003, 2003]);
    assert_eq!(noted(&ASKED), [vec![1, 2], vec![1, 2], vec![2, 3]]);
    assert_eq!(numbers(vec![1, 2, 3]), [1001, 2003, 3003], "what was refreshed is kept");
    assert_eq!(LOADS.get(), 3);
}

#[test]
fn entries_are_shared_with_the_function_of_one_id() {
    static ASKED: Asked = Mutex::new(Vec::new());

    #[cached(key = id, capacity = 100)]
    fn product(id: u64) -> Result<Product, String> {
        note(&ASKED, &[id]);
        if id == 0 { Err("no such product".to_owned()) } else { Ok(named(id, "single")) }
    }

    #[cached(each = id in ids, key = id, cache = product::cache())]
    fn products(ids: &[u64]) -> Result<BTreeMap<u64, Product>, String> {
        note(&ASKED, ids);
        if ids.contains(&13) {
            return Err("no database".to_owned());
        }
        Ok(ids.iter().filter(|id| **id != 0).map(|id| (*id, named(*id, "bulk"))).collect())
    }

    product(1).unwrap();
    let got = products(&[1, 2, 0]).unwrap();
    assert_eq!((got[&1].name.as_str(), got[&2].name.as_str(), got.len()), ("single", "bulk", 2));
    assert_eq!(product(2).unwrap().name, "bulk");
    product(0).unwrap_err();
    assert_eq!(noted(&ASKED), [vec![1], vec![2, 0], vec![0]]);
    // A failure is the caller's, and nothing of it is kept.
    assert_eq!(products(&[1, 13, 3]), Err("no database".to_owned()));
    assert!(!product::contains(3) && product::contains(1));
    product::invalidate(1);
    assert_eq!(products(&[1]).unwrap()[&1].name, "bulk");
}

#[tokio::test]
async fn async_ones_with_owned_and_borrowed_arguments() {
    #[cached(each = id in ids, skip(asked), tags = ["all", "of:{id}"])]
    async fn products(asked: &Asked, ids: &[u64], lang: String) -> Result<HashMap<u64, Product>, String> {
        tokio::task::yield_now().await;
        note(asked, ids);
        if lang.is_empty() {
            return Err("no language".to_owned());
        }
        Ok(ids.iter().map(|id| (*id, named(*id, &lang))).collect())
    }

    let asked = Asked::default();
    let de = || "de".to_owned();
    // It can be spawned.
    static SPAWNED: Asked = Mutex::new(Vec::new());
    tokio::spawn(async move { products(&SPAWNED, &[1, 2], "de".to_owned()).await.unwrap().len() }).await.unwrap();
    assert_eq!(products(&asked, &[1, 2, 3], de()).await.unwrap().len(), 3);
    assert_eq!(noted(&asked), [vec![3]]);
    products(&asked, &[1], String::new()).await.unwrap_err();
    assert_eq!(products::get(1, de()).await, Some(named(1, "de")));
    assert_eq!(products::many([(1, de()), (7, de())]).await, [Some(named(1, "de")), None]);
    noted(&asked);
    assert_eq!(products::refresh(&asked, &[1, 3], de()).await.unwrap().len(), 2);
    assert_eq!(products::uncached(&asked, &[4], de()).await.unwrap().len(), 1);
    assert_eq!(noted(&asked), [vec![1, 3], vec![4]]);
    assert!(!products::contains(4, de()).await);
    // The tags are those of each id.
    cached_runtime::invalidate_tag("of:1").await.unwrap();
    assert!(!products::contains(1, de()).await && products::contains(2, de()).await);
    cached_runtime::invalidate_tag("all").await.unwrap();
    products(&asked, &[1, 2, 3], de()).await.unwrap();
    assert_eq!(noted(&asked), [vec![1, 2, 3]]);
}

#[test]
fn in_the_cache_of_a_thread() {
    use std::rc::Rc;

    static ASKED: Asked = Mutex::new(Vec::new());

    #[cached(each = id in ids, backend = local)]
    fn texts(ids: &[u64]) -> Vec<Option<Rc<str>>> {
        note(&ASKED, ids);
        ids.iter().map(|id| (*id < 100).then(|| id.to_string().into())).collect()
    }

    assert_eq!(texts(&[1, 200]), [Some("1".into()), None]);
    assert_eq!(texts(&[200, 2, 1]), [None, Some("2".into()), Some("1".into())]);
    assert_eq!(noted(&ASKED), [vec![1, 200], vec![200, 2]]);
    assert_eq!((texts::get(2).as_deref(), texts::get(200)), (Some("2"), None));
    texts::refresh(&[1]);
    texts::uncached(&[1]);
    texts::invalidate(1);
    assert_eq!(texts(&[1, 2]), [Some("1".into()), Some("2".into())]);
    assert_eq!(noted(&ASKED), [vec![1], vec![1], vec![1]]);
}

#[test]
fn methods_and_generics() {
    struct Shop {
        asked: Asked,
        products: cached_runtime::Cache<u64, Product>,
    }

    impl Shop {
        #[cached(each = id in ids, key = id, cache = self.products)]
        fn products(&self, ids: &[u64]) -> HashMap<u64, Product> {
            note(&self.asked, ids);
            ids.iter().map(|id| (*id, named(*id, "own"))).collect()
        }

        #[cached(each = id in ids, skip(self), companion = price_entry)]
        fn prices(&self, ids: &[u64]) -> Vec<u64> {
            note(&self.asked, ids);
            ids.iter().map(|id| id * 10).collect()
        }
    }

    #[cached(each = id in ids)]
    fn shown<T: ToString + Clone + Eq + std::hash::Hash + Send + Sync + 'static>(ids: &[T]) -> Vec<String> {
        ids.iter().map(T::to_string).collect()
    }

    let shop = Shop { asked: Asked::default(), products: cached_runtime::Cache::builder().build() };
    assert_eq!(shop.products(&[1, 2]).len() + shop.products(&[2, 3]).len(), 4);
    assert_eq!(noted(&shop.asked), [vec![1, 2], vec![3]]);
    assert_eq!((shop.prices(&[1, 2]), shop.prices(&[2, 3])), (vec![10, 20], vec![20, 30]));
    shop.price_entry(2).invalidate();
    assert_eq!((shop.prices(&[2, 3]), noted(&shop.asked)), (vec![20, 30], vec![vec![1, 2], vec![3], vec![2]]));
    assert_eq!(
        (shown(&[1, 2]), shown(&["a"]), shown::get("a")),
        (vec!["1".into(), "2".into()], vec!["a".into()], Some("a".into()))
    );
}

#[test]
fn calls_that_go_past_or_load_anew() {
    static ASKED: Asked = Mutex::new(Vec::new());

    #[cached(each = id in ids, skip(past), bypass_if = past, refresh_if = ids.len() == 3)]
    fn numbers(ids: Vec<u64>, past: bool) -> Vec<usize> {
        note(&ASKED, &ids);
        vec![ASKED.lock().unwrap().len(); ids.len()]
    }

    struct Shop(Asked);

    impl Shop {
        #[cached(each = id in ids, skip(self, past, with), bypass_if = past)]
        async fn prices(&self, ids: &[u64], past: bool, with: String) -> Result<BTreeMap<u64, String>, String> {
            note(&self.0, ids);
            if ids.contains(&0) {
                return Err(with);
            }
            Ok(ids.iter().map(|id| (*id, with.clone())).collect())
        }
    }

    assert_eq!(numbers(vec![1, 2], false), [1, 1]);
    assert_eq!(numbers(vec![1, 3], true), [2, 2], "all of them, and no entry is touched");
    assert_eq!((numbers(vec![1], false), numbers::get(3)), (vec![1], None));
    assert_eq!(numbers(vec![2, 1, 4], false), [3, 3, 3], "all anew, and stored");
    assert_eq!(numbers(vec![4, 1], false), [3, 3]);
    assert_eq!(noted(&ASKED), [vec![1, 2], vec![1, 3], vec![2, 1, 4]]);
    let stats = numbers::stats();
    assert_eq!((stats.bypassed, stats.loads), (1, 2), "{stats}");

    let shop = Shop(Asked::default());
    let call = |ids: &[u64], past, with: &str| {
        futures::executor::block_on(shop.prices(ids, past, with.to_owned())).map(|found| found.into_values().collect())
    };
    assert_eq!(call(&[1], false, "a"), Ok(vec!["a".to_owned()]));
    assert_eq!(call(&[1, 0], true, "b"), Err("b".to_owned()));
    assert_eq!(call(&[1, 2], false, "c"), Ok(vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(noted(&shop.0), [vec![1], vec![1, 0], vec![2]]);
}
