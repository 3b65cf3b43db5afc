//! Scopes and events of caches in Redis: the same as in memory, told on threads that may be held up.

use crate::subject::patiently;
use cached_runtime::events::{Event, InvalidationCause, LoadEnd, What};
use cached_runtime::private::{AllThreads, Leaf, OutcomeOf, Pick as _, Write, at};
use cached_runtime::scope::{self, Found};
use cached_runtime::{Builder, Cache, Redis};
use cached_tests::{eventually, redis::Server, run};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Told = Arc<Mutex<Vec<What>>>;

type Texts = Cache<u64, String, Redis>;

fn cache(url: &str, name: &'static str) -> (Texts, Told) {
    cache_with(url, name, |it| it.ttl(Duration::from_mins(1)))
}

fn cache_with(url: &str, name: &'static str, with: fn(Builder<u64, String>) -> Builder<u64, String>) -> (Texts, Told) {
    patiently(url).install_as(name).expect("a good URL");
    let told = Told::default();
    let listener = {
        let told = Arc::clone(&told);
        move |event: &Event<'_>| {
            assert_ne!(std::thread::current().name(), Some("cached-redis"), "a listener must not hold up the driver");
            if matches!(event.what(), What::Inserted | What::Fenced) {
                assert!(event.key_hash().is_some() && event.key_text().is_some_and(|text| text.contains(":v0:{")));
            }
            told.lock().unwrap().push(event.what().clone());
        }
    };
    (with(Cache::builder().name(name).redis(name)).listener(listener).build_redis(), told)
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

/// Within a listener of a renewal's end, in the order in which they were told.
fn ends(told: &Told) -> Vec<LoadEnd> {
    let of = |what: &What| if let What::RefreshEnded { ended, .. } = what { Some(*ended) } else { None };
    told.lock().unwrap().iter().filter_map(of).collect()
}

/// A value past its ttl, which the next call renews.
fn grown_old(cache: &Texts, told: &Told, key: u64) {
    cache.set(key, "old".into()).expect("a server");
    let stale = cache.stats().stale;
    eventually("it to grow old", || cache.get(&key).is_some() && cache.stats().stale > stale);
    told.lock().unwrap().clear();
}

#[test]
fn a_renewal_tells_how_it_ended() {
    let server = Server::start();
    let (cache, told) = cache_with(&server.url(), "watched_renewals", |it| {
        it.ttl(Duration::from_millis(5)).stale_while_revalidate(Duration::from_hours(1))
    });
    grown_old(&cache, &told, 1);
    assert_eq!(cache.get_or_load(1, || "new".into()), "new");
    assert_eq!(names(&told), ["hit", "refresh_begun", "load", "inserted", "refresh_ended"]);
    grown_old(&cache, &told, 2);
    assert_eq!(cache.try_get_or_load(2, || Err::<String, _>("no")).as_deref(), Ok("old"));
    assert_eq!(ends(&told), [LoadEnd::Error]);
    assert_eq!(names(&told), ["hit", "refresh_begun", "load", "stale_served", "refresh_ended"]);
    grown_old(&cache, &told, 3);
    let panic = catch_unwind(AssertUnwindSafe(|| cache.get_or_load(3, || panic!("on purpose"))));
    assert!(panic.is_err());
    assert_eq!(ends(&told), [LoadEnd::Panicked]);
    grown_old(&cache, &told, 4);
    let renewing = cache.clone();
    run(move || async move {
        let never = renewing.get_or_load_async(4, std::future::pending());
        // A look at the server is on its way, so several polls are needed.
        assert!(tokio::time::timeout(Duration::from_millis(300), never).await.is_err());
    });
    eventually("a dropped renewal", || ends(&told).iter().all(|end| *end == LoadEnd::Dropped));
    told.lock().unwrap().clear();
    let again = cache.clone();
    run(move || async move {
        for _ in 0..100 {
            if again.get_or_load_async(4, async { "new".into() }).await == "new" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(ends(&told).last(), Some(&LoadEnd::Ok));
}

#[test]
fn writers_tell_whether_their_value_was_stored() {
    let server = Server::start();
    let (cache, told) = cache(&server.url(), "watched_writers");
    let writing = || {
        let outcome = (&&&&&&&&OutcomeOf::<String, AllThreads>::new()).__pick();
        let mut writing = at(&cache, Leaf(&1_u64, AllThreads).__part(), outcome).owned().writing();
        writing.begin();
        writing
    };
    let count = |kind: &str| told.lock().unwrap().iter().filter(|what| what.name() == kind).count();
    writing().commit(&"alone".to_owned()).wait().expect("a server");
    // What the connection finds out is told by a thread of its own.
    eventually("it to be told", || (count("inserted"), count("fenced")) == (1, 0));
    let (one, two) = (writing(), writing());
    for crossed in [one, two] {
        crossed.commit(&"crossed".to_owned()).wait().expect("a server");
    }
    eventually("both to be told", || (count("inserted"), count("fenced")) == (1, 2));
    assert_eq!(cache.stats().fenced, 2);
}

#[test]
fn scopes_hold_for_many() {
    type Found = HashMap<u64, String>;
    let server = Server::start();
    let (cache, _) = cache(&server.url(), "watched_many");
    let all = |with: &str| -> Found {
        cache.get_or_load_many([1, 2, 1], |ids: Vec<u64>| {
            ids.into_iter().map(|id| (id, format!("{with} {id}"))).collect()
        })
    };
    let of = |with: &str| Found::from([1, 2].map(|id| (id, format!("{with} {id}"))));
    assert_eq!(all("old"), of("old"));
    assert_eq!(scope::bypass(|| all("past")), of("past"));
    assert_eq!(scope::bypass(|| cache.get_many([1, 2])), [None, None]);
    let (found, seen) = scope::observe(|| (all("no"), cache.get_many([2, 3])));
    assert_eq!(found, (of("old"), vec![Some("old 2".to_owned()), None]));
    assert_eq!((seen.hits(), seen.misses()), (4, 1));
    assert_eq!(scope::fresh(|| all("new")), of("new"));
    assert_eq!(all("no"), of("new"));
    let again = cache.clone();
    run(move || async move {
        let all = |with: &'static str| {
            again.get_or_load_many_async([1, 2], move |ids| async move {
                ids.into_iter().map(|id| (id, with.to_owned())).collect::<HashMap<u64, String>>()
            })
        };
        assert_eq!(scope::bypass_async(all("past")).await[&1], "past");
        assert_eq!(scope::fresh_async(all("fresh")).await[&1], "fresh");
        assert_eq!(all("no").await[&2], "fresh");
    });
}
