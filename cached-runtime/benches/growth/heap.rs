//! How much heap an entry takes. It must never count what a contestant frees later, nor the keys' and values' own heap
//! (there is none: both are `u64`).

use crate::{Run, Table, load};
use allocation_counter::measure;
use cached::macros::cached as peer;
use cached_runtime::{Builder, Cache, Eviction, cached};
use std::hint::black_box;
use std::mem::forget;
use std::time::Duration;

const MILLION: u64 = 1_000_000;

/// One row for each contestant.
pub(crate) fn table(run: &Run) -> Table {
    let count = if run.quick { MILLION / 100 } else { MILLION };
    let mut rows = vec![vec![format!("{count} entries of `u64` to `u64`"), "bytes an entry".into()]];
    let ttl = Duration::from_hours(1);
    let mut row = |name: &str, fill: &dyn Fn(u64)| {
        // What is live afterwards, on this thread: contestants are leaked, and fill on the calling thread.
        let bytes = measure(|| fill(count)).bytes_current;
        rows.push(vec![name.into(), per_entry(bytes, count)]);
    };
    row("**cached-runtime** `#[cached(capacity = 1_000_000)]`", &|count| {
        (0..count).for_each(|n| _ = black_box(by_attribute(n)));
    });
    row("**cached-runtime** lru", &|count| ours(count, |builder| builder));
    row("**cached-runtime** lru with ttl", &|count| ours(count, |builder| builder.ttl(ttl)));
    row("**cached-runtime** sieve", &|count| ours(count, |builder| builder.eviction(Eviction::Sieve)));
    row("**cached-runtime** unbounded", &|count| ours(count, Builder::unbounded));
    row("cached `max_size`", &|count| (0..count).for_each(|n| _ = black_box(max_size(n))));
    row("cached `max_size, ttl`", &|count| (0..count).for_each(|n| _ = black_box(max_size_ttl(n))));
    row("quick_cache", &|count| {
        let cache = quick_cache::sync::Cache::<u64, u64>::new(usize::try_from(2 * count).unwrap_or(usize::MAX));
        (0..count).for_each(|n| cache.insert(n, load(n)));
        forget(cache);
    });
    row("hand-written `LruCache`", &|count| {
        let mut cache = lru::LruCache::unbounded_with_hasher(foldhash::fast::RandomState::default());
        (0..count).for_each(|n| _ = black_box(cache.put(n, load(n))));
        forget(cache);
    });
    Table::new(
        rows,
        "Live heap after filling it from empty, divided by the entries. (moka works on threads of its own, which this count does not see.)",
    )
}

#[expect(clippy::cast_precision_loss, reason = "a bench's bytes are far below 2^52")]
fn per_entry(bytes: i64, count: u64) -> String {
    format!("{:.1}", bytes as f64 / count as f64)
}

fn ours(count: u64, options: impl Fn(Builder<u64, u64>) -> Builder<u64, u64>) {
    let cache = options(Cache::builder().capacity(usize::try_from(count).unwrap_or(usize::MAX))).build();
    (0..count).for_each(|n| _ = black_box(cache.get_or_load(n, || load(n))));
    forget(cache);
}

#[cached(capacity = 1_000_000)]
fn by_attribute(n: u64) -> u64 {
    load(n)
}

#[peer(max_size = 1_000_000)]
fn max_size(n: u64) -> u64 {
    load(n)
}

#[peer(max_size = 1_000_000, ttl_secs = 3600)]
fn max_size_ttl(n: u64) -> u64 {
    load(n)
}
