//! `clear_all()`: every cache of the process, awaited or in sync code. It is here because in this binary the tests take turns.

use cached_runtime::{Cache, cached, clear_all, clock};
use cached_tests::{Counter, Gate, start};

#[test]
fn empties_every_cache() {
    let _clock = clock::pause();
    #[cached]
    fn typed(n: u32) -> u32 {
        n
    }
    #[cached(eviction = sieve)]
    fn generic<T: From<u8> + Clone + Send + Sync + 'static>(n: u32) -> T {
        T::from(n as u8)
    }
    #[cached(backend = local)]
    fn local(n: u32) -> std::rc::Rc<u32> {
        std::rc::Rc::new(n)
    }
    struct Shop;
    impl Shop {
        #[cached(skip(self), companion = item_entry)]
        fn item(&self, n: u32) -> u32 {
            n
        }
    }
    let built: Cache<u32, u32> = Cache::builder().unbounded().build();
    let fill = || {
        assert_eq!((typed(1), generic::<u16>(1), generic::<u64>(1), *local(1), Shop.item(1)), (1, 1, 1, 1, 1));
        built.set(1, 1);
    };
    let there = || {
        let found = [
            typed::contains(1),
            generic::contains::<u16>(1),
            generic::contains::<u64>(1),
            local::contains(1),
            Shop.item_entry(1).contains(),
            built.contains(&1),
        ];
        found.iter().filter(|found| **found).count()
    };
    fill();
    assert_eq!(there(), 6);
    assert!(clear_all().wait().is_ok());
    assert_eq!(there(), 0);
    fill();
    assert_eq!(there(), 6);
    assert!(futures::executor::block_on(async { clear_all().await }).is_ok());
    assert_eq!(there(), 0);
}

#[test]
fn is_a_fence() {
    let _clock = clock::pause();
    static RUNS: Counter = Counter::new();
    static READING: Gate = Gate::new();
    static RELEASE: Gate = Gate::new();
    #[cached]
    fn load(n: usize) -> usize {
        let run = RUNS.up();
        if run == 1 {
            READING.open();
            RELEASE.wait();
        }
        n * 100 + run
    }
    let old = start(|| load(7));
    READING.wait();
    clear_all().wait().unwrap();
    assert_eq!(start(|| load(7)).end(), 702);
    RELEASE.open();
    assert_eq!((old.end(), load(7)), (701, 702));
}

/// It acts when it is called; whether somebody looks at its result changes nothing in memory.
#[test]
fn inside_a_body() {
    let _clock = clock::pause();
    #[cached]
    fn load(n: u32) -> u32 {
        clear_all().wait().unwrap();
        n
    }
    assert_eq!((load(1), load::contains(1)), (1, false));
}
