//! `each = id in ids`, `#[invalidates]` and `#[updates]` over functions whose entries are in Redis. Must never look into the
//! protocols: what they promise is tested with the stores.

use crate::many::calls;
use cached_runtime::{cached, invalidates, updates};
use cached_tests::{Counter, Gate, eventually, redis::Server, run, run_parallel, start};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
}

fn named(id: u64, name: &str) -> Product {
    Product { id, name: name.to_owned() }
}

/// A server, known as the connection `name` to the functions of one test.
fn serve(name: &'static str) -> Server {
    let server = Server::start();
    crate::subject::patiently(&server.url()).install_as(name).expect("a good URL");
    server
}

#[test]
fn many_ids_are_one_look_and_one_body() {
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

    #[cached(each = id in ids, backend = redis("at_each"), ttl = "60s", key = "of_many:{id}")]
    fn products(ids: &[u64]) -> HashMap<u64, Product> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().filter(|id| **id < 100).map(|id| (*id, named(*id, "bulk"))).collect()
    }

    let server = serve("at_each");
    let mut client = server.client();
    assert_eq!(products(&[1, 2]).len(), 2);
    let before = calls(&mut client, "mget");
    assert_eq!(products(&[3, 1, 2, 200]).len(), 3);
    assert_eq!(calls(&mut client, "mget") - before, 1);
    let asked = || std::mem::take(&mut *ASKED.lock().unwrap());
    assert_eq!(asked(), [vec![1, 2], vec![3, 200]]);
    assert_eq!((products(&[2, 3]).len(), asked().len()), (2, 0));
    assert_eq!((products::get(3), products::get(200)), (Some(named(3, "bulk")), None));
    assert_eq!(products::many([1, 200]), [Some(named(1, "bulk")), None]);
    products::set(1, &named(1, "set")).expect("a server");
    assert_eq!((products(&[1])[&1].name.as_str(), asked().len()), ("set", 0));
    assert_eq!(products::uncached(&[1])[&1].name, "bulk");
    assert_eq!(products(&[1])[&1].name, "set");
    assert_eq!(products::refresh(&[1, 4, 1]).len(), 2);
    assert_eq!(asked(), [vec![1], vec![1, 4]]);
    assert_eq!(products(&[1, 4])[&1].name, "bulk");
    products::invalidate(4).expect("a server");
    assert_eq!((products(&[1, 4]).len(), asked()), (2, vec![vec![4]]));
}

#[test]
fn an_async_one_shares_the_entries_of_the_function_of_one_id() {
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

    #[cached(backend = redis("at_shared"), ttl = "60s", key = "shared:{id}", skip(db))]
    async fn product(db: &Counter, id: u64) -> Result<Option<Product>, String> {
        db.up();
        Ok(Some(named(id, "single")))
    }

    #[cached(each = id in ids, key = id, skip(db), backend = redis, cache = product::cache())]
    async fn products(db: &Counter, ids: Vec<u64>) -> Result<Vec<Option<Product>>, String> {
        db.up();
        ASKED.lock().unwrap().push(ids.clone());
        tokio::task::yield_now().await;
        Ok(ids.into_iter().map(|id| (id < 100).then(|| named(id, "bulk"))).collect())
    }

    let _server = serve("at_shared");
    run_parallel(|| async {
        static DB: Counter = Counter::new();
        product(&DB, 1).await.expect("a database");
        let call = tokio::spawn(products(&DB, vec![2, 1, 200]));
        let names =
            |found: Vec<Option<Product>>| found.into_iter().map(|item| item.map(|item| item.name)).collect::<Vec<_>>();
        let (bulk, single) = (Some("bulk".to_owned()), Some("single".to_owned()));
        assert_eq!(names(call.await.expect("no panic").expect("a database")), [bulk.clone(), single, None]);
        assert_eq!(product(&DB, 2).await.expect("a database").map(|item| item.name), bulk);
        assert_eq!((DB.get(), std::mem::take(&mut *ASKED.lock().unwrap())), (2, vec![vec![2, 200]]));
        assert_eq!(names(products::refresh(&DB, vec![1]).await.expect("a database")), vec![bulk.clone()]);
        assert_eq!(product(&DB, 1).await.expect("a database").map(|item| item.name), bulk);
        products::invalidate(1).await.expect("a server");
        assert_eq!(product(&DB, 1).await.expect("a database").map(|item| item.name).as_deref(), Some("single"));
        products::clear().await.expect("a server");
        assert_eq!(product::get(1).await, None);
    });
}

