//! Promises 3 and 9 by force, over Redis: calls, tags, writers, renewals and values served on error, from several
//! connections at one time. A call that starts after an invalidation or a commit returned must never see an older value.
//! The oracle is a version counter that bodies read.

use crate::subject::patiently;
use cached_runtime::{
    Builder, Cache, Redis, invalidate_tag,
    private::{AllThreads, Leaf, OutcomeOf, Pick as _, Write, at},
};
use cached_tests::{
    crowd,
    redis::{Server, alone},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

const KEYS: u64 = 3;
const HOUR: Duration = Duration::from_hours(1);

type Numbers = Cache<u64, u64, Redis>;

/// `version` is what bodies read; `floor` what every later call must at least see.
#[derive(Default)]
struct Source {
    version: AtomicU64,
    floor: AtomicU64,
}

fn tag(key: u64) -> String {
    format!("oracle {key}")
}

/// A function that writes: its ticket, its change of the source, its commit.
fn write(cache: &Numbers, key: u64, source: &Source) -> Option<u64> {
    let tags = |each: &mut dyn FnMut(fmt::Arguments<'_>)| each(format_args!("{}", tag(key)));
    let outcome = (&&&&&&&&OutcomeOf::<u64, AllThreads>::new()).__pick();
    let place = at(cache, Leaf(&key, AllThreads).__part(), outcome).tags(&tags);
    let mut writing = place.owned().writing();
    writing.begin();
    let version = source.version.fetch_add(1, SeqCst) + 1;
    thread::yield_now();
    writing.commit(&version).wait().ok().map(|()| version)
}

/// Whether the source was changed, and every later call sees it.
fn change(cache: &Numbers, key: u64, source: &Source, how: u64) -> Option<u64> {
    if how >= 3 {
        return write(cache, key, source);
    }
    let version = source.version.fetch_add(1, SeqCst) + 1;
    let done = match how {
        0 => cache.invalidate(&key),
        1 => cache.clear(),
        _ => invalidate_tag(tag(key)).wait(),
    };
    done.ok().map(|()| version)
}

fn call(cache: &Numbers, key: u64, source: &Source, how: u64) -> Option<u64> {
    let tags = [tag(key)];
    let entry = cache.entry(key).tags(&tags);
    let load = || {
        let version = source.version.load(SeqCst);
        thread::yield_now();
        version
    };
    match how {
        0 => entry.get(),
        1 | 2 => entry.try_get_or_load(|| Err::<u64, _>(())).ok(),
        // It may have joined a load that failed.
        _ => entry.try_get_or_load(|| Ok::<_, ()>(load())).ok(),
    }
}

fn never_older(name: &'static str, connections: [&'static str; 3], with: fn(Builder<u64, u64>) -> Builder<u64, u64>) {
    let server = Server::start();
    let caches = connections.map(|connection| {
        patiently(&server.url()).install_as(connection).expect("a good URL");
        with(Cache::builder().name(name).redis(connection)).build_redis()
    });
    let sources: Arc<[Source; KEYS as usize]> = Arc::default();
    let until = Instant::now() + Duration::from_millis(2500);
    let (all, known) = (caches.clone(), Arc::clone(&sources));
    let done = crowd(9, move |thread| {
        let (cache, mut chance) = (&all[thread % 3], 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread as u64 + 1));
        let (mut calls, mut writes) = (0_u64, 0_u64);
        while Instant::now() < until {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut below = |bound: u64| {
                let now = (chance >> 33) % bound;
                chance = chance.rotate_left(17) ^ 0x5851_f42d;
                now
            };
            let key = below(KEYS);
            let source = &known[key as usize];
            if thread < 4 && below(3) == 0 {
                if let Some(version) = change(cache, key, source, below(8)) {
                    source.floor.fetch_max(version, SeqCst);
                    writes += 1;
                }
            } else {
                let floor = source.floor.load(SeqCst);
                if let Some(value) = call(cache, key, source, below(10)) {
                    assert!(value >= floor, "key {key}: version {value} after {floor} was written");
                }
                calls += 1;
            }
        }
        (calls, writes)
    });
    let (calls, writes) = done.iter().fold((0, 0), |sum, (calls, writes)| (sum.0 + calls, sum.1 + writes));
    assert!(calls > 50 && writes > 5, "too little happened: {calls} calls, {writes} writes");
    // All writers have ended: nothing is contested any more.
    for key in 0..KEYS {
        let fenced = caches[0].stats().fenced;
        write(&caches[0], key, &sources[key as usize]).expect("a server");
        assert_eq!(caches[0].stats().fenced, fenced, "key {key}: its value was not stored");
    }
}

macro_rules! oracles {
    ($($name:ident: $with:expr;)*) => { $(
        #[test]
        fn $name() {
            // A tag reaches all servers that this process knows, and other tests end theirs.
            if alone(concat!("oracle::", stringify!($name))) {
                let name = stringify!($name);
                let connections = [concat!("a", stringify!($name)), concat!("b", stringify!($name)), concat!("c", stringify!($name))];
                never_older(name, connections, $with);
            }
        }
    )* };
}

oracles! {
    plain_entries: |it| it.ttl(HOUR);
    renewed_by_every_call: |it| it.ttl(HOUR).refresh_ahead(0.0);
    stale_while_revalidate: |it| it.ttl(Duration::from_millis(2)).stale_while_revalidate(HOUR);
    stale_if_error: |it| it.ttl(Duration::from_millis(2)).stale_if_error(HOUR);
    idle_entries: |it| it.ttl(HOUR).tti(Duration::from_millis(5));
}
