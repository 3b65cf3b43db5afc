//! Promise 2 for loads that fail or find nothing: nobody's call waits for one retry after another.

use crate::subject::patiently;
use cached_runtime::Cache;
use cached_tests::{Counter, crowd, redis::Server};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const LOAD: Duration = Duration::from_millis(100);
const CALLERS: usize = 64;

fn cache(name: &'static str, server: &Server) -> Cache<u64, String, cached_runtime::Redis> {
    patiently(&server.url()).install_as(name).expect("a good URL");
    Cache::builder().name(name).ttl(Duration::from_mins(1)).redis(name).build_redis()
}

#[test]
fn callers_of_a_failing_value_dont_retry_one_after_another() {
    let server = Server::start();
    let (cache, loads) = (cache("failing", &server), Arc::new(Counter::new()));
    let begun = Instant::now();
    let counted = Arc::clone(&loads);
    let failed = crowd(CALLERS, move |_| {
        cache.try_get_or_load(7, || {
            counted.up();
            thread::sleep(LOAD);
            Err("no database".to_owned())
        })
    });
    let took = begun.elapsed();
    assert!(failed.iter().all(Result::is_err));
    assert!(took < LOAD * CALLERS as u32 / 3, "{took:?} for {CALLERS} callers, {} loads of {LOAD:?}", loads.get());
}

#[test]
fn callers_of_an_absent_value_share_it_or_look_at_once() {
    let server = Server::start();
    patiently(&server.url()).install_as("absent").expect("a good URL");
    let cache: Cache<u64, Option<String>, cached_runtime::Redis> =
        Cache::builder().name("absent").ttl(Duration::from_mins(1)).redis("absent").build_redis();
    let loads = Arc::new(Counter::new());
    let begun = Instant::now();
    let counted = Arc::clone(&loads);
    let found = crowd(CALLERS, move |_| {
        cache.get_or_load(7, || {
            counted.up();
            thread::sleep(LOAD);
            None
        })
    });
    let took = begun.elapsed();
    assert!(found.iter().all(Option::is_none));
    assert!(took < LOAD * CALLERS as u32 / 3, "{took:?} for {CALLERS} callers, {} loads of {LOAD:?}", loads.get());
}

#[test]
fn a_failure_isnt_kept() {
    let server = Server::start();
    let cache = cache("failure_once", &server);
    assert!(cache.try_get_or_load(7, || Err("no database")).is_err());
    assert_eq!(cache.try_get_or_load(7, || Ok::<_, &str>("there".to_owned())), Ok("there".to_owned()));
    assert_eq!(cache.try_get_or_load(7, || Err("not called")), Ok("there".to_owned()));
}
