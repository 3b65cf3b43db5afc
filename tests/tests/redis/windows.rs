//! Values that grow old in Redis: who is served what, and who loads. In real time, so nothing here hangs on how long a step
//! takes: windows are either long enough for any machine, or waited for.

use crate::subject::patiently;
use cached_runtime::{Cache, Redis, invalidate_tag};
use cached_tests::{
    Counter, Gate, PATIENCE, eventually,
    redis::{Parent, Peer, Proxy, Server, alone},
    run, start, within,
};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

pub(crate) type Numbers = Cache<u64, u64, Redis>;
type Tried = Result<u64, &'static str>;

const SOON: Duration = Duration::from_millis(50);
pub(crate) const LONG: Duration = Duration::from_mins(1);

pub(crate) fn numbers(
    connection: &'static str,
    server: &Server,
    windows: impl FnOnce(cached_runtime::Builder<u64, u64>) -> cached_runtime::Builder<u64, u64>,
) -> Numbers {
    patiently(&server.url()).install_as(connection).expect("a good URL");
    windows(Cache::builder().name("windows").ttl(SOON).redis(connection)).build_redis()
}

/// A load that says when it runs, and ends when it may.
#[derive(Clone, Default)]
struct Held {
    runs: Arc<Counter>,
    gate: Arc<Option<Gate>>,
}

impl Held {
    fn new() -> Self {
        Self { runs: Arc::default(), gate: Arc::new(Some(Gate::new())) }
    }

    fn load(&self, gives: Tried) -> Tried {
        self.runs.up();
        if let Some(gate) = &*self.gate {
            gate.wait();
        }
        gives
    }

    fn open(&self) {
        if let Some(gate) = &*self.gate {
            gate.open();
        }
    }
}

/// Waits until the ttl of what stands at the key is over, told by the server's own clock.
pub(crate) fn grows_old(cache: &Numbers, key: u64) {
    let before = cache.stats();
    let old = || cache.get(&key).is_none() || cache.stats().stale > before.stale;
    eventually("the value to grow old", old);
}

#[test]
fn while_one_call_renews_the_others_are_served() {
    let server = Server::start();
    let caches = ["swr_a", "swr_b"].map(|name| numbers(name, &server, |it| it.stale_while_revalidate(LONG)));
    for (key, gives, then) in [(1, Ok(2), Ok(2)), (2, Err("no"), Ok(1))] {
        caches[0].get_or_load(key, || 1);
        grows_old(&caches[0], key);
        let held = Held::new();
        let renewing = start({
            let (cache, held) = (caches[0].clone(), held.clone());
            move || cache.try_get_or_load(key, || held.load(gives))
        });
        eventually("a call to be chosen", || held.runs.get() == 1);
        for cache in caches.iter().cycle().take(20) {
            let other = cache.clone();
            let served = within(PATIENCE, "a call", move || other.get_or_load(key, || unreachable!("it is renewed")));
            assert_eq!(served, 1);
            assert_eq!(cache.get(&key), Some(1));
        }
        held.open();
        assert_eq!(renewing.end(), then, "the one that renews has the new value, or the old one");
        assert_eq!(held.runs.get(), 1);
    }
    let stats = caches[0].stats();
    assert_eq!((stats.misses, stats.refreshes), (2, 2), "{stats}");
    assert!(stats.stale >= 10, "{stats}");
}

#[test]
fn a_failing_source_is_not_called_by_everyone() {
    let server = Server::start();
    let caches = ["throttle_a", "throttle_b"].map(|name| numbers(name, &server, |it| it.stale_if_error(LONG)));
    caches[0].get_or_load(1, || 1);
    grows_old(&caches[0], 1);
    let (begun, runs) = (Instant::now(), Counter::default());
    for cache in caches.iter().cycle().take(100) {
        let tried: Tried = cache.try_get_or_load(1, || {
            runs.up();
            Err("no")
        });
        assert_eq!(tried, Ok(1), "a failure renews nothing, and takes nothing away");
    }
    // One at once, and one for each second that it took.
    let seconds = usize::try_from(begun.elapsed().as_secs()).expect("not that long");
    assert!((1..=2 + seconds).contains(&runs.get()), "{} tries in {:?}", runs.get(), begun.elapsed());
    let recovered = || caches[1].try_get_or_load::<&str>(1, || Ok(2)) == Ok(2);
    eventually("the next try", recovered);
}

