//! Which share of calls hits, on skewed keys. It must never count a contestant's warm-up for one and not for another.

use crate::{Run, Table, load, zipf};
use cached_runtime::{Cache, Eviction};
use lru::LruCache;
use std::num::NonZero;

const CAPACITY: usize = 1000;
const POPULATION: u32 = 100_000;
/// The most that `sieve` may be below `quick_cache`.
const GOAL: f64 = 0.01;
/// Which of the contestants these two are.
const SIEVE: usize = 1;
const QUICK: usize = 2;

/// One column for each distribution.
pub(crate) fn table(run: &Run) -> Table {
    let count = if run.quick { 100_000 } else { 3_000_000 };
    let exponents = [0.7, 0.9, 1.0, 1.2];
    let head = ["capacity 1000 of 100,000 keys".into()].into_iter();
    let mut rows =
        vec![head.chain(exponents.iter().map(|exponent| format!("zipf({exponent})"))).collect::<Vec<String>>()];
    let mut names: Vec<String> = contestants(CAPACITY).iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(verdict_head());
    rows.extend(names.into_iter().map(|name| vec![name]));
    for exponent in exponents {
        let keys = zipf(exponent, POPULATION, count);
        let shares = shares(&keys, CAPACITY);
        let [above, met] = verdict(&shares);
        // The project has set itself no goal for the others.
        let met = if [0.9, 1.0].contains(&exponent) { met } else { "-".into() };
        let figures = shares.iter().map(|share| format!("{share:.3}")).chain([above, met]);
        figures.zip(&mut rows[1..]).for_each(|(figure, row)| row.push(figure));
    }
    Table::new(rows, "Of three million calls, those that did not load; from empty. Higher is better.")
}

/// Of each contestant with this capacity, in their order.
pub(crate) fn shares(keys: &[u64], capacity: usize) -> Vec<f64> {
    contestants(capacity)
        .into_iter()
        .map(|(_, mut ask)| share(keys.iter().filter(|key| ask(**key)).count(), keys))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
pub(crate) fn share(hits: usize, keys: &[u64]) -> f64 {
    hits as f64 / keys.len() as f64
}

/// What `verdict` says.
pub(crate) fn verdict_head() -> [String; 2] {
    ["sieve - quick_cache".into(), format!("at least -{GOAL}")]
}

/// How far `sieve` is above `quick_cache`, and whether that is what the project wants of itself.
pub(crate) fn verdict(shares: &[f64]) -> [String; 2] {
    let above = shares[SIEVE] - shares[QUICK];
    [format!("{above:+.3}"), if above >= -GOAL { "met".into() } else { "**not met**".into() }]
}

/// Asks for a key; whether it was there.
type Ask = Box<dyn FnMut(u64) -> bool>;

pub(crate) fn contestants(capacity: usize) -> Vec<(&'static str, Ask)> {
    vec![
        ("**cached-runtime** lru", ours(capacity, Eviction::Lru)),
        ("**cached-runtime** sieve", ours(capacity, Eviction::Sieve)),
        ("quick_cache", quick(capacity)),
        ("moka", moka(capacity)),
        ("hand-written `LruCache`", lru(capacity)),
    ]
}

fn ours(capacity: usize, eviction: Eviction) -> Ask {
    let cache = Cache::builder().capacity(capacity).eviction(eviction).build();
    Box::new(move |key| {
        let mut hit = true;
        cache.get_or_load(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}

fn quick(capacity: usize) -> Ask {
    let cache = quick_cache::sync::Cache::<u64, u64>::new(capacity);
    Box::new(move |key| {
        let mut hit = true;
        let _ = cache.get_or_insert_with(&key, || {
            hit = false;
            Ok::<_, ()>(load(key))
        });
        hit
    })
}

fn moka(capacity: usize) -> Ask {
    let cache = moka::sync::Cache::<u64, u64>::new(capacity as u64);
    Box::new(move |key| {
        let mut hit = true;
        cache.get_with(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}

fn lru(capacity: usize) -> Ask {
    let mut cache = LruCache::new(NonZero::new(capacity).expect("not zero"));
    Box::new(move |key| {
        let mut hit = true;
        cache.get_or_insert(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}
