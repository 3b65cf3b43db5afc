//! Promises 2, 3 and 9 where several loads work for one flight: what one of them lost, none of them may hand to a late caller.

use cached_runtime::{Cache, Eviction};
use cached_tests::{PATIENCE, start};
use std::{
    future::{Future, poll_fn},
    hash::{Hash, Hasher},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread,
};

/// One poll, by nobody who could be woken.
fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A key whose next comparison does something first.
#[derive(Clone)]
struct Key(u32);

static FIRST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let first = FIRST.lock().unwrap().take();
        if let Some(first) = first {
            first();
        }
        self.0 == other.0
    }
}

impl Eq for Key {}

#[test]
fn a_load_from_before_a_clear_lands_no_call_from_after_it() {
    let cache: Cache<Key, &str> = Cache::builder().build();
    let written = Arc::new(AtomicBool::new(false));
    let (go, end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    // An old async load, somebody who waits for it,
    let read = |written: &Arc<AtomicBool>| if written.load(SeqCst) { "new" } else { "old" };
    let mut old = Box::pin(cache.get_or_load_async(Key(1), async {
        let value = read(&written);
        poll_fn(|_| if go.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
        value
    }));
    assert!(poll(&mut old).is_pending());
    let mut waiter = Box::pin(cache.get_or_load_async(Key(1), async { "waiter's own" }));
    assert!(poll(&mut waiter).is_pending());
    // and a sync call that helps the waiter's flight. In the middle of its look-up the source is written and the cache
    // cleared: by its own key's comparison, so that it can be no other moment.
    let (cleared, is_cleared) = mpsc::channel();
    *FIRST.lock().unwrap() = Some(Box::new({
        let (cache, written) = (cache.clone(), written.clone());
        move || {
            written.store(true, SeqCst);
            cache.clear();
            cleared.send(()).unwrap();
        }
    }));
    let helper = start({
        let (cache, end) = (cache.clone(), end.clone());
        move || {
            cache.get_or_load(Key(1), || {
                while !end.load(SeqCst) {
                    thread::yield_now();
                }
                "new"
            })
        }
    });
    is_cleared.recv_timeout(PATIENCE).expect("the comparison was never made");
    let mut late = Box::pin(cache.get_or_load_async(Key(1), async { read(&written) }));
    let first = poll(&mut late);
    go.store(true, SeqCst);
    assert_eq!(poll(&mut old), Poll::Ready("old"));
    let got = if first.is_ready() { first } else { poll(&mut late) };
    end.store(true, SeqCst);
    helper.end();
    assert_ne!(got, Poll::Ready("old"), "a call that began after the clear got a value from before it");
}

#[derive(Debug)]
struct NotClone;

#[test]
fn a_flight_that_has_landed_is_not_joined() {
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        // It stores nothing, so that only the flight could answer.
        let cache: Cache<u32, u32> = Cache::builder().capacity(0).eviction(eviction).build();
        let step = AtomicU32::new(0);
        let call = |n: u32| {
            let (cache, step) = (cache.clone(), &step);
            Box::pin(async move {
                let load = poll_fn(move |_| match (n, step.load(SeqCst)) {
                    (0, 1..) => Poll::Ready(Err(NotClone)),
                    (1, 2..) | (9, _) => Poll::Ready(Ok(n)),
                    _ => Poll::Pending,
                });
                cache.try_get_or_load_async(1, load).await
            })
        };
        // The first load fails; of the two that follow together one lands the flight, the other goes on.
        let (mut failing, mut fast, mut slow, mut waiter) = (call(0), call(1), call(2), call(3));
        for future in [&mut failing, &mut fast, &mut slow, &mut waiter] {
            assert!(poll(future).is_pending());
        }
        step.store(1, SeqCst);
        assert!(matches!(poll(&mut failing), Poll::Ready(Err(NotClone))));
        for future in [&mut fast, &mut slow, &mut waiter] {
            assert!(poll(future).is_pending());
        }
        step.store(2, SeqCst);
        assert!(matches!(poll(&mut fast), Poll::Ready(Ok(1))));
        assert!(matches!(poll(&mut waiter), Poll::Ready(Ok(1))));
        // What it landed with was for those who waited: a new call loads.
        assert!(matches!(poll(&mut call(9)), Poll::Ready(Ok(9))));
        drop(slow);
    }
}
