//! `each = id in ids` with stale windows: each id grows old by itself, and one body renews those that are due. Whether ids
//! are entries at all is tested elsewhere.

use crate::{millis, secs};
use cached_runtime::{cached, clock};
use cached_tests::Gate;
#[cfg(feature = "tokio")]
use cached_tests::{run, run_parallel};
use futures::executor::block_on;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct State {
    asked: Mutex<Vec<Vec<u32>>>,
    fails: AtomicBool,
    hangs: AtomicBool,
    gate: Gate,
}

/// Gives, for each id, how often it was asked for anything.
#[derive(Clone, Default)]
struct Source(Arc<State>);

type Got = Result<BTreeMap<u32, usize>, &'static str>;

impl Source {
    fn load(&self, ids: &[u32]) -> Got {
        let mut asked = self.0.asked.lock().unwrap();
        asked.push(ids.to_vec());
        if self.0.fails.load(Ordering::SeqCst) {
            return Err("down");
        }
        Ok(ids.iter().filter(|id| **id < 100).map(|id| (*id, asked.len())).collect())
    }

    async fn load_async(&self, ids: &[u32]) -> Got {
        let got = self.load(ids);
        if self.0.hangs.load(Ordering::SeqCst) {
            self.0.gate.passed().await;
        }
        got
    }

    fn fail(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::SeqCst);
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        self.0.asked.lock().unwrap().clone()
    }
}

fn got(values: impl IntoIterator<Item = (u32, usize)>) -> Got {
    Ok(values.into_iter().collect())
}

#[cached(each = id in ids, skip(source), ttl = "60s", stale_while_revalidate = "10s")]
fn renewed(source: &Source, of: &str, ids: &[u32]) -> Result<BTreeMap<u32, usize>, &'static str> {
    assert!(!of.is_empty());
    source.load(ids)
}

#[test]
fn a_sync_call_renews_what_is_due_with_what_is_missing() {
    let (clock, source) = (clock::pause(), Source::default());
    let before = renewed::stats().refreshes;
    let call = |ids: &[u32]| renewed(&source, "sync", ids);
    assert_eq!(call(&[1]), got([(1, 1)]));
    clock.advance(secs(30));
    assert_eq!(call(&[2]), got([(2, 2)]));
    clock.advance(millis(29_999));
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 2)]), "fresh to the last millisecond");
    clock.advance(millis(1));
    assert_eq!(call(&[1, 2, 3]), got([(1, 3), (2, 2), (3, 3)]), "only what is due, in one body with what is missing");
    assert_eq!(source.asked(), [vec![1], vec![2], vec![1, 3]]);
    assert_eq!(call(&[1, 2, 3]), got([(1, 3), (2, 2), (3, 3)]));
    assert_eq!(renewed::stats().refreshes - before, 1);
}

#[test]
fn a_renewal_that_fails_leaves_the_old_values_to_their_end() {
    let (clock, source) = (clock::pause(), Source::default());
    let call = |ids: &[u32]| renewed(&source, "fails", ids);
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]));
    clock.advance(secs(60));
    source.fail(true);
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]), "both have an old value");
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]));
    assert_eq!(source.asked().len(), 2, "a source that fails is left alone for a while");
    assert_eq!(call(&[1, 3]), Err("down"), "there is nothing to give for 3");
    clock.advance(secs(10));
    assert_eq!(call(&[1, 2]), Err("down"), "the window is over");
    source.fail(false);
    assert_eq!(call(&[1, 2]), got([(1, 5), (2, 5)]));
}

#[cached(each = id in ids, skip(source), ttl = "60s", stale_if_error = "1h", tags = ["on error {of}"])]
async fn on_error(source: &Source, of: &str, ids: &[u32]) -> Result<BTreeMap<u32, usize>, &'static str> {
    assert!(!of.is_empty());
    source.load_async(ids).await
}

#[test]
fn an_error_gives_old_values_where_all_that_is_missing_has_one() {
    let (clock, source) = (clock::pause(), Source::default());
    let call = |ids: &[u32]| block_on(on_error(&source, "old", ids));
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]));
    clock.advance(secs(60));
    source.fail(true);
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]));
    assert_eq!(source.asked(), [vec![1, 2], vec![1, 2]], "past the ttl calls load");
    assert_eq!(call(&[2, 3]), Err("down"));
    clock.advance(secs(1));
    assert_eq!(call(&[1, 3]), Err("down"), "3 has none");
    source.fail(false);
    clock.advance(secs(1));
    assert_eq!(call(&[1, 2, 3]), got([(1, 5), (2, 5), (3, 5)]));
    // To the last millisecond of the window, and no longer.
    clock.advance(secs(3660) - millis(1));
    source.fail(true);
    assert_eq!(call(&[1]), got([(1, 5)]));
    clock.advance(millis(1));
    assert_eq!(call(&[1]), Err("down"));
}

