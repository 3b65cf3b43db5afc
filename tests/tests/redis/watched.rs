//! Scopes and events of caches in Redis: the same as in memory, told on threads that may be held up.

use cached_runtime::events::{InvalidationCause, What};
use cached_runtime::scope::{self, Found};
use cached_runtime::{Cache, Redis, redis::Config};
use cached_tests::{redis::Server, run};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Told = Arc<Mutex<Vec<What>>>;

fn cache(url: &str, name: &'static str) -> (Cache<u64, String, Redis>, Told) {
    Config::from_url(url).namespace("tests").install_as(name).expect("a good URL");
    let told = Told::default();
    let listener = {
        let told = Arc::clone(&told);
        move |event: &cached_runtime::events::Event<'_>| {
            assert_ne!(std::thread::current().name(), Some("cached-redis"), "a listener must not hold up the driver");
            told.lock().unwrap().push(event.what().clone());
        }
    };
    (Cache::builder().name(name).ttl(Duration::from_mins(1)).redis(name).listener(listener).build_redis(), told)
}

fn names(told: &Told) -> Vec<&'static str> {
    std::mem::take(&mut *told.lock().unwrap()).iter().map(What::name).collect()
}

#[test]
fn events_are_told() {
    let server = Server::start();
    let (cache, told) = cache(&server.url(), "watched_events");
    cache.get_or_load(1, || "one".into());
    assert_eq!(names(&told), ["miss", "load", "inserted"]);
    cache.get_or_load(1, || "two".into());
    let _ = cache.try_get_or_load(2, || Err::<String, _>("on purpose"));
    assert_eq!(names(&told), ["hit", "miss", "load"]);
    cache.get_or_load(3, || {
        cache.invalidate(&3).expect("a server");
        "late".into()
    });
    let after = std::mem::take(&mut *told.lock().unwrap());
    assert!(after.contains(&What::Fenced), "{after:?}");
    let by_key = |what: &What| matches!(what, What::Invalidated { cause: InvalidationCause::Key, .. });
    assert!(after.iter().any(by_key), "{after:?}");
}

#[test]
fn a_failing_server_is_told() {
    let server = Server::start();
    let url = server.url().to_string();
    drop(server);
    let (cache, told) = cache(&url, "watched_failing");
    assert_eq!(cache.get_or_load(1, || "one".into()), "one");
    assert!(names(&told).contains(&"store_error"));
}

#[test]
fn scopes_hold() {
    let server = Server::start();
    let (cache, _) = cache(&server.url(), "watched_scopes");
    cache.set(1, "old".into()).expect("a server");
    assert_eq!(scope::bypass(|| cache.get_or_load(1, || "past".into())), "past");
    assert_eq!(scope::bypass(|| (cache.get(&1), cache.contains(&1))), (None, false));
    let (found, seen) = scope::observe(|| (cache.get_or_load(1, || "no".into()), cache.get(&2)));
    assert_eq!(found, ("old".to_owned(), None));
    assert_eq!(seen.of("watched_scopes"), [Found::Hit, Found::Miss]);
    assert!(seen.seen()[0].key_text().is_some());
    assert_eq!(scope::fresh(|| cache.get_or_load(1, || "new".into())), "new");
    assert_eq!(cache.get(&1).as_deref(), Some("new"));
    run(move || async move {
        assert_eq!(scope::bypass_async(cache.get_or_load_async(1, async { "past".into() })).await, "past");
        let (again, seen) = scope::observe_async(cache.get_or_load_async(1, async { "no".into() })).await;
        assert_eq!((again.as_str(), seen.hits()), ("new", 1));
        let anew = scope::fresh_async(cache.get_or_load_async(1, async { "newer".into() })).await;
        assert_eq!((anew, cache.get_async(&1).await), ("newer".to_owned(), Some("newer".to_owned())));
    });
}