#[test]
fn in_the_window_for_errors_calls_load_together() {
    let server = Server::start();
    let caches = ["sie_a", "sie_b"].map(|name| numbers(name, &server, |it| it.stale_if_error(LONG)));
    for (key, gives, then) in [(1, Ok(2), 2), (2, Err("no"), 1)] {
        caches[0].get_or_load(key, || 1);
        grows_old(&caches[0], key);
        let held = Held::new();
        let call = |cache: &Numbers| {
            let (cache, held) = (cache.clone(), held.clone());
            start(move || cache.try_get_or_load(key, || held.load(gives)))
        };
        let leader = call(&caches[0]);
        eventually("the load to begin", || held.runs.get() == 1);
        let others = [call(&caches[0]), call(&caches[1])];
        held.open();
        assert_eq!(leader.end(), Ok(then));
        for other in others {
            assert_eq!(other.end(), Ok(then));
        }
    }
    assert_eq!(caches[0].stats().refreshes, 0, "these are loads, not renewals");
}

#[test]
fn promise_9_an_invalidated_value_is_not_served_on_error() {
    if !alone("windows::promise_9_an_invalidated_value_is_not_served_on_error") {
        return;
    }
    let server = Server::start();
    let with: fn(_) -> _ = |it: cached_runtime::Builder<u64, u64>| it.stale_if_error(LONG).stale_while_revalidate(LONG);
    let only: fn(_) -> _ = |it: cached_runtime::Builder<u64, u64>| it.stale_if_error(LONG);
    // Keys of their own: a `clear` leaves the mark of a failed renewal to its end.
    for (at, windows, keys) in [("gone_with", with, 0..3), ("gone_only", only, 3..6)] {
        let cache = numbers(at, &server, windows);
        let other = numbers("gone_other", &server, windows);
        for key in keys {
            let place = || cache.entry(key).tags(&["gone"]);
            place().get_or_load(|| 1);
            let before = cache.stats().stale;
            eventually("it to grow old", || place().get().is_none() || cache.stats().stale > before);
            let held = Held::new();
            let leader = start({
                let (cache, held) = (cache.clone(), held.clone());
                move || cache.entry(key).tags(&["gone"]).try_get_or_load(|| held.load(Err("no")))
            });
            eventually("the load to begin", || held.runs.get() == 1);
            match key % 3 {
                0 => other.invalidate(&key).expect("a server"),
                1 => other.clear().expect("a server"),
                _ => invalidate_tag("gone").wait().expect("a server"),
            }
            held.open();
            assert_eq!(leader.end(), Err("no"), "{at}, key {key}: it was invalidated meanwhile");
            assert_eq!(place().try_get_or_load(|| Err("still")), Err::<u64, _>("still"));
        }
    }
}

#[test]
fn promise_9_a_renewal_never_brings_back_what_was_invalidated() {
    let server = Server::start();
    let cache = numbers("renews_late", &server, |it| it.stale_while_revalidate(LONG));
    let other = numbers("renews_other", &server, |it| it.stale_while_revalidate(LONG));
    cache.get_or_load(1, || 1);
    grows_old(&cache, 1);
    let held = Held::new();
    let renewing = start({
        let (cache, held) = (cache.clone(), held.clone());
        move || cache.try_get_or_load(1, || held.load(Ok(2)))
    });
    eventually("the renewal to begin", || held.runs.get() == 1);
    other.invalidate(&1).expect("a server");
    let fresh = {
        let cache = cache.clone();
        within(PATIENCE, "a call after the invalidation", move || cache.get_or_load(1, || 3))
    };
    assert_eq!(fresh, 3, "it joined what began before");
    held.open();
    assert_eq!(renewing.end(), Ok(2), "its own caller gets it");
    // Past its ttl it may be renewed: nobody offers a 2 then.
    assert_eq!(other.get_or_load(1, || 3), 3, "an older value came back");
}

