//! Bare JSON at a template key, shared with whoever knows the key. A plain client stands for the other programs; `python` has a
//! real one.

use crate::subject::patiently;
use cached_runtime::{Cache, ErrorKind, Redis, cached};
use cached_tests::{
    Counter, Gate, eventually, let_them_block,
    redis::{Client, Server},
    run, start,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

type Items = Cache<u64, Vec<u64>, Redis>;

fn items(connection: &'static str, server: &Server, ttl: Duration) -> Items {
    patiently(&server.url()).install_as(connection).expect("a good URL");
    Cache::builder().name("items").template(&["item:", ""]).plain().ttl(ttl).redis(connection).build_redis()
}

const MINUTE: Duration = Duration::from_mins(1);

fn text(client: &mut Client, key: &str) -> Option<String> {
    client.call(&["GET", key]).bytes().map(|bytes| String::from_utf8(bytes).expect("text"))
}

/// A load that has begun, and ends when the gate is opened.
fn lead(items: &Items, key: u64, gives: u64) -> (cached_tests::Started<Vec<u64>>, Arc<Gate>) {
    let (begun, gate) = (Arc::new(Gate::new()), Arc::new(Gate::new()));
    let load = start({
        let (items, begun, gate) = (items.clone(), Arc::clone(&begun), Arc::clone(&gate));
        move || {
            items.get_or_load(key, || {
                begun.open();
                gate.wait();
                vec![gives]
            })
        }
    });
    begun.wait();
    (load, gate)
}

#[test]
fn what_lies_there_is_json_and_no_more() {
    let server = Server::start();
    let items = items("plain_json", &server, MINUTE);
    assert_eq!(items.get_or_load(7, || vec![1, 2]), [1, 2]);
    assert_eq!(items.get_or_load(7, || vec![3]), [1, 2]);
    let mut client = server.client();
    assert_eq!(client.keys(), ["item:7"]);
    assert_eq!(text(&mut client, "item:7").as_deref(), Some("[1,2]"));
    let left: u64 = client.call(&["PTTL", "item:7"]).text().parse().expect("an expiry");
    assert!(left > 30_000 && left <= 60_000, "{left}");
    items.set(8, vec![8]).expect("a server");
    assert_eq!(text(&mut client, "item:8").as_deref(), Some("[8]"));
    items.invalidate(&7).expect("a server");
    assert_eq!(client.keys(), ["item:8"]);
}

#[test]
fn what_others_store_is_served() {
    let server = Server::start();
    let items = items("plain_others", &server, MINUTE);
    let mut client = server.client();
    client.call(&["SET", "item:1", "[1, 2]"]);
    client.call(&["SET", "item:2", "[3]"]);
    let never = || -> Vec<u64> { panic!("it is there") };
    assert_eq!(items.get_or_load(1, never), [1, 2]);
    assert_eq!(items.get_many([1, 2, 3]), [Some(vec![1, 2]), Some(vec![3]), None]);
    run({
        let items = items.clone();
        move || async move { assert_eq!(items.get_async(&2).await, Some(vec![3])) }
    });
    let found: HashMap<u64, Vec<u64>> =
        items.get_or_load_many([1, 4], |missing| missing.into_iter().map(|id| (id, vec![id])).collect());
    assert_eq!(found, HashMap::from([(1, vec![1, 2]), (4, vec![4])]));
    assert_eq!(text(&mut client, "item:4").as_deref(), Some("[4]"));
    client.call(&["DEL", "item:1"]);
    assert_eq!(items.get(&1), None);
}

#[test]
fn promise_2_one_load_over_two_clients() {
    let server = Server::start();
    let (one, two) = (items("plain_one", &server, MINUTE), items("plain_two", &server, MINUTE));
    for key in 0..10 {
        let (load, gate) = lead(&one, key, 1);
        let loads = Arc::new(Counter::new());
        let other = start({
            let (two, loads) = (two.clone(), Arc::clone(&loads));
            move || {
                two.get_or_load(key, || {
                    loads.up();
                    vec![2]
                })
            }
        });
        eventually("the other's read", || two.stats().misses > key);
        // A load that lasts is waited for.
        let_them_block();
        gate.open();
        assert_eq!((load.end(), other.end()), (vec![1], vec![1]));
        assert_eq!(loads.get(), 0);
    }
}

#[test]
fn promise_3_a_load_from_before_an_invalidation_stores_nothing() {
    let server = Server::start();
    let (one, two) = (items("plain_fence_one", &server, MINUTE), items("plain_fence_two", &server, MINUTE));
    let acts: [fn(&Items); 3] = [
        |items| items.invalidate(&1).expect("a server"),
        |items| {
            items.set(1, vec![9]).expect("a server");
            items.invalidate(&1).expect("a server");
        },
        |items| items.set(1, vec![9]).expect("a server"),
    ];
    for (at, act) in acts.iter().enumerate() {
        for by in [&one, &two] {
            one.invalidate(&1).expect("a server");
            let (load, gate) = lead(&one, 1, 1);
            act(by);
            gate.open();
            assert_eq!(load.end(), [1]);
            let expected = if at == 2 { vec![9] } else { vec![2] };
            assert_eq!(one.get_or_load(1, || vec![2]), expected, "act {at}");
        }
    }
}

#[test]
fn promise_7_what_is_not_the_types_json_is_replaced() {
    let server = Server::start();
    let (one, two) = (items("plain_garbage", &server, MINUTE), items("plain_garbage_two", &server, MINUTE));
    let mut client = server.client();
    for (key, garbage) in
        [(1, "no json"), (2, "{\"id\":7}"), (3, ""), (4, "[1,2"), (5, "\"a text of more than twenty-one bytes\"")]
    {
        client.call(&["SET", &format!("item:{key}"), garbage]);
        let (load, gate) = lead(&one, key, key);
        // Who comes meanwhile waits, and does not spin.
        let other = start({
            let two = two.clone();
            move || two.get_or_load(key, || vec![0])
        });
        eventually("the other's read", || two.stats().misses >= key);
        gate.open();
        assert_eq!((load.end(), other.end()), (vec![key], vec![key]), "{garbage}");
        assert_eq!(text(&mut client, &format!("item:{key}")), Some(format!("[{key}]")));
    }
    client.call(&["RPUSH", "item:9", "a list"]);
    assert_eq!(one.get_or_load(9, || vec![9]), [9]);
    assert_eq!(text(&mut client, "item:9").as_deref(), Some("[9]"));
    assert_eq!(one.stats().store_errors + two.stats().store_errors, 0);
}

#[test]
fn promise_9_entries_end() {
    let server = Server::start();
    let items = items("plain_ends", &server, Duration::from_millis(50));
    assert_eq!(items.get_or_load(1, || vec![1]), [1]);
    eventually("its end", || items.get(&1).is_none());
    assert!(server.client().keys().is_empty());
    assert_eq!(items.get_or_load(1, || vec![2]), [2]);
}

#[test]
fn promise_5_a_panic_leaves_nothing_behind() {
    let server = Server::start();
    let items = items("plain_panic", &server, MINUTE);
    let caller = items.clone();
    assert!(start(move || caller.get_or_load(1, || panic!("on purpose"))).outcome().is_err());
    eventually("its lease to go", || server.client().keys().is_empty());
    assert_eq!(items.get_or_load(1, || vec![1]), [1]);
}

#[test]
fn what_bare_json_has_no_place_for_is_an_error() {
    let server = Server::start();
    let plain = items("plain_unfit", &server, MINUTE);
    assert_eq!(plain.clear().expect_err("others' keys").kind(), ErrorKind::Config);
    let builder = || Cache::<u64, u64>::builder().name("unfit").ttl(MINUTE).redis("plain_unfit");
    let unfit = [
        builder().plain(),
        builder().plain().template(&["a:", ""]).version(1),
        builder().plain().template(&["a:", ""]).stale_if_error(MINUTE),
        builder().plain().template(&["a:", ""]).compress_above(1),
        builder().plain().template(&["a:", ""]).tti(MINUTE),
    ];
    for builder in unfit {
        let cache = builder.build_redis();
        assert_eq!(cache.get_or_load(1, || 1), 1);
        let error = cache.set(1, 1).expect_err("it keeps nothing");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
    assert!(server.client().keys().is_empty());
}

#[test]
fn the_attribute() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("plain_fn"), ttl = "60s", key = "price:{item}:{shop}", envelope = false)]
    async fn price(item: u64, shop: &str) -> Option<f64> {
        LOADS.up();
        (item > 0).then_some(item as f64 / 2.0)
    }

    let server = Server::start();
    patiently(&server.url()).install_as("plain_fn").expect("a good URL");
    run(|| async {
        assert_eq!((price(3, "b c").await, price(3, "b c").await), (Some(1.5), Some(1.5)));
        assert_eq!((price(0, "b").await, LOADS.get()), (None, 2));
        assert_eq!(price::get(3, "b c").await, Some(Some(1.5)));
    });
    assert_eq!(server.client().keys(), ["price:3:b%20c"]);
    server.client().call(&["SET", "price:3:b%20c", "4.25"]);
    run(|| async {
        assert_eq!(price(3, "b c").await, Some(4.25));
        price::invalidate(3, "b c").await.expect("a server");
    });
    assert!(server.client().keys().is_empty());
}
