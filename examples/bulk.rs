//! `cargo run --example bulk`: a function of many ids that shares its entries with the function of one id. It must never load
//! an id twice.

use cached_runtime::cached;
use std::collections::HashMap;

#[cached(key = id)]
fn product(id: u64) -> String {
    println!("  one query for product {id}");
    format!("product {id}")
}

#[cached(each = id in ids, key = id, cache = product::cache())]
fn products(ids: &[u64]) -> HashMap<u64, String> {
    println!("  one query for products {ids:?}");
    ids.iter().map(|id| (*id, format!("product {id}"))).collect()
}

fn main() {
    println!("product 2:");
    product(2);
    println!("products 1, 2, 3:");
    let found = products(&[1, 2, 3]);
    println!("  {} of them", found.len());
    println!("product 3, which the bulk call has loaded:");
    println!("  {}", product(3));
}
