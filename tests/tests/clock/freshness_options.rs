//! The options of freshness on the attribute: each reaches the cache, sync and async, in memory and of one thread. What
//! the windows mean is tested with the builder; here a call that renews does it itself.

use crate::{millis, secs};
use cached_runtime::{cached, clock};
use cached_tests::{Counter, run};
use std::cell::Cell;
use std::time::Duration;

/// What the bodies give: how often one of them ran.
#[derive(Default)]
struct Source {
    runs: Counter,
    fails: Cell<bool>,
}

impl Source {
    fn load(&self) -> Result<usize, &'static str> {
        let run = self.runs.up();
        if self.fails.get() { Err("down") } else { Ok(run) }
    }
}

/// The same function, sync, of one thread and async: the source isn't `Sync`, so no call is let go before its load.
macro_rules! of_each_kind {
    ([$($options:tt)*] |$clock:ident, $source:ident, $call:ident, $get:ident| $test:block) => {{
        {
            #[cached(skip(source), $($options)*)]
            fn sync(source: &Source, n: u32) -> Result<usize, &'static str> {
                assert_eq!(n, 1);
                source.load()
            }
            let ($clock, $source) = (clock::pause(), Source::default());
            let ($call, $get) = (|| sync(&$source, 1), || sync::get(1));
            $test
        }
        {
            #[cached(skip(source), backend = local, $($options)*)]
            fn local(source: &Source, n: u32) -> Result<usize, &'static str> {
                assert_eq!(n, 1);
                source.load()
            }
            let ($clock, $source) = (clock::pause(), Source::default());
            let ($call, $get) = (|| local(&$source, 1), || local::get(1));
            $test
        }
        {
            #[cached(skip(source), backend = local, $($options)*)]
            async fn local_async(source: &Source, n: u32) -> Result<usize, &'static str> {
                assert_eq!(n, 1);
                std::future::ready(source.load()).await
            }
            run(|| async {
                let ($clock, $source) = (clock::pause(), Source::default());
                use futures::executor::block_on as block;
                let ($call, $get) = (|| block(local_async(&$source, 1)), || block(local_async::get(1)));
                $test
            });
        }
        {
            #[cached(skip(source), $($options)*)]
            async fn of_async(source: &Source, n: u32) -> Result<usize, &'static str> {
                assert_eq!(n, 1);
                std::future::ready(source.load()).await
            }
            run(|| async {
                let ($clock, $source) = (clock::pause(), Source::default());
                use futures::executor::block_on as block;
                let ($call, $get) = (|| block(of_async(&$source, 1)), || block(of_async::get(1)));
                $test
            });
        }
    }};
}

#[test]
fn stale_while_revalidate_to_the_millisecond() {
    of_each_kind!(
        [ttl = "60s", stale_while_revalidate = "10s"] | clock,
        source,
        call,
        get | {
            assert_eq!(call(), Ok(1));
            clock.advance(millis(59_999));
            assert_eq!(call(), Ok(1), "fresh");
            clock.advance(millis(1));
            assert_eq!(get(), Some(Ok(1)), "stale");
            assert_eq!(call(), Ok(2), "the call that renews has the new value");
            clock.advance(millis(69_999));
            source.fails.set(true);
            assert_eq!(call(), Ok(2), "a renewal that fails gives the old one");
            clock.advance(millis(1));
            assert_eq!((get(), call()), (None, Err("down")), "it is over");
        }
    );
}

#[test]
fn stale_if_error_to_the_millisecond() {
    of_each_kind!(
        [ttl = "60s", stale_if_error = Duration::from_secs(3600)] | clock,
        source,
        call,
        get | {
            assert_eq!(call(), Ok(1));
            clock.advance(secs(60));
            assert_eq!(get(), None, "only for errors");
            assert_eq!(call(), Ok(2), "a load");
            source.fails.set(true);
            clock.advance(millis(3_659_999));
            assert_eq!(call(), Ok(2), "a failure");
            assert_eq!((call(), source.runs.get()), (Ok(2), 3), "for a second nobody tries again");
            clock.advance(millis(1));
            assert_eq!(call(), Err("down"), "a hard maximum");
        }
    );
}

#[test]
fn refresh_ahead_to_the_millisecond() {
    of_each_kind!(
        [ttl = "60s", refresh_ahead = 0.8] | clock,
        source,
        call,
        get | {
            assert_eq!(call(), Ok(1));
            clock.advance(millis(47_999));
            assert_eq!(call(), Ok(1));
            clock.advance(millis(1));
            assert_eq!((get(), source.runs.get()), (Some(Ok(1)), 1), "a look-up that never loads");
            assert_eq!(call(), Ok(2));
        }
    );
}

#[test]
fn refresh_ahead_by_chance() {
    #[cached(ttl = "100s", refresh_ahead = xfetch)]
    fn slow(n: u32) -> u32 {
        // A load of ten seconds: a millisecond before the end, a renewal is as good as certain.
        clock::pause().advance(secs(10));
        n
    }
    let clock = clock::pause();
    slow(1);
    clock.advance(millis(99_999));
    for _ in 0..10 {
        slow(1);
    }
    assert_eq!((slow::stats().refreshes, slow::stats().misses), (1, 1), "{}", slow::stats());
}

#[test]
fn windows_begin_where_the_ttl_of_the_value_ends() {
    #[cached(skip(new), ttl = |value| Duration::from_secs(*value), stale_while_revalidate = "10s")]
    fn lasting(n: u32, new: u64) -> u64 {
        assert_eq!(n, 1);
        new
    }
    let clock = clock::pause();
    assert_eq!(lasting(1, 5), 5);
    clock.advance(millis(4_999));
    assert_eq!(lasting(1, 20), 5);
    clock.advance(millis(1));
    assert_eq!((lasting::get(1), lasting(1, 20)), (Some(5), 20));
    clock.advance(millis(29_999));
    assert_eq!(lasting::get(1), Some(20));
    clock.advance(millis(1));
    assert_eq!(lasting::get(1), None);
}

#[test]
fn cache_none_takes_the_windows() {
    #[cached(skip(new), ttl = "60s", cache_none = true, stale_while_revalidate = "10s")]
    fn maybe(n: u32, new: Option<u32>) -> Option<u32> {
        assert_eq!(n, 1);
        new
    }
    let clock = clock::pause();
    assert_eq!(maybe(1, None), None);
    clock.advance(millis(69_999));
    assert_eq!(maybe::get(1), Some(None));
    assert_eq!(maybe(1, Some(2)), Some(2));
}

#[test]
fn on_methods_by_the_caller() {
    struct Shop(Counter);
    impl Shop {
        #[cached(skip(self), ttl = "60s", stale_while_revalidate = "10s")]
        async fn item(&self, n: u32) -> usize {
            assert_eq!(n, 1);
            std::future::ready(self.0.up()).await
        }
    }
    run(|| async {
        let (clock, shop) = (clock::pause(), Shop(Counter::new()));
        assert_eq!(shop.item(1).await, 1);
        clock.advance(secs(60));
        assert_eq!(shop.item(1).await, 2);
    });
}