#[test]
fn promise_9_no_old_value_after_an_invalidation_not_even_on_error() {
    let (clock, source) = (clock::pause(), Source::default());
    let call = |ids: &[u32]| block_on(on_error(&source, "gone", ids));
    assert_eq!(call(&[1, 2]), got([(1, 1), (2, 1)]));
    clock.advance(secs(60));
    source.fail(true);
    block_on(on_error::invalidate("gone", 1));
    assert_eq!(call(&[1]), Err("down"));
    assert_eq!(call(&[2]), got([(2, 1)]));
    cached_runtime::invalidate_tag("on error gone").wait().expect("memory");
    assert_eq!(call(&[2]), Err("down"));
}

#[test]
fn what_is_absent_now_takes_the_old_value_away() {
    #[cached(each = id in ids, skip(source, there), ttl = "60s", stale_if_error = "1h")]
    fn maybe(source: &Source, there: bool, ids: &[u32]) -> Result<BTreeMap<u32, usize>, &'static str> {
        source.load(if there { ids } else { &ids[1..] })
    }
    let (clock, source) = (clock::pause(), Source::default());
    assert_eq!(maybe(&source, true, &[1, 2]), got([(1, 1), (2, 1)]));
    clock.advance(secs(60));
    assert_eq!(maybe(&source, false, &[1, 2]), got([(2, 2)]));
    source.fail(true);
    assert_eq!(maybe(&source, true, &[1]), Err("down"));
}

#[cfg(feature = "tokio")]
mod background {
    use super::*;
    use tokio::task::yield_now;

    #[cached(each = id in ids, skip(source), ttl = "60s", stale_while_revalidate = "10s", refresh_ahead = 0.5)]
    async fn behind(source: &Source, of: &str, ids: &[u32]) -> Result<BTreeMap<u32, usize>, &'static str> {
        assert!(!of.is_empty());
        source.load_async(ids).await
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            yield_now().await;
        }
    }

    async fn renewal(of: &'static str) {
        let (clock, source) = (clock::pause(), Source::default());
        let call = |ids: &'static [u32]| behind(&source, of, ids);
        assert_eq!(call(&[1, 2]).await, got([(1, 1), (2, 1)]));
        clock.advance(secs(20));
        assert_eq!(call(&[3]).await, got([(3, 2)]));
        clock.advance(secs(10));
        source.0.hangs.store(true, Ordering::SeqCst);
        assert_eq!(call(&[1, 2, 3]).await, got([(1, 1), (2, 1), (3, 2)]), "nobody waits for the renewal");
        until(|| source.asked().len() == 3).await;
        assert_eq!(source.asked()[2], [1, 2], "of what is due alone");
        for _ in 0..5 {
            assert_eq!(call(&[2, 1]).await, got([(1, 1), (2, 1)]), "one renewal is enough");
        }
        assert_eq!(source.asked().len(), 3);
        source.0.gate.open();
        let new = |id| behind::cache().get(&(of.to_owned(), id)) == Some(3);
        until(|| new(1) && new(2)).await;
        assert_eq!(call(&[1, 2, 3]).await, got([(1, 3), (2, 3), (3, 2)]));
    }

    #[test]
    fn a_renewal_gives_the_old_values_at_once_and_the_new_ones_after() {
        run(|| renewal("one thread"));
        run_parallel(|| renewal("many threads"));
    }

    #[test]
    fn what_is_missing_is_waited_for_and_what_is_due_is_not() {
        run(|| async {
            let (clock, source) = (clock::pause(), Source::default());
            let call = |ids: &'static [u32]| behind(&source, "mixed", ids);
            assert_eq!(call(&[1]).await, got([(1, 1)]));
            clock.advance(secs(60));
            assert_eq!(call(&[1, 2]).await, got([(1, 1), (2, 2)]));
            until(|| behind::cache().get(&("mixed".to_owned(), 1)) == Some(3)).await;
            assert_eq!(source.asked(), [vec![1], vec![2], vec![1]]);
        });
    }

    #[test]
    fn a_renewal_that_fails_in_the_background_leaves_the_old_values() {
        run(|| async {
            let (clock, source) = (clock::pause(), Source::default());
            let call = |ids: &'static [u32]| behind(&source, "fails", ids);
            assert_eq!(call(&[1]).await, got([(1, 1)]));
            clock.advance(secs(60));
            source.fail(true);
            assert_eq!(call(&[1]).await, got([(1, 1)]));
            until(|| behind::stats().load_errors > 0).await;
            assert_eq!(call(&[1]).await, got([(1, 1)]));
            clock.advance(secs(10));
            assert_eq!(call(&[1]).await, Err("down"));
        });
    }

    #[test]
    fn a_renewal_dies_with_its_runtime_and_leaves_its_ids_free() {
        let (clock, source) = (clock::pause(), Source::default());
        let other = source.clone();
        run(move || async move {
            assert_eq!(behind(&other, "dies", &[1]).await, got([(1, 1)]));
        });
        clock.advance(secs(60));
        source.0.hangs.store(true, Ordering::SeqCst);
        let other = source.clone();
        run(move || async move {
            assert_eq!(behind(&other, "dies", &[1]).await, got([(1, 1)]));
            until(|| other.asked().len() == 2).await;
        });
        source.0.hangs.store(false, Ordering::SeqCst);
        assert_eq!(block_on(behind(&source, "dies", &[1])), got([(1, 3)]), "without a runtime the call renews");
    }
}
