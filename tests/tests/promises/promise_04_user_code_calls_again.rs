//! Promises 4 and 5 where the cache runs the user's code: `Eq`, `Hash`, `Clone`, `Drop`, `weigh` and the closures of the options may call the function again, or panic.

use cached_runtime::{Cache, Eviction, cached, updates};
use cached_tests::{PATIENCE, start, within};
use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    within(PATIENCE, "the call", work)
}

/// When to do what.
type Call = (Moment, fn());

thread_local! {
    /// What the next use of a [`Key`] or [`Held`] value on this thread does, once.
    static CALL: Cell<Option<Call>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Moment {
    KeyEq,
    KeyHash,
    KeyClone,
    ValueClone,
    ValueDrop,
}

const MOMENTS: [Moment; 5] = [Moment::KeyEq, Moment::KeyHash, Moment::KeyClone, Moment::ValueClone, Moment::ValueDrop];

fn now(moment: Moment) {
    if let Some((wanted, call)) = CALL.get()
        && wanted == moment
    {
        CALL.set(None);
        call();
    }
}

/// Of constant hash, so that every lookup compares.
#[derive(Debug)]
struct Key(u64);

impl Clone for Key {
    fn clone(&self) -> Self {
        now(Moment::KeyClone);
        Self(self.0)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        now(Moment::KeyEq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        now(Moment::KeyHash);
        state.write_u8(1);
    }
}

/// Drops in the caller's hands are no concern of the cache: only the last one, in the store, counts.
#[derive(Debug, PartialEq)]
struct Value(u64);

impl Drop for Value {
    fn drop(&mut self) {
        now(Moment::ValueDrop);
    }
}

#[derive(Debug, PartialEq)]
struct Held(Arc<Value>);

impl Held {
    fn new(n: u64) -> Self {
        Self(Arc::new(Value(n)))
    }

    fn number(&self) -> u64 {
        self.0.0
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        now(Moment::ValueClone);
        Self(Arc::clone(&self.0))
    }
}

macro_rules! user_code {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[cached($($option)*)]
            fn load(key: Key) -> Held {
                Held::new(key.0)
            }

            /// The tests of this function take turns: SIEVE's map lets whichever thread is the last to look free a value.
            static TURN: Mutex<()> = Mutex::new(());

            /// A bit of everything, so that each moment comes.
            fn use_it() {
                for n in [1, 2, 1, 2, 3, 4, 3, 1] {
                    assert_eq!(load(Key(n)).number(), n);
                }
                load::set(Key(1), &Held::new(1));
                load::set(Key(1), &Held::new(1));
                // What runs in between may have removed it.
                assert_eq!(load::get(Key(1)).map_or(1, |value| value.number()), 1);
                load::invalidate(Key(1));
                assert!(!load::contains(Key(5)));
                load::refresh(Key(2));
                load::refresh(Key(2));
                load::invalidate(Key(2));
                load::clear();
            }

            #[test]
            fn calls_the_function_again() {
                let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
                ends(|| {
                    let again: [fn(); 5] = [
                        || drop(load(Key(1))),
                        || drop(load(Key(2))),
                        || load::invalidate(Key(1)),
                        || load::set(Key(3), &Held::new(3)),
                        || load::clear(),
                    ];
                    for moment in MOMENTS {
                        for call in again {
                            CALL.set(Some((moment, call)));
                            use_it();
                            assert_eq!(CALL.take().map(|call| call.0), None, "it never came to {moment:?}");
                        }
                    }
                    use_it();
                });
            }

            /// An invalidation is never lost, not even one that comes while its thread holds a lock of that very cache.
            #[test]
            fn invalidates() {
                #[cached($($option)*)]
                fn load(key: Key) -> Held {
                    Held::new(key.0)
                }
                ends(|| {
                    let calls: [fn(); 3] = [|| load::invalidate(Key(1)), || load::clear(), || load::set(Key(1), &Held::new(100))];
                    for moment in [Moment::KeyEq, Moment::ValueClone] {
                        for (nth, call) in calls.into_iter().enumerate() {
                            let old = load(Key(1));
                            CALL.set(Some((moment, call)));
                            // Finds the entry, and calls in the middle of that.
                            load(Key(1));
                            assert_eq!(CALL.take().map(|call| call.0), None, "call {nth} never came to {moment:?}");
                            let now = load::get(Key(1));
                            assert!(now.is_none_or(|now| !Arc::ptr_eq(&now.0, &old.0)), "{moment:?}, call {nth}: the old value is still there");
                            load::clear();
                        }
                    }
                });
            }

            #[test]
            fn panics() {
                let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
                for moment in MOMENTS {
                    let panicked = start(move || {
                        CALL.set(Some((moment, || panic!("on purpose"))));
                        let outcome = catch_unwind(AssertUnwindSafe(use_it));
                        assert_eq!(CALL.take().map(|call| call.0), None, "it never came to {moment:?}");
                        // Nothing is poisoned on this thread,
                        use_it();
                        outcome.is_err()
                    });
                    // Whoever makes room is not to blame for what a value's `Drop` does: that panic may end in the cache.
                    assert!(panicked.end() || moment == Moment::ValueDrop, "the panic of {moment:?} was swallowed");
                    // nor on others.
                    start(use_it).end();
                }
                let stats = load::stats();
                assert!(stats.capacity.is_none_or(|capacity| stats.entries <= capacity), "{stats}");
            }
        }
    };
}

