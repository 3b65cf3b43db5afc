//! What listeners are told: every kind of event, once, outside of every lock.

use cached_runtime::events::{self, Event, EvictionCause, InvalidationCause, LoadEnd, What};
use cached_runtime::{Builder, Cache, cached};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<What>>>);

impl Told {
    fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let told = self.clone();
        move |event: &Event<'_>| told.0.lock().unwrap().push(event.what().clone())
    }

    fn take(&self) -> Vec<What> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The kinds in a word each.
    fn names(&self) -> Vec<&'static str> {
        self.take().iter().map(What::name).collect()
    }
}

fn told<K, V>(builder: Builder<K, V>) -> (Told, Builder<K, V>) {
    let told = Told::default();
    let builder = builder.listener(told.listener());
    (told, builder)
}

fn ends(told: &[What]) -> Vec<LoadEnd> {
    told.iter().filter_map(|what| if let What::Load { ended, .. } = what { Some(*ended) } else { None }).collect()
}

#[test]
fn a_miss_a_load_and_a_hit() {
    let (told, builder) = told(Cache::builder());
    let cache = builder.build();
    cache.get_or_load(1, || 1);
    assert_eq!(told.names(), ["miss", "load", "inserted"]);
    cache.get_or_load(1, || 1);
    assert_eq!(cache.get(&1), Some(1));
    assert_eq!(cache.get(&2), None);
    assert_eq!(told.names(), ["hit", "hit", "miss"]);
    cache.set(3, 3);
    assert_eq!(told.names(), ["inserted"]);
}

