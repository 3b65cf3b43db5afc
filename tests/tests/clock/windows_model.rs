//! Random schedules of loads, failures, invalidations and time against a simple model of what may be served: fresh, stale,
//! stale on error, or loaded.

use crate::millis;
use cached_runtime::{Cache, Eviction, clock};
use futures::executor::block_on;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::HashMap;

#[derive(Clone, Copy, Debug)]
enum Step {
    Load(u8),
    Fail(u8),
    Get(u8),
    Set(u8),
    Invalidate(u8),
    Clear,
    Advance(u64),
    /// A call whose load, while it runs, sees the key invalidated and then succeeds or fails.
    Disturbed(u8, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..3_u8;
    proptest::collection::vec(
        prop_oneof![
            6 => key.clone().prop_map(Step::Load),
            6 => key.clone().prop_map(Step::Fail),
            2 => key.clone().prop_map(Step::Get),
            1 => key.clone().prop_map(Step::Set),
            1 => key.clone().prop_map(Step::Invalidate),
            1 => Just(Step::Clear),
            6 => (1..900_u64).prop_map(Step::Advance),
            3 => (1..12_000_u64).prop_map(Step::Advance),
            1 => (key, any::<bool>()).prop_map(|(key, ok)| Step::Disturbed(key, ok)),
        ],
        1..80,
    )
}

#[derive(Clone, Copy, Debug)]
struct Times {
    ttl: u64,
    revalidate: u64,
    error: u64,
    ahead: Option<u64>,
}

fn times() -> impl Strategy<Value = Times> {
    (1..8_u64, 0..8_u64, 0..8_u64, proptest::option::of(1..4_u64)).prop_map(|(ttl, revalidate, error, ahead)| Times {
        ttl: ttl * 1000,
        revalidate: revalidate * 1000,
        error: error * 1000,
        ahead,
    })
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u32,
    born: u64,
    retry_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    Fresh(u32),
    Stale(u32),
    StaleOnError(u32),
    Loaded(u32),
    Failed,
}

struct Model {
    times: Times,
    now: u64,
    entries: HashMap<u8, Entry>,
}

impl Model {
    /// In tenths of milliseconds no more: the throttle is a tenth of whole seconds.
    fn throttle(&self) -> u64 {
        let window = match self.times.revalidate.max(self.times.error) {
            0 => self.times.ttl - self.times.ahead.map_or(self.times.ttl, |quarters| self.times.ttl * quarters / 4),
            window => window,
        };
        (window / 10).min(1000)
    }

    /// The entry, its age, and whether it is given at once.
    fn find(&self, key: u8) -> Option<(Entry, u64, bool)> {
        let Times { ttl, revalidate, error, .. } = self.times;
        let entry = *self.entries.get(&key)?;
        let age = self.now - entry.born;
        (age < ttl + revalidate.max(error)).then_some((entry, age, age < ttl + revalidate))
    }

    fn get(&self, key: u8) -> Option<u32> {
        self.find(key).filter(|(.., at_once)| *at_once).map(|(entry, ..)| entry.value)
    }

