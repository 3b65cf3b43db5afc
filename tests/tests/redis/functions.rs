//! The attribute with `backend = redis`: functions and their companions over a real server. Must never look into what the
//! store tests look into (faults, protocols), but at what the user of a function sees.

use cached_runtime::{cached, redis::Config};
use cached_tests::{Counter, crowd, redis::Server, run, run_parallel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
}

/// A server, known as the connection `name` to the functions of one test.
fn serve(name: &'static str) -> Server {
    let server = Server::start();
    crate::subject::patiently(&server.url()).install_as(name).expect("a good URL");
    server
}

/// Where nothing listens.
fn nowhere(name: &'static str) {
    Config::from_url("redis://127.0.0.1:1").namespace("tests").install_as(name).expect("a good URL");
}

#[test]
fn a_sync_function_and_its_companions() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("fn_sync"), ttl = "60s", key = "product:{id}:{lang}")]
    fn product(id: u64, lang: &str) -> Product {
        LOADS.up();
        Product { id, name: format!("{lang} {id}") }
    }

    let server = serve("fn_sync");
    let tea = Product { id: 7, name: "en 7".into() };
    assert_eq!((product(7, "en"), product(7, "en")), (tea.clone(), tea.clone()));
    assert_eq!(LOADS.get(), 1);
    let keys = server.client().keys();
    assert!(keys.iter().any(|key| key.contains("product:7:en")), "{keys:?}");
    assert_eq!(product::get(7, "en"), Some(tea.clone()));
    assert!(product::contains(7, "en") && !product::contains(7, "de"));
    product::set(7, "de", &Product { id: 7, name: "Tee".into() }).expect("a server");
    assert_eq!(product(7, "de").name, "Tee");
    assert_eq!(product::many([(7, "de"), (8, "de")]).iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    assert_eq!(product::uncached(7, "de").name, "de 7");
    assert_eq!(product::refresh(7, "de").name, "de 7");
    assert_eq!(product::get(7, "de").expect("it was refreshed").name, "de 7");
    product::invalidate(7, "en").expect("a server");
    assert_eq!(product::get(7, "en"), None);
    product::clear().expect("a server");
    assert_eq!(product::get(7, "de"), None);
    assert!(product::cache().name().ends_with("product"), "{}", product::cache().name());
    assert_eq!((LOADS.get(), product::stats().loads), (3, 2));
    product::reset_stats();
    assert_eq!(product::stats().loads, 0);
}

#[test]
fn an_async_function_and_its_companions() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("fn_async"), ttl = "60s", skip(db))]
    async fn product(db: &Counter, id: u64, lang: &str) -> Result<Product, String> {
        db.up();
        tokio::task::yield_now().await;
        if id == 0 { Err("no such product".into()) } else { Ok(Product { id, name: lang.into() }) }
    }

    let server = serve("fn_async");
    run_parallel(|| async {
        let task = tokio::spawn(async { product(&LOADS, 7, "en").await });
        let tea = task.await.expect("no panic").expect("a product");
        assert_eq!(product(&LOADS, 7, "en").await.as_ref(), Ok(&tea));
        assert_eq!(LOADS.get(), 1);
        // An error is not kept.
        product(&LOADS, 0, "en").await.unwrap_err();
        product(&LOADS, 0, "en").await.unwrap_err();
        assert_eq!(LOADS.get(), 3);
        assert_eq!(product::get(7, "en").await, Some(Ok(tea.clone())));
        assert!(!product::contains(0, "en").await);
        // In tasks too.
        tokio::spawn(async {
            product::set(9, "de", &Product { id: 9, name: "Tee".into() }).await?;
            assert!(product::contains(9, "de").await && product::get(9, "de").await.is_some());
            product::refresh(&LOADS, 9, "de").await.expect("a product");
            product::invalidate(9, "de").await
        })
        .await
        .expect("no panic")
        .expect("a server");
        assert_eq!(product::many([(7, "en"), (9, "de")]).await, [Some(Ok(tea)), None]);
        assert_eq!(product::uncached(&LOADS, 7, "fr").await.expect("a product").name, "fr");
        product::clear().await.expect("a server");
        assert_eq!(product::get(7, "en").await, None);
    });
    assert!(server.client().keys().iter().any(|key| key.contains(r#"[7,"en"]"#)), "{:?}", server.client().keys());
}

#[test]
fn an_absent_value_is_looked_for_again_unless_it_may_be_kept() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("fn_option"), ttl = "60s")]
    fn find(id: u64) -> Option<String> {
        LOADS.up();
        (id > 0).then(|| id.to_string())
    }

    #[cached(backend = redis("fn_option"), ttl = "60s", cache_none = "30s")]
    fn find_once(id: &str) -> Result<Option<u64>, std::num::ParseIntError> {
        LOADS.up();
        Ok(Some(id.parse()?).filter(|id| *id > 0))
    }

    let _server = serve("fn_option");
    assert_eq!((find(1), find(1), LOADS.get()), (Some("1".into()), Some("1".into()), 1));
    assert_eq!((find(0), find(0), LOADS.get()), (None, None, 3));
    assert_eq!((find_once("0"), find_once("0"), LOADS.get()), (Ok(None), Ok(None), 4));
}