#[test]
fn every_load_says_how_it_ended_and_how_long_it_took() {
    let (told, builder) = told(Cache::<u32, u32>::builder());
    let cache = builder.build();
    cache.get_or_load(1, || 1);
    let _ = cache.try_get_or_load(2, || Err::<u32, _>("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| cache.get_or_load(3, || panic!("on purpose")))).is_err());
    {
        let mut pending = std::pin::pin!(cache.get_or_load_async(4, std::future::pending()));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(pending.as_mut().poll(&mut cx).is_pending());
    }
    // `pin!` kept the future until here.
    let told = told.take();
    assert_eq!(ends(&told), [LoadEnd::Ok, LoadEnd::Error, LoadEnd::Panicked, LoadEnd::Dropped]);
    for what in &told {
        if let What::Load { took, ended, .. } = what {
            assert_eq!(took.is_none(), *ended == LoadEnd::Dropped, "{what:?}");
        }
    }
}

#[test]
fn evictions_have_their_cause() {
    let (by_count, builder) = told(Cache::builder().capacity(1));
    let cache = builder.build();
    cache.set(1, 1);
    cache.set(2, 2);
    assert!(by_count.take().contains(&evicted(EvictionCause::Capacity)));
    let (by_weight, builder) = told(Cache::builder().max_weight(10).weigh(|_: &u32, weight: &usize| *weight));
    let cache = builder.build();
    cache.set(1, 6);
    cache.set(2, 6);
    assert!(by_weight.take().contains(&evicted(EvictionCause::Weight)));
}

/// The variants can't be built from outside: one is taken from a cache that evicts.
fn evicted(cause: EvictionCause) -> What {
    let stream = events::stream(10_000);
    let name = match cause {
        EvictionCause::Weight => "events::weight",
        _ => "events::capacity",
    };
    let builder = Cache::<u32, u32>::builder().name(name);
    let cache = if cause == EvictionCause::Weight { builder.max_weight(1) } else { builder.capacity(1) }.build();
    cache.set(1, 1);
    cache.set(2, 2);
    let mut all = std::iter::from_fn(|| stream.try_recv()).filter(|event| event.cache() == name);
    let found = all.find(|event| matches!(event.what(), What::Evicted { cause: of, .. } if *of == cause));
    found.expect("an eviction of this cause").what().clone()
}

#[test]
fn invalidations_have_their_cause() {
    let (told, builder) = told(Cache::builder());
    let cache = builder.build();
    cache.set(1, 1);
    cache.invalidate(&1);
    cache.clear();
    let causes: Vec<_> = told
        .take()
        .iter()
        .filter_map(|what| if let What::Invalidated { cause, .. } = what { Some(*cause) } else { None })
        .collect();
    assert_eq!(causes, [InvalidationCause::Key, InvalidationCause::Clear]);
}

#[test]
fn a_fenced_fill_is_told() {
    let (told, builder) = told(Cache::builder());
    let cache = builder.build();
    cache.get_or_load(1, || {
        cache.invalidate(&1);
        1
    });
    assert_eq!(told.names(), ["miss", "invalidated", "load", "fenced"]);
}

#[test]
fn expirations_are_told() {
    let (told, builder) = told(Cache::builder().ttl(Duration::from_secs(60)));
    let cache = builder.build();
    let short = Cache::builder().ttl(Duration::from_nanos(1)).listener(told.listener()).build();
    cache.set(1, 1);
    short.set(1, 1);
    while short.contains(&1) {
        std::thread::yield_now();
    }
    short.get_or_load(1, || 1);
    assert!(told.names().contains(&"expired"));
}

#[test]
fn listeners_may_use_the_cache_they_listen_to() {
    static CACHE: OnceLock<Cache<u32, u32>> = OnceLock::new();
    let calls = Arc::new(AtomicU32::new(0));
    let cache = Cache::builder()
        .capacity(1)
        .listener({
            let calls = Arc::clone(&calls);
            move |_| {
                calls.fetch_add(1, Ordering::Relaxed);
                // Under a lock of the cache this would go past it, or hang.
                if let Some(cache) = CACHE.get() {
                    cache.get_or_load(7, || 7);
                    assert_eq!(cache.get(&7), Some(7));
                }
            }
        })
        .build();
    CACHE.set(cache.clone()).unwrap();
    cache.set(1, 1);
    cache.set(2, 2);
    assert!(calls.load(Ordering::Relaxed) >= 3);
    assert_eq!(cache.stats().bypassed, 0, "no listener was called under a lock");
}

#[test]
fn a_listener_may_ask_for_the_key_that_is_missed() {
    static CACHE: OnceLock<Cache<u32, u32>> = OnceLock::new();
    let listener = |event: &Event<'_>| {
        if let (Some(cache), What::Miss) = (CACHE.get(), event.what()) {
            // It must not wait for the load that begins when this listener returns.
            assert_eq!(cache.get_or_load(1, || 1), 1);
        }
    };
    let cache = CACHE.get_or_init(|| Cache::builder().coalesce(Duration::MAX).listener(listener).build());
    assert_eq!(cache.get_or_load(1, || 1), 1);
    assert_eq!(cache.stats().loads, 2);
}

#[test]
fn a_panicking_listener_takes_nothing_with_it() {
    let (told, builder) = told(Cache::<u32, u32>::builder().name("events::panics"));
    let cache = builder.build();
    let subscription = events::subscribe(|event| {
        assert_ne!(event.cache(), "events::panics", "on purpose");
    });
    let later = Told::default();
    let second = events::subscribe({
        let inner = later.listener();
        move |event| {
            if event.cache() == "events::panics" {
                inner(event)
            }
        }
    });
    assert_eq!(cache.get_or_load(1, || 1), 1);
    drop((subscription, second));
    assert_eq!(told.names(), ["miss", "load", "inserted"]);
    assert_eq!(later.names(), ["miss", "load", "inserted"], "the next listener is called all the same");
}

#[test]
fn a_subscription_ends_with_its_guard() {
    let cache = Cache::<u32, u32>::builder().name("events::guard").build();
    let told = Told::default();
    let subscription = events::subscribe({
        let inner = told.listener();
        move |event| {
            if event.cache() == "events::guard" {
                inner(event)
            }
        }
    });
    cache.get(&1);
    drop(subscription);
    cache.get(&1);
    assert_eq!(told.names(), ["miss"]);
}

#[test]
fn a_full_stream_counts_what_it_drops() {
    let stream = events::stream(1);
    let cache = Cache::<u32, u32>::builder().name("events::stream").build();
    for n in 0..5 {
        cache.get(&n);
    }
    // Other tests' caches are heard too: at least ours are counted.
    assert!(stream.dropped() >= 4);
    assert!(stream.try_recv().is_some());
}

#[test]
fn a_stream_can_be_waited_for() {
    let mut stream = events::stream(10_000);
    let cache = Cache::<u32, u32>::builder().name("events::waited").build();
    std::thread::scope(|s| {
        s.spawn(|| cache.get(&1));
        let found = stream.find(|event| event.cache() == "events::waited").expect("it never ends");
        assert_eq!((found.what(), found.backend()), (&What::Miss, "memory"));
        assert!(found.key_hash().is_some() && found.key_text().is_none());
    });
}

#[test]
fn local_caches_tell_too() {
    let (told, builder) = told(Cache::<u32, u32>::builder());
    let cache = builder.build_local();
    cache.get_or_load(1, || 1);
    cache.get_or_load(1, || 1);
    cache.invalidate(&1);
    assert_eq!(told.names(), ["miss", "load", "inserted", "hit", "invalidated"]);
}

#[test]
fn functions_tell_of_every_call() {
    #[cached]
    fn double(n: u32) -> u32 {
        2 * n
    }
    let stream = events::stream(100_000);
    double(1);
    double(1);
    let ours = std::iter::from_fn(|| stream.try_recv()).filter(|event| event.cache().ends_with("::double"));
    let names: Vec<_> = ours.map(|event| event.what().name()).collect();
    assert_eq!(names, ["miss", "load", "inserted", "hit"]);
}
