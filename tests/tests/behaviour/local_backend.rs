//! `backend = local`: a cache for each thread, for values that need not be `Send`. `invalidate` acts on the calling thread, `clear` on all; stats are summed.

use cached_runtime::cached;
use cached_tests::{Counter, crowd, run, start};
use std::{cell::RefCell, rc::Rc};

#[test]
fn values_need_not_be_send() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    fn load(n: u32) -> Rc<RefCell<u32>> {
        RUNS.up();
        Rc::new(RefCell::new(n))
    }
    *load(1).borrow_mut() += 10;
    assert_eq!((*load(1).borrow(), RUNS.get()), (11, 1));
}

#[test]
fn each_thread_has_its_own_entries() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    fn load(n: u32) -> u32 {
        RUNS.up();
        n
    }
    crowd(4, |_| {
        for _ in 0..3 {
            assert_eq!((load(1), load(2)), (1, 2));
        }
    });
    assert_eq!(RUNS.get(), 8);
    let stats = load::stats();
    assert_eq!((stats.hits, stats.misses), (16, 8), "the stats of threads that ended count");
    load(1);
    load::invalidate(1);
    assert_eq!((load(1), RUNS.get()), (1, 10));
}

#[test]
fn invalidate_acts_on_this_thread() {
    #[cached(backend = local)]
    fn load(n: u32) -> u32 {
        n
    }
    load(1);
    start(|| {
        load(1);
        load::invalidate(1);
        assert!(!load::contains(1));
    })
    .end();
    assert!(load::contains(1));
}

#[test]
fn entries_of_all_threads_are_counted_while_they_live() {
    #[cached(backend = local, capacity = 10)]
    fn load(n: u32) -> u32 {
        n
    }
    load(1);
    let entries = start(|| {
        (0..5).for_each(|n| drop(load(n)));
        load::stats().entries
    });
    assert_eq!(entries.end(), 6);
    cached_tests::eventually("the entries of a thread end with it", || load::stats().entries == 1);
}

#[test]
fn generic_functions_and_methods() {
    #[cached(backend = local)]
    fn load<T: From<u8> + Clone + 'static>(n: u8) -> Rc<T> {
        Rc::new(T::from(n))
    }
    struct Shop(u32);
    impl Shop {
        #[cached(backend = local, key = (self.0, n), companion = item_entry)]
        fn item(&self, n: u32) -> Option<Rc<u32>> {
            (n > 0).then(|| Rc::new(self.0 + n))
        }
    }
    assert!(Rc::ptr_eq(&load::<u16>(1), &load::<u16>(1)));
    assert_eq!((*load::<u16>(1), *load::<u64>(1)), (1, 1));
    load::invalidate::<u16>(1);
    assert!(!load::contains::<u16>(1) && load::contains::<u64>(1));
    let shop = Shop(10);
    assert!(Rc::ptr_eq(&shop.item(1).unwrap(), &shop.item(1).unwrap()));
    shop.item_entry(1).set(&Rc::new(99));
    assert_eq!(*shop.item(1).unwrap(), 99);
    shop.item_entry(1).invalidate();
    assert_eq!(*shop.item(1).unwrap(), 11);
}

#[test]
fn async_functions() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    async fn load(n: Rc<str>) -> Result<Rc<usize>, Rc<str>> {
        RUNS.up();
        tokio::task::yield_now().await;
        if n.is_empty() { Err(n) } else { Ok(Rc::new(n.len())) }
    }
    run(|| async {
        assert!(Rc::ptr_eq(&load("abc".into()).await.unwrap(), &load("abc".into()).await.unwrap()));
        assert_eq!(&*load("".into()).await.unwrap_err(), "");
        assert_eq!(load::get("abc".into()).await.map(|found| *found.unwrap()), Some(3));
        load::invalidate("abc".into()).await;
        assert!(!load::contains("abc".into()).await);
    });
    assert_eq!(RUNS.get(), 2);
}

#[test]
fn recursion() {
    #[cached(backend = local)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    assert_eq!(fib(90), 2_880_067_194_370_816_120);
}

/// The cache is used while the thread's locals are being destroyed: the function still works.
#[test]
fn a_call_while_the_thread_ends() {
    static RUNS: Counter = Counter::new();
    static SAW: Counter = Counter::new();
    #[cached(backend = local)]
    fn load(n: u32) -> Rc<u32> {
        RUNS.up();
        Rc::new(n)
    }
    struct AtEnd;
    impl Drop for AtEnd {
        fn drop(&mut self) {
            if *load(7) == 7 {
                SAW.up();
            }
        }
    }
    thread_local!(static EARLY: AtEnd = const { AtEnd });
    thread_local!(static LATE: AtEnd = const { AtEnd });
    std::thread::spawn(|| {
        EARLY.with(|_| ());
        load(7);
        LATE.with(|_| ());
    })
    .join()
    .unwrap();
    assert_eq!(SAW.get(), 2);
    assert!(RUNS.get() >= 1);
}