user_code!(lru, capacity = 2, eviction = lru);
user_code!(sieve, capacity = 2, eviction = sieve);
user_code!(unbounded, capacity = unbounded);
user_code!(local, capacity = 2, backend = local);

/// No other thread waits for a thread's own cache: what its value's `Clone` calls may load, be kept and be waited for, and
/// only what comes back to the very cache goes past it.
#[test]
fn the_clone_of_a_local_value_calls_a_shared_function() {
    #[derive(Debug)]
    struct Page(u64);
    impl Clone for Page {
        fn clone(&self) -> Self {
            Self(self.0 + shared(self.0) + if self.0 == 1 { local(2).0 } else { 0 })
        }
    }
    #[cached]
    fn shared(n: u64) -> u64 {
        n * 100
    }
    #[cached(backend = local)]
    fn local(n: u64) -> Page {
        Page(n)
    }
    ends(|| {
        // The load clones what it keeps, under no borrow: 2 is loaded, and the kept value is 1 + 100 + 2.
        assert_eq!(local(1).0, 1);
        assert!(local::contains(2));
        let before = (local::stats().bypassed, shared::stats());
        assert_eq!(local(2).0, 202 + 20_200, "a hit: its own clone asks the shared function");
        assert_eq!(shared::get(202), Some(20_200), "which was kept");
        let after = shared::stats();
        assert_eq!((after.loads - before.1.loads, after.bypassed - before.1.bypassed), (1, 0));
        assert_eq!(local::stats().bypassed, before.0);
    });
}

#[test]
fn the_clone_of_a_local_value_calls_its_own_function() {
    #[derive(Debug)]
    struct Page(u64);
    impl Clone for Page {
        fn clone(&self) -> Self {
            Self(if self.0 == 7 { local(8).0 } else { self.0 })
        }
    }
    #[cached(backend = local)]
    fn local(n: u64) -> Page {
        Page(n)
    }
    ends(|| {
        let entry = |n: u64| local::cache().set(n, Page(n));
        entry(7);
        let before = local::stats();
        assert_eq!(local(7).0, 8, "a hit, whose clone goes past the cache that is in use");
        let after = local::stats();
        assert_eq!((after.hits - before.hits, after.bypassed - before.bypassed, after.loads - before.loads), (1, 1, 0));
        assert_eq!(local(8).0, 8);
        assert_eq!(local::stats().loads - before.loads, 1);
    });
}

/// A value dropped by one key's eviction loads another key: a load within the end of a load.
#[test]
fn a_dropped_value_loads_another() {
    struct Chain(u64);
    impl Drop for Chain {
        fn drop(&mut self) {
            if self.0 > 0 {
                load(self.0 - 1);
            }
        }
    }
    #[cached(capacity = 1)]
    fn load(n: u64) -> Arc<Chain> {
        Arc::new(Chain(n))
    }
    ends(|| {
        load(50);
        load(1000);
        load::clear();
    });
    assert!(load::stats().entries <= 1);
}

#[test]
fn weigh_calls_the_function_again_or_panics() {
    #[cached(max_weight = 100, weigh = |key, _value| weigh(*key))]
    fn load(n: u64) -> u64 {
        n
    }
    thread_local!(static NESTED: Cell<bool> = const { Cell::new(false) });
    fn weigh(n: u64) -> usize {
        assert!(n != 13, "too unlucky to weigh");
        if !NESTED.replace(true) {
            assert_eq!((load(n + 1), load(n)), (n + 1, n));
            NESTED.set(false);
        }
        10
    }
    ends(|| {
        for n in 0..13 {
            assert_eq!(load(n), n);
        }
    });
    NESTED.set(true);
    assert_eq!(cached_tests::message(&*start(|| load(13)).outcome().unwrap_err()), "too unlucky to weigh");
    assert_eq!(start(|| (load(14), load(1))).end(), (14, 1));
    assert!(load::stats().weight <= 100);
}

#[test]
fn option_closures_call_the_function_again() {
    #[cached(
        cache_if = |value| nested() && *value < 100,
        bypass_if = !nested() || n == 50,
        refresh_if = !nested() || n == 51,
    )]
    fn load(n: u64) -> u64 {
        n
    }
    thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });
    fn nested() -> bool {
        if !INSIDE.replace(true) {
            assert_eq!((load(7), load(8)), (7, 8));
            INSIDE.set(false);
        }
        true
    }
    ends(|| {
        for n in [7, 8, 7, 50, 51, 51, 200, 7] {
            assert_eq!(load(n), n);
        }
    });
    assert!(load::contains(7) && !load::contains(200) && !load::contains(50));
}