#[test]
fn a_writer_writes_through_or_forgets() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("at_writers"), ttl = "60s", key = "through:{id}", tags = ["of:{id}"])]
    async fn product(id: u64) -> Result<Product, String> {
        LOADS.up();
        Ok(named(id, "loaded"))
    }

    #[updates(product(id))]
    async fn rename(id: u64, name: &str) -> Result<Product, String> {
        tokio::task::yield_now().await;
        if name.is_empty() { Err("no name".to_owned()) } else { Ok(named(id, name)) }
    }

    #[updates(product(id))]
    fn rename_now(id: u64, name: &str) -> Product {
        named(id, name)
    }

    #[invalidates(product(id))]
    async fn remove(id: u64, works: bool) -> Result<(), String> {
        if works { Ok(()) } else { Err("refused".to_owned()) }
    }

    #[invalidates(tags = ["of:{id}"])]
    fn remove_now(id: u64) {}

    let _server = serve("at_writers");
    run(|| async {
        product(1).await.expect("loaded");
        rename(1, "through").await.expect("a name");
        assert_eq!(product(1).await.expect("kept").name, "through");
        rename(1, "").await.unwrap_err();
        assert_eq!(product(1).await.expect("kept").name, "through", "a failure changes nothing");
        remove(1, false).await.unwrap_err();
        assert_eq!((product(1).await.expect("kept").name, LOADS.get()), ("through".to_owned(), 1));
        remove(1, true).await.expect("it works");
        assert_eq!(product::get(1).await, None);
    });
    rename_now(2, "now");
    run(|| async {
        assert_eq!(product::get(2).await.expect("kept").expect("a product").name, "now");
    });
    remove_now(2);
    run(|| async {
        assert_eq!((product::get(2).await, LOADS.get()), (None, 1));
    });
}

/// They write to their database in one order, and come back in the other.
#[test]
fn promise_9_writers_that_cross_leave_a_miss() {
    #[cached(backend = redis("at_crossing"), ttl = "60s", key = "crossing:{id}")]
    fn product(id: u64) -> Product {
        named(id, "loaded")
    }

    #[updates(product(id))]
    fn rename(id: u64, name: &str, written: &Gate, returns: &Gate) -> Product {
        written.open();
        returns.wait();
        named(id, name)
    }

    let _server = serve("at_crossing");
    product(1);
    let (written, returns, at_once) = (Arc::new(Gate::new()), Arc::new(Gate::new()), Gate::new());
    let older = {
        let (written, returns) = (written.clone(), returns.clone());
        start(move || rename(1, "older", &written, &returns))
    };
    written.wait();
    at_once.open();
    assert_eq!(rename(1, "newer", &Gate::new(), &at_once).name, "newer");
    returns.open();
    assert_eq!(older.end().name, "older");
    eventually("the crossing has ended", || product::get(1).is_none_or(|kept| kept.name != "newer"));
    assert_eq!(product::get(1), None);
    // Once it was invalidated, and alone again, a writer writes through.
    assert_eq!(product(1).name, "loaded");
    product::invalidate(1).expect("a server");
    rename(1, "last", &Gate::new(), &at_once);
    assert_eq!(product::get(1).map(|kept| kept.name).as_deref(), Some("last"));
}
