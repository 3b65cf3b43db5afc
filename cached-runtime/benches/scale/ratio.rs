//! Hit ratios on zipf streams. It must never give one contestant other keys than the next.

use crate::Random;
use cached_runtime::{Cache, Eviction};

const KEYS: u32 = 100_000;
const CAPACITY: usize = 1000;
const CALLS: usize = 2_000_000;

/// A stream of ranks, drawn with weight 1 / rank^skew.
fn zipf(skew: f64) -> Vec<u64> {
    let mut sum = 0.0;
    let below: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += 1.0 / f64::from(rank).powf(skew);
            sum
        })
        .collect();
    let mut random = Random(4);
    #[expect(clippy::cast_precision_loss, reason = "53 random bits fit a float exactly")]
    let mut unit = || (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
    (0..CALLS).map(|_| below.partition_point(|&share| share < unit() * sum) as u64).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a few million calls")]
fn share(keys: &[u64], mut is_miss: impl FnMut(u64) -> bool) -> f64 {
    let missed = keys.iter().filter(|&&key| is_miss(key)).count();
    1.0 - missed as f64 / keys.len() as f64
}

fn ours(keys: &[u64], eviction: Eviction) -> f64 {
    let cache = Cache::builder().capacity(CAPACITY).eviction(eviction).build();
    share(keys, |key| {
        let mut missed = false;
        cache.get_or_load(key, || missed = true);
        missed
    })
}

pub(crate) fn run() {
    println!("Capacity {CAPACITY} of {KEYS} keys.\n\n| zipf | lru | sieve | quick_cache |\n|--:|--:|--:|--:|");
    for skew in [0.9, 1.0] {
        let keys = zipf(skew);
        let quick = quick_cache::sync::Cache::new(CAPACITY);
        let quick = share(&keys, |key| {
            let mut missed = false;
            let loaded: Result<(), ()> = quick.get_or_insert_with(&key, || {
                missed = true;
                Ok(())
            });
            loaded.is_err() || missed
        });
        let (lru, sieve) = (ours(&keys, Eviction::Lru), ours(&keys, Eviction::Sieve));
        println!("| {skew:.1} | {lru:.3} | {sieve:.3} | {quick:.3} |");
    }
}