#[test]
fn eviction_by_a_nested_call_of_equality() {
    // Every store, through the handle: an `Eq` that inserts while the store is looking.
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        ends(move || {
            thread_local!(static CACHE: Cell<Option<Cache<Key, u64>>> = const { Cell::new(None) });
            let cache: Cache<Key, u64> = Cache::builder().capacity(2).eviction(eviction).build();
            for n in 0..20 {
                CACHE.set(Some(cache.clone()));
                CALL.set(Some((Moment::KeyEq, || {
                    let cache = CACHE.take().expect("it was put there");
                    cache.get_or_load(Key(100), || 100);
                    cache.invalidate(&Key(0));
                })));
                assert_eq!(cache.get_or_load(Key(n % 3), || n % 3), n % 3);
                assert!(cache.len() <= 2);
            }
            CALL.set(None);
        });
    }
}

/// The cache that a value's drop calls.
static BESIDE: Mutex<Option<Cache<u64, Restless>>> = Mutex::new(None);

/// Its drop loads another key of its cache, which goes past the cache if a lock is held.
#[derive(Clone, Debug)]
struct Restless(u64);

impl Drop for Restless {
    fn drop(&mut self) {
        let cache = BESIDE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cache) = cache.filter(|_| self.0 != 99) {
            drop(cache.get_or_load(7, || Self(99)));
        }
    }
}

#[test]
fn a_value_that_is_not_stored_is_dropped_after_the_lock() {
    type Numbers = Cache<u64, Restless>;
    let light = |_: &u64, value: &Restless| if value.0 == 99 { 1 } else { 1000 };
    let unkept: [fn(&Numbers); 3] = [
        // Overtaken by an invalidation; too heavy.
        |cache| {
            cache.get_or_load(1, || {
                cache.invalidate(&1);
                Restless(1)
            });
        },
        |cache| cache.set(1, Restless(1)),
        |cache| drop(cache.get_or_load(1, || Restless(1))),
    ];
    for eviction in [Eviction::Lru, Eviction::Sieve] {
        for unkept in unkept {
            let cache: Numbers = Cache::builder().eviction(eviction).max_weight(10).weigh(light).build();
            *BESIDE.lock().unwrap() = Some(cache.clone());
            ends({
                let cache = cache.clone();
                move || unkept(&cache)
            });
            *BESIDE.lock().unwrap() = None;
            assert_eq!(cache.stats().bypassed, 0, "{eviction:?}: a value was dropped under a lock");
        }
    }
}

/// What leaves a cache whose hits take no lock is dropped once nobody can be reading it, and never under a shard's lock: from
/// there the value's own calls would go past every cache.
macro_rules! dropped_outside_of_locks {
    ($name:ident, $($option:tt)*) => {
        #[test]
        fn $name() {
            use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

            static DROPS: AtomicU64 = AtomicU64::new(0);
            #[derive(Clone)]
            struct Value(#[expect(dead_code, reason = "something to hold")] u64);
            impl Drop for Value {
                fn drop(&mut self) {
                    probe(DROPS.fetch_add(1, Relaxed));
                }
            }
            #[cached(name = concat!(stringify!($name), "_probe"))]
            fn probe(n: u64) -> u64 {
                n
            }
            #[cached($($option)*)]
            fn load(n: u64) -> Value {
                Value(n)
            }
            #[updates(load(n))]
            fn write(n: u64) -> Value {
                Value(n)
            }
            ends(|| {
                let gone = |what: &str, act: &dyn Fn()| {
                    let before = DROPS.load(Relaxed);
                    act();
                    assert!(DROPS.load(Relaxed) > before, "{what}: something was dropped");
                    assert_eq!(probe::stats().bypassed, 0, "{what}: dropped under a lock");
                };
                gone("loads, and evictions where there is a bound", &|| (0..40).for_each(|n| drop(load(n))));
                gone("set", &|| (30..40).for_each(|n| load::set(n, &Value(n))));
                gone("updates", &|| (30..40).for_each(|n| drop(write(n))));
                gone("refresh", &|| (30..40).for_each(|n| drop(load::refresh(n))));
                gone("invalidate", &|| (30..40).for_each(load::invalidate));
                (0..40).for_each(|n| drop(load(n)));
                gone("invalidate_where", &|| load::invalidate_where(|n, _| n % 2 == 0));
                (0..40).for_each(|n| drop(load(n)));
                gone("clear", &load::clear);
            });
        }
    };
}

dropped_outside_of_locks!(what_leaves_a_sieve_cache_is_dropped_outside_of_locks, capacity = 8, eviction = sieve);
dropped_outside_of_locks!(what_leaves_an_unbounded_cache_is_dropped_outside_of_locks, capacity = unbounded);
