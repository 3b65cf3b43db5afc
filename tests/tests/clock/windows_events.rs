//! What is told of values that grow old: stale ones that are served, renewals that begin and end; and what a scope sees.

use crate::{secs, stores};
use cached_runtime::{
    Cache, clock,
    events::{LoadEnd, What},
    scope::{self, Found},
};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

type Told = Arc<Mutex<Vec<What>>>;

fn told(builder: cached_runtime::Builder<u32, u32>) -> (Told, cached_runtime::Builder<u32, u32>) {
    let told = Told::default();
    let listener = {
        let told = Arc::clone(&told);
        move |event: &cached_runtime::events::Event<'_>| told.lock().unwrap().push(event.what().clone())
    };
    (told, builder.listener(listener))
}

/// The kinds, in the order of their names: what is told under a lock comes with the next event.
fn names(told: &Told) -> Vec<&'static str> {
    let mut names: Vec<_> = std::mem::take(&mut *told.lock().unwrap()).iter().map(What::name).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_renewal_is_told_from_its_beginning_to_its_end() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let (told, builder) = told(builder);
        let cache = builder.name("windows::events").ttl(secs(60)).stale_while_revalidate(secs(60)).build();
        cache.set(1, 1);
        clock.advance(secs(60));
        names(&told);
        let (value, seen) = scope::observe(|| {
            cache.get_or_load(1, || {
                assert_eq!(cache.get_or_load(1, || unreachable!()), 1, "{store}: served while it is renewed");
                2
            })
        });
        assert_eq!(value, 2);
        assert_eq!(seen.of("windows::events"), [Found::Hit, Found::Stale], "{store}: a hit, and one of an old value");
        let wanted = ["hit", "hit", "inserted", "load", "refresh_begun", "refresh_ended", "stale_served"];
        assert_eq!(names(&told), wanted, "{store}");
        clock.advance(secs(60));
        assert_eq!(cache.get(&1), Some(2));
        assert_eq!(names(&told), ["hit", "stale_served"], "{store}");
        assert_eq!((cache.stats().stale, cache.stats().refreshes), (2, 1), "{store}");
    }
}

#[test]
fn a_failed_renewal_and_a_failed_load_serve_the_old_value() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let (told, builder) = told(builder);
        let cache = builder.ttl(secs(60)).stale_while_revalidate(secs(60)).stale_if_error(secs(3600)).build();
        cache.set(1, 1);
        clock.advance(secs(61));
        names(&told);
        assert_eq!(cache.try_get_or_load(1, || Err(())), Ok(1));
        let all = told.lock().unwrap().clone();
        let ended = |what: &What| matches!(what, What::RefreshEnded { ended: LoadEnd::Error, .. });
        assert!(all.iter().any(ended), "{store}: {all:?}");
        assert_eq!(names(&told), ["hit", "load", "refresh_begun", "refresh_ended", "stale_served"], "{store}");
        clock.advance(secs(100));
        assert_eq!(cache.try_get_or_load(1, || Err(())), Ok(1));
        assert_eq!(names(&told), ["load", "miss", "stale_served"], "{store}: no renewal, its window is over");
    }
}

#[test]
fn a_dropped_renewal_is_told() {
    let clock = clock::pause();
    let (told, builder) = told(Cache::builder());
    let cache = builder.ttl(secs(60)).stale_while_revalidate(secs(60)).build();
    cache.set(1, 1);
    clock.advance(secs(60));
    {
        let mut pending = std::pin::pin!(cache.get_or_load_async(1, std::future::pending()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        // Outside of a runtime the call itself renews.
        assert!(pending.as_mut().poll(&mut cx).is_pending());
    }
    let all = told.lock().unwrap().clone();
    let ended = |what: &What| matches!(what, What::RefreshEnded { ended: LoadEnd::Dropped, .. });
    assert!(all.iter().any(ended), "{all:?}");
}

/// A listener is told of an expired entry by the very call that begins the load in its place.
#[test]
fn a_listener_that_calls_the_function_does_not_wait_for_the_load_that_it_is_told_by() {
    const BOUND: std::time::Duration = std::time::Duration::from_secs(30);
    let clock = clock::pause();
    for (store, builder) in stores() {
        let again: Arc<OnceLock<Cache<u32, u32>>> = Arc::default();
        let builder = builder.ttl(secs(60)).coalesce(BOUND).listener({
            let again = Arc::clone(&again);
            move |event: &cached_runtime::events::Event<'_>| {
                if matches!(event.what(), What::Expired) {
                    again.get().map(|cache| cache.get_or_load(1, || 3));
                }
            }
        });
        let cache = again.get_or_init(|| builder.build());
        cache.set(1, 1);
        clock.advance(secs(60));
        let begun = Instant::now();
        assert_eq!(cache.get_or_load(1, || 2), 2, "{store}");
        assert!(begun.elapsed() < BOUND, "{store}: it waited for its own caller");
    }
}
