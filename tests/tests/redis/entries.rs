//! What the expansion of a cached function calls, and the operations besides a plain call: refresh, set, bypass, names.

use cached_runtime::{
    Cache, ErrorKind, Redis,
    private::{AllThreads, AnyOwn, AnyRedisSlot, Lookup, OutcomeOf, Own, Pick, RedisSlot, at},
    redis::Config,
};
use cached_tests::{Counter, PATIENCE, redis::Server, run, start, within};
use std::{sync::Arc, time::Duration};

const MINUTE: Duration = Duration::from_mins(1);

fn cache(server: &Server, name: &'static str) -> Cache<u64, String, Redis> {
    Config::from_url(server.url()).namespace("tests").install_as(name).expect("a good URL");
    Cache::builder().name(name).ttl(MINUTE).redis(name).build_redis()
}

macro_rules! entry {
    ($cache:expr, $key:expr, $R:ty) => {
        at($cache, Own($key, AllThreads).__part(), (&&&&&&&&OutcomeOf::<$R, AllThreads>::new()).__pick())
    };
}

#[test]
fn a_refresh_serves_the_old_value_until_it_has_the_new_one() {
    let server = Server::start();
    let cache = cache(&server, "refreshed");
    // Another process, as far as anybody can tell.
    let other = Cache::<u64, String, _>::builder().name("refreshed").ttl(MINUTE).redis("refreshed").build_redis();
    cache.set(7, "old".into()).expect("a server");
    let new = entry!(&cache, 7_u64, String).miss().run(|| {
        assert_eq!(other.get(&7).as_deref(), Some("old"));
        assert_eq!(cache.get(&7).as_deref(), Some("old"));
        "new".into()
    });
    assert_eq!(new, "new");
    assert_eq!(other.get(&7).as_deref(), Some("new"));
    // An error leaves what is there.
    let failed = entry!(&cache, 7_u64, Result<String, ()>).miss().run(|| Err(()));
    assert_eq!(failed, Err(()));
    assert_eq!(cache.get(&7).as_deref(), Some("new"));
    // An invalidation during a refresh wins.
    entry!(&cache, 7_u64, String).miss().run(|| {
        other.invalidate(&7).expect("a server");
        "late".into()
    });
    assert_eq!(cache.get(&7), None);
    assert_eq!(cache.stats().fenced, 1);
}

#[test]
fn an_async_refresh_and_companions() {
    let server = Server::start();
    let cache = cache(&server, "refreshed_async");
    run(move || async move {
        cache.set_async(7, "old".into()).await.expect("a server");
        assert_eq!(cache.get_async(&7).await.as_deref(), Some("old"));
        let new = entry!(&cache, 7_u64, String).miss_async().run_async(async { "new".to_owned() }).await;
        assert_eq!(new, "new");
        assert!(cache.contains_async(&7).await);
        assert_eq!(entry!(&cache, 7_u64, String).get_async().await.as_deref(), Some("new"));
        cache.invalidate_async(&7).await.expect("a server");
        assert!(!cache.contains_async(&7).await);
        // Dropped at once, it is done all the same.
        cache.set_async(8, "x".into()).await.expect("a server");
        drop(cache.invalidate_async(&8));
        cached_tests::eventually("the invalidation to be done", || cache.get(&8).is_none());
    });
}

