//! Random sequences of calls against a simple model of each store: exact LRU order, exact expiry, and for all of them that nothing is served which must not be.

use crate::secs;
use cached_runtime::{Cache, Eviction, Local, cached, clock};
use proptest::prelude::*;
use std::{cell::Cell, collections::HashMap, time::Duration};

#[derive(Clone, Copy, Debug)]
enum Step {
    Load(u8),
    Fail(u8),
    Get(u8),
    Contains(u8),
    Set(u8),
    Invalidate(u8),
    Clear,
    Advance(u8),
}

fn steps(keys: u8) -> impl Strategy<Value = Vec<Step>> {
    let key = 0..keys;
    proptest::collection::vec(
        prop_oneof![
            8 => key.clone().prop_map(Step::Load),
            1 => key.clone().prop_map(Step::Fail),
            2 => key.clone().prop_map(Step::Get),
            1 => key.clone().prop_map(Step::Contains),
            2 => key.clone().prop_map(Step::Set),
            1 => key.prop_map(Step::Invalidate),
            1 => Just(Step::Clear),
            2 => (1..8_u8).prop_map(Step::Advance),
        ],
        1..120,
    )
}

/// An LRU cache as a list, the least recently used first, with the second at which each entry is gone.
struct Model {
    capacity: usize,
    ttl: Option<u64>,
    tti: Option<u64>,
    now: u64,
    entries: Vec<Entry>,
    hits: u64,
    misses: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u8,
    value: u64,
    born: u64,
    read: u64,
}

impl Model {
    fn new(capacity: usize, ttl: Option<u64>, tti: Option<u64>) -> Self {
        Self { capacity, ttl, tti, now: 0, entries: Vec::new(), hits: 0, misses: 0 }
    }

    fn alive(&self, entry: &Entry) -> bool {
        self.ttl.is_none_or(|ttl| self.now < entry.born + ttl) && self.tti.is_none_or(|tti| self.now < entry.read + tti)
    }

    fn find(&self, key: u8) -> Option<u64> {
        self.entries.iter().find(|entry| entry.key == key && self.alive(entry)).map(|entry| entry.value)
    }

    fn get(&mut self, key: u8) -> Option<u64> {
        let value = self.find(key)?;
        let at = self.entries.iter().position(|entry| entry.key == key).expect("just found");
        let mut entry = self.entries.remove(at);
        entry.read = self.now;
        self.entries.push(entry);
        Some(value)
    }

    fn set(&mut self, key: u8, value: u64) {
        self.entries.retain(|entry| entry.key != key);
        if self.capacity == 0 {
            return;
        }
        if self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        self.entries.push(Entry { key, value, born: self.now, read: self.now });
    }

    /// Does the step; what it returned, `value` being what a load or set brings.
    fn step(&mut self, step: Step, value: u64) -> Option<u64> {
        match step {
            Step::Load(key) | Step::Fail(key) => {
                if let Some(found) = self.get(key) {
                    self.hits += 1;
                    return Some(found);
                }
                self.misses += 1;
                if let Step::Fail(_) = step {
                    return None;
                }
                self.set(key, value);
                Some(value)
            }
            Step::Get(key) => self.get(key),
            Step::Contains(key) => self.find(key).map(|_| 0),
            Step::Set(key) => {
                self.set(key, value);
                None
            }
            Step::Invalidate(key) => {
                self.entries.retain(|entry| entry.key != key);
                None
            }
            Step::Clear => {
                self.entries.clear();
                None
            }
            Step::Advance(seconds) => {
                self.now += u64::from(seconds);
                None
            }
        }
    }

    fn keys(&self) -> Vec<u8> {
        let mut keys: Vec<_> = self.entries.iter().filter(|entry| self.alive(entry)).map(|entry| entry.key).collect();
        keys.sort_unstable();
        keys
    }
}

/// The same step on a real cache.
macro_rules! real_step {
    ($cache:expr, $clock:expr, $step:expr, $value:expr) => {{
        let (cache, value) = (&$cache, $value);
        match $step {
            Step::Load(key) => Some(cache.get_or_load(key, || value)),
            Step::Fail(key) => cache.try_get_or_load(key, || Err(())).ok(),
            Step::Get(key) => cache.get(&key),
            Step::Contains(key) => cache.contains(&key).then_some(0),
            Step::Set(key) => {
                cache.set(key, value);
                None
            }
            Step::Invalidate(key) => {
                cache.invalidate(&key);
                None
            }
            Step::Clear => {
                cache.clear();
                None
            }
            Step::Advance(seconds) => {
                $clock.advance(secs(u64::from(seconds)));
                None
            }
        }
    }};
}