#[test]
fn promise_9_nothing_is_served_past_its_windows() {
    const WINDOW: Duration = Duration::from_millis(400);
    let server = Server::start();
    let cache = numbers("hard_end", &server, |it| it.stale_if_error(WINDOW).stale_while_revalidate(WINDOW / 2));
    cache.get_or_load(1, || 1);
    let stored = Instant::now();
    let mut served = 0;
    loop {
        let asked = Instant::now();
        let tried: Tried = cache.try_get_or_load(1, || Err("no"));
        if tried.is_err() {
            break;
        }
        served += 1;
        let age = asked - stored;
        assert!(age < SOON + WINDOW + Duration::from_millis(20), "it was served {age:?} after it had been stored");
    }
    assert!(served > 0);
    assert_eq!(cache.get(&1), None);
}

#[test]
fn ahead_of_its_end_a_value_is_renewed_without_a_miss() {
    let server = Server::start();
    patiently(&server.url()).install_as("ahead").expect("a good URL");
    let cache: Numbers = Cache::builder().name("ahead").ttl(LONG).refresh_ahead(0.001).redis("ahead").build_redis();
    cache.get_or_load(1, || 1);
    eventually("a renewal", || cache.get_or_load(1, || 2) == 2);
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.stale), (1, 0), "{stats}");
    assert!(stats.refreshes >= 1, "{stats}");
}

#[test]
fn a_renewal_that_is_dropped_lets_the_next_one_in() {
    let server = Server::start();
    let cache = numbers("dropped", &server, |it| it.stale_while_revalidate(LONG));
    cache.get_or_load(1, || 1);
    grows_old(&cache, 1);
    let renewing = cache.clone();
    run(move || async move {
        let (begun, mut told) = tokio::sync::oneshot::channel();
        let call = renewing.get_or_load_async(1, async {
            begun.send(()).expect("the test listens");
            std::future::pending().await
        });
        tokio::pin!(call);
        let ended = futures::future::poll_fn(|cx| {
            use std::future::Future;
            assert!(call.as_mut().poll(cx).is_pending(), "its load never ends");
            std::pin::Pin::new(&mut told).poll(cx).map(|told| told.expect("it was told"))
        });
        tokio::time::timeout(PATIENCE, ended).await.expect("the call was chosen to renew");
    });
    eventually("the next renewal", || cache.get_or_load(1, || 2) == 2);
}

fn peer(name: &str, server: &Server) -> Peer {
    let mut peer = Peer::start("windows::role_of_a_process");
    peer.tell(&format!("{name} {}", server.url()));
    peer.expect("ready");
    peer
}

#[test]
fn role_of_a_process() {
    let Some(mut parent) = Parent::of_this() else { return };
    let line = parent.hear().expect("a name and a URL");
    let (name, url) = line.split_once(' ').expect("a name and a URL");
    patiently(url).install_as("peer").expect("a good URL");
    let cache: Numbers =
        Cache::builder().name(name.to_owned()).ttl(SOON).stale_while_revalidate(LONG).redis("peer").build_redis();
    parent.tell("ready");
    let gate = Arc::new(Gate::new());
    while let Some(line) = parent.hear() {
        if line == "finish" {
            gate.open();
            continue;
        }
        let (cache, gate, voice) = (cache.clone(), Arc::clone(&gate), parent.voice());
        thread::spawn(move || {
            let value = cache.get_or_load(1, || {
                voice.tell("loading");
                gate.wait();
                2
            });
            voice.tell(&format!("got {value}"));
        });
    }
}