#[test]
fn a_cache_of_a_function_and_of_its_instantiations() {
    static TYPED: RedisSlot<u64, String> = RedisSlot::new();
    static TAKEN: RedisSlot<u64, String> = RedisSlot::new();
    static ANY: AnyRedisSlot = AnyRedisSlot::new();
    #[expect(clippy::needless_pass_by_value, reason = "as a function of a user would")]
    fn generic<T: ToString>(slot: &'static AnyRedisSlot, key: T) -> String {
        let text = key.to_string();
        let found = slot
            .at(
                |options| options.name("generic").ttl(MINUTE).redis("slots"),
                Own(7_u64, AllThreads).__part(),
                (&&&&OutcomeOf::<String, AllThreads>::new()).__pick(),
            )
            .lookup();
        match found {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(miss) => miss.run(move || text),
        }
    }
    let server = Server::start();
    Config::from_url(server.url()).namespace("tests").install_as("slots").expect("a good URL");
    let typed = TYPED.cache(|options| options.name("typed").ttl(MINUTE).redis("slots"));
    assert_eq!(typed.get_or_load(7, || "a".into()), "a");
    // Two functions with one name: the second keeps nothing, and says so where it can.
    let taken = TAKEN.cache(|options: cached_runtime::Builder<_, _>| options.name("typed").ttl(MINUTE).redis("slots"));
    if taken.get_or_load(7, || "b".into()) == "b" {
        assert_eq!(taken.invalidate(&7).expect_err("it keeps nothing").kind(), ErrorKind::Config);
        assert_eq!(taken.stats().bypassed, 1);
    }
    assert_eq!(typed.get(&7).as_deref(), Some("a"));
    // Two instantiations never meet.
    assert_eq!((generic(&ANY, 1_u8), generic(&ANY, "x")), ("1".into(), "x".into()));
    assert_eq!((generic(&ANY, 2_u8), generic(&ANY, "y")), ("1".into(), "x".into()));
    assert_eq!((ANY.stats().hits, ANY.stats().loads), (2, 2));
    ANY.clear().expect("a server");
    assert_eq!((generic(&ANY, 2_u8), generic(&ANY, "y")), ("2".into(), "y".into()));
}

#[test]
fn values_that_arent_kept_and_calls_that_go_past() {
    let server = Server::start();
    let cache = cache(&server, "not_kept");
    let loads = Counter::default();
    let absent = || {
        let at = entry!(&cache, 1_u64, Option<String>);
        match at.lookup() {
            Lookup::Hit(ret) => ret,
            Lookup::Miss(miss) => miss.run(|| {
                loads.up();
                None
            }),
        }
    };
    assert_eq!((absent(), absent()), (None, None));
    assert_eq!(loads.get(), 2);
    assert_eq!(cache.stats().rejected, 2);
    entry!(&cache, 1_u64, String).bypass();
    assert_eq!(cache.stats().bypassed, 1);
}

#[test]
fn recursion_goes_to_the_body() {
    let server = Server::start();
    let cache = cache(&server, "recursive");
    let value = within(PATIENCE, "a recursive call", {
        let cache = cache.clone();
        move || cache.get_or_load(7, || format!("outer of {}", cache.get_or_load(7, || "inner".into())))
    });
    assert_eq!(value, "outer of inner");
}

#[test]
fn without_coalescing_all_run_and_none_overwrites_another() {
    let server = Server::start();
    Config::from_url(server.url()).namespace("tests").install_as("each_its_own").expect("a good URL");
    let cache: Cache<u64, usize, Redis> =
        Cache::builder().name("each_its_own").ttl(MINUTE).coalesce(false).redis("each_its_own").build_redis();
    let (loads, all) = (Arc::new(Counter::default()), Arc::new(std::sync::Barrier::new(4)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (cache, loads, all) = (cache.clone(), Arc::clone(&loads), Arc::clone(&all));
            start(move || {
                cache.get_or_load(7, || {
                    all.wait();
                    loads.up()
                })
            })
        })
        .collect();
    for caller in callers {
        caller.end();
    }
    assert_eq!(loads.get(), 4);
    assert!(cache.get(&7).is_some());
    assert_eq!(cache.stats().fenced, 3);
}

/// Also of a cache that was used before.
#[test]
fn promise_1_another_namespace_is_another_place() {
    let server = Server::start();
    let install = |namespace: &str| {
        crate::subject::patiently(&server.url()).namespace(namespace).install_as("moved").expect("a good URL");
    };
    install("before");
    let cache = Cache::<u64, String, _>::builder().name("moved").ttl(MINUTE).redis("moved").build_redis();
    cache.set(1, "one".to_owned()).expect("a server");
    install("after");
    assert_eq!(cache.get(&1), None);
    cache.set(1, "two".to_owned()).expect("a server");
    install("before");
    assert_eq!(cache.get(&1).as_deref(), Some("one"));
}
