//! Which share of calls hits, on skewed keys. It must never count a contestant's warm-up for one and not for another.

use crate::{Table, load, zipf};
use cached_runtime::{Cache, Eviction};
use lru::LruCache;
use std::num::NonZero;

const CAPACITY: usize = 1000;
const POPULATION: u32 = 100_000;

/// One column for each distribution.
pub(crate) fn table(quick: bool) -> Table {
    let count = if quick { 100_000 } else { 3_000_000 };
    let exponents = [0.7, 0.9, 1.0, 1.2];
    let head = ["capacity 1000 of 100,000 keys".into()].into_iter();
    let mut rows =
        vec![head.chain(exponents.iter().map(|exponent| format!("zipf({exponent})"))).collect::<Vec<String>>()];
    for (name, _) in contestants() {
        rows.push(vec![name.into()]);
    }
    for exponent in exponents {
        let keys = zipf(exponent, POPULATION, count);
        for (row, (_, ask)) in contestants().into_iter().enumerate() {
            rows[row + 1].push(format!("{:.3}", share(ask, &keys)));
        }
    }
    Table { rows, note: "Of three million calls, those that did not load; from empty. Higher is better." }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
fn share(mut ask: Ask, keys: &[u64]) -> f64 {
    let hits = keys.iter().filter(|key| ask(**key)).count();
    hits as f64 / keys.len() as f64
}

/// Asks for a key; whether it was there.
type Ask = Box<dyn FnMut(u64) -> bool>;

fn contestants() -> Vec<(&'static str, Ask)> {
    vec![
        ("**cached-runtime** lru", ours(Eviction::Lru)),
        ("**cached-runtime** sieve", ours(Eviction::Sieve)),
        ("quick_cache", quick()),
        ("moka", moka()),
        ("hand-written `LruCache`", lru()),
    ]
}

fn ours(eviction: Eviction) -> Ask {
    let cache = Cache::builder().capacity(CAPACITY).eviction(eviction).build();
    Box::new(move |key| {
        let mut hit = true;
        cache.get_or_load(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}

fn quick() -> Ask {
    let cache = quick_cache::sync::Cache::<u64, u64>::new(CAPACITY);
    Box::new(move |key| {
        let mut hit = true;
        let _ = cache.get_or_insert_with(&key, || {
            hit = false;
            Ok::<_, ()>(load(key))
        });
        hit
    })
}

fn moka() -> Ask {
    let cache = moka::sync::Cache::<u64, u64>::new(CAPACITY as u64);
    Box::new(move |key| {
        let mut hit = true;
        cache.get_with(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}

fn lru() -> Ask {
    let mut cache = LruCache::new(NonZero::new(CAPACITY).expect("not zero"));
    Box::new(move |key| {
        let mut hit = true;
        cache.get_or_insert(key, || {
            hit = false;
            load(key)
        });
        hit
    })
}
