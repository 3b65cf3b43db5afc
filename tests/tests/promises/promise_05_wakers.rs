//! Promises 4 and 5 against wakers, which are foreign code: they may panic, and their drop may free a task that waits itself.

use cached_runtime::Cache;
use cached_tests::within;
use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

type Boxed = Pin<Box<dyn Future<Output = u32> + Send>>;

const SOON: Duration = Duration::from_secs(5);

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

fn call(cache: &Cache<u32, u32>, key: u32, load: impl Future<Output = u32> + Send + 'static) -> Boxed {
    let cache = cache.clone();
    Box::pin(async move { cache.get_or_load_async(key, load).await })
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn one_that_panics_keeps_nobody_else_asleep() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let cache: Cache<u32, u32> = Cache::builder().build();
    let go = Arc::new(AtomicBool::new(false));
    let mut leader = call(&cache, 1, {
        let go = go.clone();
        poll_fn(move |_| if go.load(SeqCst) { Poll::Ready(9) } else { Poll::Pending })
    });
    assert!(poll(&mut leader, Waker::noop()).is_pending());
    let (mut first, mut second) = (call(&cache, 1, async { 7 }), call(&cache, 1, async { 7 }));
    let woken = Arc::new(Count::default());
    assert!(poll(&mut first, &Arc::new(Bad).into()).is_pending());
    assert!(poll(&mut second, &woken.clone().into()).is_pending());
    go.store(true, SeqCst);
    assert_eq!(poll(&mut leader, Waker::noop()), Poll::Ready(9), "the leader is not to blame");
    assert!(woken.0.load(SeqCst) > 0, "the second waiter sleeps on");
    assert_eq!(poll(&mut second, Waker::noop()), Poll::Ready(9));
}

#[test]
fn one_whose_drop_wakes_the_body_does_not_lock_the_leader_up() {
    /// As a task that owns the sender its own body waits for.
    struct Owner(Mutex<Option<Waker>>);
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            if let Some(body) = self.0.lock().unwrap().take() {
                body.wake();
            }
        }
    }
    within(SOON, "the second poll", || {
        let cache: Cache<u32, u32> = Cache::builder().build();
        let body: Arc<Mutex<Option<Waker>>> = Arc::default();
        let mut leader = call(&cache, 1, {
            let body = body.clone();
            poll_fn(move |cx| {
                *body.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            })
        });
        let owner = Arc::new(Owner(Mutex::new(None)));
        assert!(poll(&mut leader, &owner.clone().into()).is_pending());
        *owner.0.lock().unwrap() = body.lock().unwrap().take();
        // The leader's record of its task is the last owner now, and the next poll replaces it.
        drop(owner);
        assert!(poll(&mut leader, Waker::noop()).is_pending());
    });
}

#[test]
fn one_that_owns_a_wait_may_be_dropped_with_a_wait() {
    struct Task(#[expect(dead_code, reason = "only to be dropped")] Mutex<Boxed>);
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    within(SOON, "dropping the waiter", || {
        let (cache, other): (Cache<u32, u32>, Cache<u32, u32>) = (Cache::builder().build(), Cache::builder().build());
        // A task that itself waits inside of a load.
        let mut held_up = call(&other, 50, pending());
        assert!(poll(&mut held_up, Waker::noop()).is_pending());
        let mut nested = call(&other, 51, call(&other, 50, async { 1 }));
        assert!(poll(&mut nested, Waker::noop()).is_pending());
        let task: Waker = Arc::new(Task(Mutex::new(nested))).into();
        // It polled a leader, for whom another call waits that is inside of a load too.
        let go = Arc::new(AtomicBool::new(false));
        let mut leader = call(&cache, 1, {
            let go = go.clone();
            poll_fn(move |_| if go.load(SeqCst) { Poll::Ready(5) } else { Poll::Pending })
        });
        assert!(poll(&mut leader, &task).is_pending());
        let mut waiter = call(&other, 60, call(&cache, 1, async { 7 }));
        assert!(poll(&mut waiter, Waker::noop()).is_pending());
        go.store(true, SeqCst);
        assert!(poll(&mut leader, &task).is_ready());
        drop((leader, task));
        drop(waiter);
        drop(held_up);
    });
}

#[test]
fn a_leader_in_a_thread_local_hands_over_when_its_thread_ends() {
    thread_local!(static KEPT: RefCell<Option<Boxed>> = const { RefCell::new(None) });
    for cache in [Cache::builder().build(), Cache::builder().unbounded().build()] {
        let cache: Cache<u32, u32> = cache;
        let ((led, is_led), (end, may_end)) = (mpsc::channel(), mpsc::channel::<()>());
        let thread = thread::spawn({
            let cache = cache.clone();
            move || {
                // First used before the cache's own thread-locals, hence dropped after them.
                KEPT.with_borrow(|kept| assert!(kept.is_none()));
                let mut leader = call(&cache, 1, pending());
                assert!(poll(&mut leader, Waker::noop()).is_pending());
                KEPT.set(Some(leader));
                led.send(()).unwrap();
                let _ = may_end.recv();
            }
        });
        is_led.recv().unwrap();
        let woken = Arc::new(Count::default());
        let mut waiter = call(&cache, 1, async { 7 });
        assert!(poll(&mut waiter, &woken.into()).is_pending());
        drop(end);
        thread.join().unwrap();
        assert_eq!(poll(&mut waiter, Waker::noop()), Poll::Ready(7), "{cache:?}");
    }
}

#[test]
fn a_local_value_whose_drop_panics_when_its_thread_ends() {
    #[derive(Clone)]
    struct Explosive(Cache<u32, u32>);
    impl Drop for Explosive {
        fn drop(&mut self) {
            // The last of its clones: the one in the cache.
            assert!(!self.0.contains(&1), "on purpose");
        }
    }
    #[cached_runtime::cached(backend = local)]
    fn load(_n: u32) -> std::rc::Rc<Explosive> {
        let armed = Cache::builder().build();
        armed.set(1, 1);
        std::rc::Rc::new(Explosive(armed))
    }
    // An abort of the process would be seen.
    assert!(thread::spawn(|| drop(load(1))).join().is_ok());
}