#[test]
fn promise_2_one_renewal_in_all_processes_and_a_dead_one_is_followed() {
    let server = Server::start();
    patiently(&server.url()).install_as("renewals").expect("a good URL");
    let cache: Numbers =
        Cache::builder().name("renewals").ttl(SOON).stale_while_revalidate(LONG).redis("renewals").build_redis();
    cache.get_or_load(1, || 1);
    grows_old(&cache, 1);
    let mut peers = [0; 3].map(|_| peer("renewals", &server));
    for peer in &mut peers {
        peer.tell("call");
    }
    let said: Vec<String> = peers.iter_mut().map(Peer::hear).collect();
    assert_eq!(said.iter().filter(|said| *said == "loading").count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|said| *said == "got 1").count(), 2, "{said:?}");
    // It dies: the lock is left to its end.
    let holder = said.iter().position(|said| said == "loading").expect("counted");
    peers[holder].kill();
    let next = (holder + 1) % 3;
    let mut rounds = 0;
    loop {
        peers[next].tell("call");
        let said = peers[next].hear();
        if said == "loading" {
            break;
        }
        assert_eq!(said, "got 1", "it is served meanwhile");
        rounds += 1;
        assert!(rounds < 100_000);
        thread::sleep(Duration::from_millis(20));
    }
    peers[next].tell("finish");
    peers[next].expect("got 2");
}

/// A cache of a user whose rights may change.
fn of_user(connection: &'static str, server: &Server) -> Numbers {
    let url = format!("redis://app:secret@{}", server.address());
    patiently(&url).install_as(connection).expect("a good URL");
    Cache::builder().name("windows").ttl(SOON).stale_if_error(LONG).redis(connection).build_redis()
}

#[test]
fn what_this_process_invalidated_is_not_served_though_the_load_had_no_ticket() {
    let server = Server::with().user("app", "secret", "~* &* +@all").start();
    let cache = of_user("sie_no_ticket", &server);
    for (key, invalidates, then) in [(1, false, Ok(1)), (2, true, Err("no"))] {
        cache.set(key, 1).expect("a server");
        grows_old(&cache, key);
        // No lock, and so no ticket; to read and to remove is permitted.
        server.client().call(&["ACL", "SETUSER", "app", "-eval", "-evalsha"]);
        let tried: Tried = cache.try_get_or_load(key, || {
            if invalidates {
                cache.invalidate(&key).expect("a server");
            }
            Err("no")
        });
        assert_eq!(tried, then, "invalidated: {invalidates}");
        server.client().call(&["ACL", "SETUSER", "app", "+eval", "+evalsha"]);
    }
}

/// The looks of a call that waits take nothing from the time that it has for itself.
#[test]
fn a_long_wait_for_a_distant_server_is_a_wait_to_its_end() {
    const BUDGET: Duration = Duration::from_secs(2);
    const LOOKS: usize = 20;
    let server = Server::start();
    let near = numbers("sie_near", &server, |it| it.stale_if_error(LONG));
    let proxy = Proxy::before(server.address());
    patiently(&server.url_at(proxy.address())).budget(BUDGET).install_as("sie_far").expect("a good URL");
    let far: Numbers = Cache::builder().name("windows").ttl(SOON).stale_if_error(LONG).redis("sie_far").build_redis();
    near.get_or_load(1, || 1);
    grows_old(&far, 1);
    let held = Held::new();
    let leader = start({
        // What it loads doesn't grow old as soon.
        let (near, held) = (numbers("sie_next", &server, |it| it.ttl(LONG).stale_if_error(LONG)), held.clone());
        move || near.try_get_or_load(1, || held.load(Ok(2)))
    });
    eventually("a load", || held.runs.get() == 1);
    // More than all of the budget, one after the other.
    proxy.delay(BUDGET / 15);
    let before = proxy.count("MGET");
    let own = Arc::new(Counter::default());
    let waiting = start({
        let (far, own) = (far.clone(), Arc::clone(&own));
        move || {
            far.get_or_load(1, || {
                own.up();
                3
            })
        }
    });
    eventually("many looks, or a load of its own", || own.get() > 0 || proxy.count("MGET") >= before + LOOKS);
    assert_eq!(own.get(), 0, "it didn't wait");
    proxy.delay(Duration::ZERO);
    held.open();
    assert_eq!((leader.end(), waiting.end()), (Ok(2), 2));
}