#[test]
fn promise_2_one_load_of_a_cold_key() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("fn_cold"), ttl = "60s")]
    fn slow(id: u64) -> u64 {
        LOADS.up();
        std::thread::sleep(Duration::from_millis(200));
        id
    }

    #[cached(backend = redis("fn_cold"), ttl = "60s")]
    async fn slow_async(id: u64) -> u64 {
        LOADS.up();
        tokio::time::sleep(Duration::from_millis(200)).await;
        id
    }

    let _server = serve("fn_cold");
    assert_eq!(crowd(64, |_| slow(7)), [7; 64]);
    assert_eq!(LOADS.get(), 1);
    run(|| async {
        let callers: Vec<_> = (0..64).map(|_| tokio::spawn(slow_async(8))).collect();
        for caller in callers {
            assert_eq!(caller.await.expect("no panic"), 8);
        }
    });
    assert_eq!(LOADS.get(), 2);
}

#[test]
fn promise_2_one_load_of_an_absent_value() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("fn_absent"), ttl = "60s")]
    fn find(_id: u64) -> Option<String> {
        LOADS.up();
        std::thread::sleep(Duration::from_millis(300));
        None
    }

    let _server = serve("fn_absent");
    assert_eq!(crowd(64, |_| find(7)), vec![None; 64]);
    assert_eq!(LOADS.get(), 1);
}

#[test]
fn promise_6_without_a_server_the_body_runs() {
    #[cached(backend = redis("fn_nowhere"), ttl = never)]
    fn length(text: &str) -> usize {
        text.len()
    }

    #[cached(backend = redis("fn_nowhere"), ttl = "1m")]
    async fn later(text: &str) -> Option<usize> {
        std::future::ready(Some(text.len())).await
    }

    nowhere("fn_nowhere");
    assert_eq!((length("abc"), length::get("abc"), length::contains("abc")), (3, None, false));
    length::invalidate("abc").unwrap_err();
    run(|| async {
        assert_eq!((later("abc").await, later::get("abc").await), (Some(3), None));
        later::set("abc", &4).await.unwrap_err();
        later::clear().await.unwrap_err();
    });
}

#[test]
fn methods_and_generic_functions_have_a_name() {
    static LOADS: Counter = Counter::new();

    struct Shop(u32);

    impl Shop {
        #[cached(backend = redis("fn_names"), ttl = "60s", name = "prices", key = (self.0, id), companion = price_entry)]
        fn price(&self, id: u32) -> u32 {
            LOADS.up();
            self.0 * id
        }

        #[cached(backend = redis("fn_names"), ttl = "60s", name = "titles", key = "title:{self.0}:{id}", companion = title_entry)]
        async fn title(&self, id: u32) -> String {
            LOADS.up();
            tokio::task::yield_now().await;
            format!("{} {id}", self.0)
        }

        #[cached(backend = redis("fn_names"), ttl = "60s", name = "alone", key = self.0, bypass_if = force, refresh_if = again)]
        async fn alone(&self, force: bool, again: bool) -> usize {
            let _ = (force, again);
            LOADS.up()
        }
    }

    #[cached(backend = redis("fn_names"), ttl = "60s", name = "shown")]
    #[expect(clippy::needless_pass_by_value, reason = "a reference would have no type of its own")]
    fn shown<T: ToString + Clone + std::hash::Hash + Eq + Serialize + Send + Sync + 'static>(value: T) -> String {
        LOADS.up();
        value.to_string()
    }

    let server = serve("fn_names");
    let shop = Shop(3);
    assert_eq!((shop.price(2), shop.price(2), Shop(4).price(2), LOADS.get()), (6, 6, 8, 2));
    assert_eq!(shop.price_entry(2).get(), Some(6));
    shop.price_entry(2).invalidate().expect("a server");
    assert_eq!(shop.price_entry(2).get(), None);
    assert_eq!((shown(1_u8), shown("1".to_owned()), shown(1_u8), LOADS.get()), ("1".into(), "1".into(), "1".into(), 4));
    shown::invalidate(1_u8).expect("a server");
    assert!(!shown::contains(1_u8) && shown::contains("1".to_owned()));
    shown::clear().expect("a server");
    assert_eq!(shown::stats().loads, 2);
    run(move || async move {
        assert_eq!((shop.title(1).await, shop.title(1).await, LOADS.get()), ("3 1".into(), "3 1".into(), 5));
        shop.title_entry(1).invalidate_async().await.expect("a server");
        assert!(!shop.title_entry(1).contains_async().await);
        assert_eq!((shop.alone(false, false).await, shop.alone(false, false).await), (6, 6));
        assert_eq!((shop.alone(true, false).await, shop.alone(false, true).await), (7, 8));
        assert_eq!(shop.alone(false, false).await, 8);
    });
    let keys = server.client().keys();
    assert!(keys.iter().any(|key| key.contains("prices") && key.contains("[4,2]")), "{keys:?}");
}

#[test]
fn codecs_and_compression() {
    #[cached(backend = redis("fn_codecs"), ttl = "60s", codec = msgpack, compress_above = "1KiB")]
    fn packed(n: u64) -> Vec<u64> {
        vec![n; 10_000]
    }

    #[cached(backend = redis("fn_codecs"), ttl = "60s", codec = postcard, version = 1)]
    fn positional(id: u64) -> Product {
        Product { id, name: "x".into() }
    }

    let _server = serve("fn_codecs");
    packed(7);
    positional(7);
    assert_eq!(packed::get(7), Some(vec![7; 10_000]));
    assert_eq!(positional::get(7), Some(Product { id: 7, name: "x".into() }));
}
