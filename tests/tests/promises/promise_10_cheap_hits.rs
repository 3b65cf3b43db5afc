//! Promise 10: a hit hashes the arguments once, clones no key, and clones the value once. That it allocates nothing is in `allocations`.

use cached_runtime::cached;
use std::{
    cell::Cell,
    future::Future,
    hash::{Hash, Hasher},
    pin::pin,
    task::{Context, Poll, Waker},
};

thread_local! {
    static HASHED: Cell<u32> = const { Cell::new(0) };
    static COMPARED: Cell<u32> = const { Cell::new(0) };
    static KEY_CLONED: Cell<u32> = const { Cell::new(0) };
    static VALUE_CLONED: Cell<u32> = const { Cell::new(0) };
}

fn up(counter: &'static std::thread::LocalKey<Cell<u32>>) {
    counter.set(counter.get() + 1);
}

/// Hashed, compared, keys cloned, values cloned since the last time.
fn costs() -> [u32; 4] {
    [HASHED.take(), COMPARED.take(), KEY_CLONED.take(), VALUE_CLONED.take()]
}

#[derive(Debug)]
struct Key(u64);

impl Clone for Key {
    fn clone(&self) -> Self {
        up(&KEY_CLONED);
        Self(self.0)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        up(&COMPARED);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        up(&HASHED);
        self.0.hash(state);
    }
}

#[derive(Debug)]
struct Value(u64);

impl Clone for Value {
    fn clone(&self) -> Self {
        up(&VALUE_CLONED);
        Self(self.0)
    }
}

macro_rules! cheap {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn a_hit() {
                #[cached($($option)*)]
                fn load(key: Key, page: u32, label: &str) -> Value {
                    Value(key.0 + u64::from(page) + label.len() as u64)
                }
                (0..100).for_each(|n| drop(load(Key(n), 1, "ab")));
                costs();
                for n in 0..100 {
                    assert_eq!(load(Key(n), 1, "ab").0, n + 3);
                    assert_eq!(costs(), [1, 1, 0, 1], "hashed, compared, keys cloned, values cloned");
                }
                assert_eq!(load::stats().hits, 100);
            }

            #[test]
            fn a_hit_by_reference() {
                #[cached($($option)*)]
                fn load(key: &Key) -> Value {
                    Value(key.0)
                }
                let keys: Vec<_> = (0..100).map(Key).collect();
                keys.iter().for_each(|key| drop(load(key)));
                costs();
                for key in &keys {
                    load(key);
                    assert_eq!(costs(), [1, 1, 0, 1]);
                    assert!(load::contains(key));
                    assert_eq!(costs(), [1, 1, 0, 0]);
                }
            }

            #[test]
            fn a_miss_hashes_its_key_once() {
                #[cached($($option)*)]
                fn load(key: &Key) -> Value {
                    Value(key.0)
                }
                // The first of all builds the cache as well; the last ones evict.
                for n in 0..120 {
                    load(&Key(n));
                    assert_eq!(costs()[0], 1, "key {n}");
                }
                assert_eq!((load::stats().misses, load::stats().evictions), (120, 20));
            }

            #[test]
            fn an_async_hit_is_ready_at_once() {
                #[cached($($option)*)]
                async fn load(key: &Key) -> Value {
                    Value(key.0)
                }
                let key = Key(7);
                futures::executor::block_on(load(&key));
                costs();
                let mut hit = pin!(load(&key));
                assert!(matches!(hit.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Value(7))));
                assert_eq!(costs(), [1, 1, 0, 1]);
            }

            /// The body gets the caller's own key: a miss clones it once, for the store, unless a flight or an entry needs its own.
            #[test]
            fn eviction_hashes_nothing_but_the_new_key() {
                thread_local!(static OLD: Cell<u32> = const { Cell::new(0) });
                #[derive(Clone, PartialEq, Eq, Debug)]
                struct Watched(u64);
                impl Hash for Watched {
                    fn hash<H: Hasher>(&self, state: &mut H) {
                        if self.0 < 100 {
                            up(&OLD);
                        }
                        self.0.hash(state);
                    }
                }
                #[cached($($option)*)]
                fn load(key: Watched) -> u64 {
                    key.0
                }
                (0..100).for_each(|n| drop(load(Watched(n))));
                OLD.take();
                // They push all of the old ones out.
                (100..200).for_each(|n| drop(load(Watched(n))));
                assert_eq!((OLD.get(), load::stats().evictions), (0, 100), "hashes of keys that nobody named");
            }
        }
    };
}

cheap!(lru, capacity = 100, eviction = lru);
cheap!(sieve, capacity = 100, eviction = sieve);
cheap!(local, capacity = 100, backend = local);

#[test]
fn a_hit_of_an_unbounded_cache() {
    #[cached(capacity = unbounded)]
    fn load(key: Key) -> Value {
        Value(key.0)
    }
    drop(load(Key(7)));
    costs();
    assert_eq!(load(Key(7)).0, 7);
    assert_eq!(costs(), [1, 1, 0, 1]);
}

#[test]
fn a_hit_of_a_generic_function_and_of_a_method() {
    #[cached]
    fn load<T: From<u64> + Clone + Send + Sync + 'static>(key: &Key) -> T {
        T::from(key.0)
    }
    struct Shop(u64);
    impl Shop {
        #[cached(key = (self.0, key))]
        fn item(&self, key: &Key) -> Value {
            Value(key.0 + self.0)
        }
    }
    let key = Key(7);
    load::<u64>(&key);
    Shop(1).item(&key);
    costs();
    load::<u64>(&key);
    assert_eq!(costs(), [1, 1, 0, 0]);
    Shop(1).item(&key);
    assert_eq!(costs(), [1, 1, 0, 1]);
}
