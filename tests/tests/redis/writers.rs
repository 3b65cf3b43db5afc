//! Functions that write, over entries in Redis: what they store or forget, whoever else writes, and whatever becomes of
//! the server in between.

use crate::subject::{BUDGET, note, patiently};
use cached_runtime::{
    cached,
    private::{Acting, Forget, Write},
    redis::Config,
};
use cached_tests::{
    eventually,
    redis::{Server, alone},
    run,
};
use std::time::Instant;

#[cached(backend = redis, ttl = "1m", name = "written", key = "written:{id}")]
fn written(id: u64) -> String {
    format!("loaded {id}")
}

fn at(id: u64) -> impl Write<String> {
    written::__entry(&id).owned().writing()
}

fn done(acting: Acting) {
    acting.wait().expect("a server");
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn what_a_writer_returns_becomes_the_entry() {
    if !alone("writers::what_a_writer_returns_becomes_the_entry") {
        return;
    }
    let server = Server::start();
    patiently(&server.url()).install().expect("a good URL");
    assert_eq!(written(1), "loaded 1");
    let mut writing = at(1);
    writing.begin();
    done(writing.commit(&text("written")));
    assert_eq!(written(1), "written");
    run(|| async {
        let mut writing = at(1);
        writing.begin_async().await;
        writing.commit(&text("written again")).await.expect("a server");
    });
    assert_eq!(written(1), "written again");
    // Its body did not write, or never began.
    let mut writing = at(1);
    writing.begin();
    done(writing.release());
    assert_eq!(written(1), "written again");
    // Nobody knows what its body did.
    let mut writing = at(1);
    writing.begin();
    done(writing.abandon());
    assert_eq!(written::get(1), None);
    written(1);
    drop(at(1));
    eventually("a dropped writer's invalidation", || written::get(1).is_none());
    // It gives its ticket back, also one that came after it had gone.
    eventually("its ticket to go", || !server.client().keys().iter().any(|key| key.ends_with(":w")));
    written(1);
    done(written::__entry(&1).owned().forgetting().forget());
    assert_eq!(written::get(1), None);
}

/// They commit to their database in one order, and come here in the other.
#[test]
fn promise_9_writers_that_cross_leave_no_older_value() {
    if !alone("writers::promise_9_writers_that_cross_leave_no_older_value") {
        return;
    }
    let server = Server::start();
    patiently(&server.url()).install().expect("a good URL");
    for (first, id) in [(true, 1), (false, 2)] {
        let (mut one, mut two) = (at(id), at(id));
        one.begin();
        two.begin();
        let (earlier, later) = if first { (one, two) } else { (two, one) };
        done(earlier.commit(&text("newer")));
        done(later.commit(&text("older")));
        assert_eq!(written::get(id), None, "a miss, not the older value");
    }
    // Contested no longer: they have ended, and the next one alone stores again.
    assert_eq!(written(1), "loaded 1");
    let mut next = at(1);
    next.begin();
    done(next.commit(&text("next")));
    assert_eq!(written::get(1).as_deref(), Some("next"));
    assert!(!server.client().keys().iter().any(|key| key.ends_with(":w")));
    // One that was leaked, or whose process has died, contests for no more than a minute after it was last prolonged.
    let mut leaked = at(5);
    leaked.begin();
    std::mem::forget(leaked);
    let mut client = server.client();
    let mark = client.keys().into_iter().find(|key| key.ends_with(":w")).expect("a ticket");
    let left: u64 = client.call(&["PTTL", &mark]).text().parse().expect("an end");
    assert!((1..=60_000).contains(&left), "{left}");
    let mut crossed = at(5);
    crossed.begin();
    done(crossed.commit(&text("crossed")));
    assert_eq!(written::get(5), None);
    written::invalidate(5).expect("a server");
    let mut alone = at(3);
    alone.begin();
    written::invalidate(3).expect("a server");
    done(alone.commit(&text("from before the invalidation")));
    assert_eq!(written::get(3), None);
    // Without an acknowledged ticket a commit is an invalidation.
    assert_eq!(written(4), "loaded 4");
    done(at(4).commit(&text("hasty")));
    assert_eq!(written::get(4), None);
}

/// The body has succeeded, and the server is away when the entry is to go: the function's result stands, and the
/// invalidation is repeated until it succeeds.
#[test]
fn recovery_after_partial_failure() {
    if !alone("writers::recovery_after_partial_failure") {
        return;
    }
    let mut server = Server::start();
    Config::from_url(server.url()).namespace("tests").install().expect("a good URL");
    for commits in [true, false] {
        eventually("an entry", || {
            written(1);
            written::get(1).is_some()
        });
        let begun = Instant::now();
        let mut writing = at(1);
        writing.begin();
        server.freeze();
        let acting = if commits { writing.commit(&text("written")) } else { writing.abandon() };
        acting.wait().expect_err("the server is away, and the caller is told so");
        assert_eq!(written::stats().pending, 1);
        assert_eq!(written(1), "loaded 1", "the entry is a miss here: the function runs");
        server.thaw();
        eventually("the invalidation to be repeated", || written::stats().pending == 0);
        let keys = server.client().keys();
        assert!(!keys.iter().any(|key| key.ends_with("{written:1}")), "{keys:?}");
        note("a write, server stopped after the body", BUDGET, Some(begun.elapsed()));
    }
    // A server that comes back without its data has nothing old: the queue ends as well.
    let mut writing = at(1);
    writing.begin();
    server.kill();
    writing.commit(&text("written")).wait().expect_err("the server is gone");
    server.restart();
    eventually("the queue to end", || written::stats().pending == 0);
    eventually("the cache to work again", || {
        written(2);
        written::get(2).is_some()
    });
}
