//! Old values that are served on error where the server can't be asked whether they still stand: what this process knows to be
//! outdated is not, and nothing else is withheld. Between look-up and load the tests do what other calls would.

use crate::subject::patiently;
use crate::windows::{LONG, Numbers, grows_old, numbers};
use cached_runtime::{
    Cache, invalidate_matching, invalidate_tag,
    private::{AllThreads, AnyOwn as _, Lookup, OutcomeOf, Own, Pick as _, at},
};
use cached_tests::{
    eventually,
    redis::{Proxy, Server, alone},
    start,
};
use std::{
    fmt,
    sync::{Barrier, mpsc},
    thread,
    time::Duration,
};

/// Not to be cloned, so that calls which wait for a load that fails run it themselves.
#[derive(Debug, PartialEq)]
struct No;

type Tried = Result<u64, No>;

/// What a call of key 1 finds: one that leads has its place among the calls of the key from here on, and so has one that
/// joins.
macro_rules! missed {
    ($cache:expr) => {{
        let tags = |each: &mut dyn FnMut(fmt::Arguments<'_>)| each(format_args!("known"));
        let outcome = (&&&&&&&&OutcomeOf::<Tried, AllThreads>::new()).__pick();
        match at($cache, Own(1_u64, AllThreads).__part(), outcome).tags(&tags).lookup() {
            Lookup::Hit(hit) => panic!("{hit:?}, where it had to be loaded"),
            Lookup::Miss(miss) => miss,
        }
    }};
}

/// A value past its ttl, with a tag.
fn stores_an_old_one(cache: &Numbers) {
    assert_eq!(missed!(cache).run(|| Ok(1)), Ok(1));
    eventually("it to grow old", || cache.entry(1).tags(&["known"]).get().is_none());
}

fn invalidate(cache: &Numbers, how: &str) {
    let done = match how {
        "key" => cache.invalidate(&1),
        "clear" => cache.clear(),
        "tag" => invalidate_tag("known").wait(),
        "pattern" => invalidate_matching("on-error:*").wait(),
        _ => Ok(()),
    };
    done.expect("a server");
}

/// A call that waits for a load knows as much as the one that runs it, from its own beginning on.
#[test]
fn what_was_invalidated_is_served_to_no_call_that_began_before() {
    if !alone("on_error::what_was_invalidated_is_served_to_no_call_that_began_before") {
        return;
    }
    // Tags and patterns are invalidated on all servers.
    let mut servers = Vec::new();
    for (at, how) in ["not", "key", "clear", "tag", "pattern"].into_iter().enumerate() {
        let then = if how == "not" { Ok(1) } else { Err(No) };
        for runs in [true, false] {
            let connection = format!("known_{at}_{runs}").leak();
            let mut server = Server::start();
            let cache = numbers(connection, &server, |it| {
                it.name("on-error").template(&["on-error:", ""]).stale_if_error(LONG)
            });
            stores_an_old_one(&cache);
            let (leads, joins) = (missed!(&cache), missed!(&cache));
            let mut ends = || {
                invalidate(&cache, how);
                server.kill();
            };
            if !runs {
                ends();
            }
            let led = leads.run(|| {
                if runs {
                    ends();
                }
                Err(No)
            });
            let joined = joins.run(|| Err(No));
            assert_eq!((&led, &joined), (&then, &then), "{how}, while the load runs: {runs}");
            server.restart();
            eventually("the connection", || cache.set(9, 9).is_ok());
            servers.push(server);
        }
    }
}

/// A cache of a user who may read and remove, but not take a lock or a lease: its loads have no tickets.
struct Limited {
    server: Server,
    cache: Numbers,
}

impl Limited {
    fn new(connection: &'static str) -> Self {
        let server = Server::with().user("app", "secret", "~* &* +@all").start();
        let url = format!("redis://app:secret@{}", server.address());
        patiently(&url).install_as(connection).expect("a good URL");
        let ttl = Duration::from_millis(50);
        let cache = Cache::builder().name("windows").ttl(ttl).stale_if_error(LONG).redis(connection).build_redis();
        Self { server, cache }
    }

    /// Loads an old value anew in vain. Another call comes meanwhile, after what `first` does.
    fn fails(&self, first: impl Fn()) -> (Tried, Tried) {
        self.cache.set(1, 1).expect("a server");
        grows_old(&self.cache, 1);
        self.server.client().call(&["ACL", "SETUSER", "app", "-eval", "-evalsha"]);
        let mut seen = Err(No);
        let own = self.cache.try_get_or_load(1, || {
            first();
            let other = self.cache.clone();
            seen = start(move || other.try_get_or_load(1, || Err(No))).end();
            Err(No)
        });
        self.server.client().call(&["ACL", "SETUSER", "app", "+eval", "+evalsha"]);
        (own, seen)
    }
}

#[test]
fn a_call_that_still_sees_the_old_value_takes_it_from_nobody() {
    let limited = Limited::new("known_limited");
    assert_eq!(limited.fails(|| {}), (Ok(1), Ok(1)));
}

#[test]
fn what_any_call_of_this_process_saw_gone_is_not_served() {
    let limited = Limited::new("known_gone");
    let other = numbers("known_other", &limited.server, |it| it.stale_if_error(LONG));
    let gone = limited.fails(|| other.invalidate(&1).expect("a server"));
    assert_eq!(gone, (Err(No), Err(No)));
}

#[test]
fn what_a_load_itself_saw_gone_is_not_served() {
    for (at, gone) in [false, true].into_iter().enumerate() {
        let mut server = Server::start();
        let cache = numbers(["known_own_0", "known_own_1"][at], &server, |it| it.stale_if_error(LONG));
        let other = numbers("known_own_other", &server, |it| it.stale_if_error(LONG));
        stores_an_old_one(&cache);
        let leads = missed!(&cache);
        if gone {
            other.invalidate(&1).expect("a server");
        }
        // Before its body it has read again, if it found something else than it had seen.
        let led = leads.run(|| {
            server.kill();
            Err(No)
        });
        assert_eq!(led, if gone { Err(No) } else { Ok(1) });
    }
}

/// A load of this value failed a moment ago, and that lasts.
fn marks_as_failed(cache: &Numbers, server: &Server) {
    let mut mark = None;
    eventually("a load's failure to be marked", || {
        assert_eq!(missed!(cache).run(|| Err(No)), Ok(1));
        mark = server.client().keys().into_iter().find(|key| key.ends_with(":refresh"));
        mark.is_some()
    });
    server.client().call(&["SET", &mark.expect("waited for"), "failed", "PX", "600000"]);
    assert_eq!(missed!(cache).run(|| unreachable!("it failed a moment ago")), Ok(1));
}

/// The look that a call began with is older than calls which have joined it since.
#[test]
fn calls_that_join_a_load_that_fails_at_once_are_served_nothing_older_than_they_are() {
    let server = Server::start();
    let cache = numbers("known_joined", &server, |it| it.stale_if_error(LONG));
    let other = numbers("known_joined_other", &server, |it| it.stale_if_error(LONG));
    stores_an_old_one(&cache);
    marks_as_failed(&cache, &server);
    let leads = missed!(&cache);
    other.invalidate(&1).expect("a server");
    let joins = missed!(&cache);
    assert_eq!(leads.run(|| Ok(2)), Ok(2), "it looks again");
    assert_eq!(joins.run(|| Ok(3)), Ok(2), "it waited for that load");
}

/// What is still to be invalidated again is a miss in this process, also to calls that wait for a load from before.
#[test]
fn calls_that_join_a_load_are_served_nothing_whose_invalidation_is_to_be_repeated() {
    let server = Server::with().user("app", "secret", "~* &* +@all").start();
    let proxy = Proxy::before(server.address());
    let url = format!("redis://app:secret@{}", proxy.address());
    patiently(&url).install_as("known_pending").expect("a good URL");
    let ttl = Duration::from_millis(50);
    let cache: Numbers =
        Cache::builder().name("windows").ttl(ttl).stale_if_error(LONG).redis("known_pending").build_redis();
    stores_an_old_one(&cache);
    marks_as_failed(&cache, &server);
    let held = proxy.hold(|command| command.name() == "UNLINK");
    let invalidation = cache.invalidate_async(&1);
    held.wait();
    let leads = missed!(&cache);
    server.client().call(&["ACL", "SETUSER", "app", "-unlink"]);
    held.release();
    invalidation.wait().expect_err("it is not permitted");
    let joins = missed!(&cache);
    assert_eq!(leads.run(|| Ok(2)), Ok(2), "what it found is outdated");
    assert_eq!(joins.run(|| Ok(3)), Ok(2), "it waited for that load");
}

/// A load that may not write has no ticket: nobody tells it of what other processes do.
#[test]
fn promise_3_who_can_read_joins_no_load_that_another_process_outdated() {
    let server = Server::with().user("app", "secret", "%R~* &* +@all").start();
    patiently(&format!("redis://app:secret@{}", server.address())).install_as("reader").expect("a good URL");
    patiently(&server.url()).install_as("writer").expect("a good URL");
    let of = |connection| {
        Cache::<u64, u64, _>::builder().name("reads").ttl(LONG).coalesce(LONG).redis(connection).build_redis()
    };
    let (reader, writer) = (of("reader"), of("writer"));
    reader.invalidate(&1).expect_err("it is not permitted");
    let (begun, held) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            reader.get_or_load(1, || {
                begun.wait();
                held.wait();
                1
            })
        });
        begun.wait();
        writer.invalidate(&1).expect("it is permitted");
        let (tell, told) = mpsc::channel();
        let second = reader.clone();
        thread::spawn(move || tell.send(second.get_or_load(1, || 2)));
        let second = told.recv_timeout(Duration::from_secs(20));
        held.wait();
        assert_eq!((first.join().expect("no panic"), second), (1, Ok(2)));
    });
}