/// Every step must do what the model does, and leave the same keys.
macro_rules! agrees {
    ($cache:expr, $model:expr, $steps:expr) => {{
        let clock = clock::pause();
        let (cache, mut model) = ($cache, $model);
        for (i, step) in $steps.into_iter().enumerate() {
            let value = i as u64 + 1;
            let (expected, found) = (model.step(step, value), real_step!(cache, clock, step, value));
            prop_assert_eq!(found, expected, "step {}: {:?}", i, step);
            let mut keys: Vec<_> = cache.iter_keys().into_iter().collect();
            keys.sort_unstable();
            prop_assert_eq!(keys, model.keys(), "after step {}: {:?}", i, step);
            prop_assert!(cache.len() <= model.capacity);
        }
    }};
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lru_is_exact(capacity in 0_usize..9, steps in steps(12)) {
        agrees!(Cache::<u8, u64>::builder().capacity(capacity).build(), Model::new(capacity, None, None), steps);
    }

    #[test]
    fn local_lru_is_exact(capacity in 0_usize..9, steps in steps(12)) {
        let cache: Cache<u8, u64, Local> = Cache::builder().capacity(capacity).build_local();
        agrees!(cache, Model::new(capacity, None, None), steps);
    }

    #[test]
    fn unbounded_keeps_all(steps in steps(40)) {
        agrees!(Cache::<u8, u64>::builder().unbounded().build(), Model::new(usize::MAX, None, None), steps);
    }

    /// With places for all keys, only time decides.
    #[test]
    fn expiry_is_exact(store in 0..4, ttl in proptest::option::of(1_u64..20), tti in proptest::option::of(1_u64..20), steps in steps(12)) {
        let mut builder = Cache::<u8, u64>::builder().capacity(64);
        if store == 1 {
            builder = builder.eviction(Eviction::Sieve);
        }
        if store == 2 {
            builder = Cache::builder().unbounded();
        }
        if let Some(ttl) = ttl {
            builder = builder.ttl(secs(ttl));
        }
        if let Some(tti) = tti {
            builder = builder.tti(secs(tti));
        }
        if store == 3 {
            agrees!(builder.build_local(), Model::new(64, ttl, tti), steps);
        } else {
            agrees!(builder.build(), Model::new(64, ttl, tti), steps);
        }
    }

    /// Whoever goes first: a value that is served is the last one of its key, and not expired.
    #[test]
    fn nothing_wrong_is_served(store in 0..3, capacity in 0_usize..6, ttl in 1_u64..20, steps in steps(12)) {
        let clock = clock::pause();
        let builder = Cache::<u8, u64>::builder().capacity(capacity).ttl(secs(ttl));
        let cache = match store {
            0 => builder.build(),
            1 => builder.eviction(Eviction::Sieve).build(),
            _ => Cache::builder().max_weight(capacity as u64).ttl(secs(ttl)).build(),
        };
        // Everything that was ever stored and not removed; the cache may forget any of it.
        let mut possible: HashMap<u8, (u64, u64)> = HashMap::new();
        let mut now = 0;
        for (i, step) in steps.into_iter().enumerate() {
            let value = i as u64 + 1;
            let found = real_step!(cache, clock, step, value);
            let allowed = |key: u8| possible.get(&key).filter(|(_, born)| now < born + ttl).map(|(value, _)| *value);
            match step {
                Step::Load(key) => {
                    prop_assert!(found == Some(value) || found == allowed(key), "{:?} gave {:?}", step, found);
                    if found == Some(value) {
                        possible.insert(key, (value, now));
                    }
                }
                Step::Fail(key) | Step::Get(key) => prop_assert!(found.is_none() || found == allowed(key), "{:?} gave {:?}", step, found),
                Step::Contains(key) => prop_assert!(found.is_none() || allowed(key).is_some()),
                Step::Set(key) => drop(possible.insert(key, (value, now))),
                Step::Invalidate(key) => drop(possible.remove(&key)),
                Step::Clear => possible.clear(),
                Step::Advance(seconds) => now += u64::from(seconds),
            }
            prop_assert!(cache.len() <= capacity);
        }
    }

    /// Counters of calls, through the handle.
    #[test]
    fn hits_and_misses_are_exact(capacity in 1_usize..9, keys in proptest::collection::vec(0_u8..12, 1..100)) {
        let _clock = clock::pause();
        let cache: Cache<u8, u64> = Cache::builder().capacity(capacity).build();
        let mut model = Model::new(capacity, None, None);
        for key in keys {
            model.step(Step::Load(key), 1);
            cache.get_or_load(key, || 1);
        }
        let stats = cache.stats();
        prop_assert_eq!((stats.hits, stats.misses, stats.loads, stats.entries), (model.hits, model.misses, model.misses, model.entries.len()));
        prop_assert_eq!(stats.evictions, model.misses - model.entries.len() as u64);
    }

    /// The attribute: the cached function is the plain one, for strings that try to be confused.
    #[test]
    fn a_cached_function_is_the_plain_one(calls in proptest::collection::vec(("[ab:\\\\{}]{0,3}", "[ab:\\\\{}]{0,3}", proptest::option::of(0_u8..2), -1_i8..2), 1..60)) {
        let _clock = clock::pause();
        fn plain(a: &str, b: &str, c: Option<u8>, d: f64) -> String {
            format!("{a:?} {b:?} {c:?} {d}")
        }
        #[cached(capacity = 8)]
        fn by_arguments(a: &str, b: &str, c: Option<u8>, d: f64) -> String {
            plain(a, b, c, d)
        }
        #[cached(capacity = 8, eviction = sieve, key = "{a}:{b}:{c:?}:{d}")]
        fn by_template(a: &str, b: &str, c: Option<u8>, d: f64) -> String {
            plain(a, b, c, d)
        }
        for (a, b, c, d) in calls {
            let expected = plain(&a, &b, c, f64::from(d));
            prop_assert_eq!(&by_arguments(&a, &b, c, f64::from(d)), &expected);
            prop_assert_eq!(&by_template(&a, &b, c, f64::from(d)), &expected);
        }
    }
}

/// The largest capacity for which the order is promised, with more keys than places.
#[test]
fn lru_is_exact_at_1024() {
    let clock = clock::pause();
    let cache: Cache<u64, u64> = Cache::builder().capacity(1024).build();
    let mut order: Vec<u64> = Vec::new();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let key = (seed >> 20) % 1500;
        let loaded = Cell::new(false);
        cache.get_or_load(key, || {
            loaded.set(true);
            key
        });
        let known = order.iter().position(|known| *known == key);
        assert_eq!(loaded.get(), known.is_none(), "key {key}");
        if let Some(at) = known {
            order.remove(at);
        } else if order.len() == 1024 {
            order.remove(0);
        }
        order.push(key);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.len(), 1024);
}