    fn call(&mut self, key: u8, new: Option<u32>, disturbed: bool) -> Served {
        let Times { ttl, ahead, .. } = self.times;
        let found = self.find(key);
        if let Some((entry, age, at_once)) = found {
            let due = ahead.map_or(ttl, |quarters| ttl * quarters / 4);
            if age < due || self.now < entry.retry_at {
                return match (age < ttl, at_once) {
                    (true, _) => Served::Fresh(entry.value),
                    (_, true) => Served::Stale(entry.value),
                    _ => Served::StaleOnError(entry.value),
                };
            }
        }
        if disturbed {
            self.entries.remove(&key);
            return new.map_or(Served::Failed, Served::Loaded);
        }
        let throttle = self.throttle();
        match (new, found) {
            (Some(value), _) => {
                self.entries.insert(key, Entry { value, born: self.now, retry_at: 0 });
                Served::Loaded(value)
            }
            (None, None) => {
                self.entries.remove(&key);
                Served::Failed
            }
            (None, Some((entry, age, at_once))) => {
                self.entries.insert(key, Entry { retry_at: self.now + throttle, ..entry });
                match (age < ttl, at_once) {
                    (true, _) => Served::Fresh(entry.value),
                    (_, true) => Served::Stale(entry.value),
                    _ => Served::StaleOnError(entry.value),
                }
            }
        }
    }
}

impl Served {
    /// What a caller sees of it.
    fn value(self) -> Result<u32, ()> {
        match self {
            Self::Fresh(value) | Self::Stale(value) | Self::StaleOnError(value) | Self::Loaded(value) => Ok(value),
            Self::Failed => Err(()),
        }
    }
}

macro_rules! agrees {
    ($cache:expr, $times:expr, $steps:expr, $asynchronous:expr) => {{
        let clock = clock::pause();
        let (cache, steps, asynchronous): (_, Vec<Step>, bool) = ($cache, $steps, $asynchronous);
        let mut model = Model { times: $times, now: 0, entries: HashMap::new() };
        let mut expected_stale = 0;
        for (i, step) in steps.into_iter().enumerate() {
            let value = u32::try_from(i).unwrap();
            let mut call = |model: &mut Model, key: u8, ok: bool, disturbed: bool| {
                let new = ok.then_some(value);
                let expected = model.call(key, new, disturbed);
                let ran = Cell::new(false);
                let load = || {
                    ran.set(true);
                    if disturbed {
                        cache.invalidate(&key);
                    }
                    new.ok_or(())
                };
                let got = if asynchronous {
                    block_on(cache.try_get_or_load_async(key, async { load() }))
                } else {
                    cache.try_get_or_load(key, load)
                };
                expected_stale += u64::from(matches!(expected, Served::Stale(_) | Served::StaleOnError(_)));
                (got, expected.value(), ran.get(), matches!(expected, Served::Loaded(_)))
            };
            match step {
                Step::Load(key) | Step::Fail(key) | Step::Disturbed(key, _) => {
                    let ok = matches!(step, Step::Load(_) | Step::Disturbed(_, true));
                    let (got, expected, ran, loaded) = call(&mut model, key, ok, matches!(step, Step::Disturbed(..)));
                    prop_assert_eq!(got, expected, "step {}: {:?}", i, step);
                    prop_assert!(ran || !loaded, "step {}: {:?}", i, step);
                }
                Step::Get(key) => {
                    let expected = model.get(key);
                    let stale = model.find(key).is_some_and(|(_, age, at_once)| at_once && age >= model.times.ttl);
                    expected_stale += u64::from(stale);
                    prop_assert_eq!(cache.contains(&key), expected.is_some(), "step {}: {:?}", i, step);
                    prop_assert_eq!(cache.get(&key), expected, "step {}: {:?}", i, step);
                }
                Step::Set(key) => {
                    cache.set(key, value);
                    model.entries.insert(key, Entry { value, born: model.now, retry_at: 0 });
                }
                Step::Invalidate(key) => {
                    cache.invalidate(&key);
                    model.entries.remove(&key);
                }
                Step::Clear => {
                    cache.clear();
                    model.entries.clear();
                }
                Step::Advance(time) => {
                    clock.advance(millis(time));
                    model.now += time;
                }
            }
        }
        prop_assert_eq!(cache.stats().stale, expected_stale);
    }};
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_served_is_what_may_be_served(store in 0..4, times in times(), steps in steps(), asynchronous: bool) {
        let mut builder = Cache::<u8, u32>::builder().ttl(millis(times.ttl));
        builder = builder.stale_while_revalidate(millis(times.revalidate)).stale_if_error(millis(times.error));
        if let Some(quarters) = times.ahead {
            #[allow(clippy::cast_precision_loss)]
            let share = quarters as f64 / 4.0;
            builder = builder.refresh_ahead(share);
        }
        match store {
            0 => agrees!(builder.build(), times, steps, asynchronous),
            1 => agrees!(builder.eviction(Eviction::Sieve).build(), times, steps, asynchronous),
            2 => agrees!(builder.unbounded().build(), times, steps, asynchronous),
            _ => agrees!(builder.build_local(), times, steps, asynchronous),
        }
    }
}
