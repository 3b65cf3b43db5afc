//! `cargo run --example per_instance`: methods, with one cache for each instance or one for all. It must never let two shops
//! share what is not theirs.

use cached_runtime::{Cache, cached};
use std::time::Duration;

struct Shop {
    id: u32,
    factor: u64,
    /// This shop's own: it goes when the shop goes.
    prices: Cache<u64, u64>,
}

impl Shop {
    fn new(id: u32, factor: u64) -> Self {
        let prices = Cache::builder().name("prices").capacity(100).ttl(Duration::from_mins(1)).build();
        Self { id, factor, prices }
    }

    #[cached(cache = self.prices)]
    fn price(&self, item: u64) -> u64 {
        println!("  shop {} works out the price of {item}", self.id);
        item * self.factor
    }

    /// One cache for all shops: the key says which. `stock_entry(item)` is the entry: to ask, to set, to forget.
    #[cached(key = (self.id, item), companion = stock_entry)]
    fn stock(&self, item: u64) -> u64 {
        println!("  shop {} counts its stock of {item}", self.id);
        u64::from(self.id) + item
    }
}

fn main() {
    let (corner, market) = (Shop::new(1, 10), Shop::new(2, 9));
    println!("prices: {} {} {}", corner.price(7), corner.price(7), market.price(7));
    println!("entries: {} and {}", corner.prices.len(), market.prices.len());
    println!("stock: {} {} {}", corner.stock(7), corner.stock(7), market.stock(7));
    corner.stock_entry(7).invalidate();
    println!("counted again: {}; still known: {:?}", corner.stock(7), market.stock_entry(7).get());
}
