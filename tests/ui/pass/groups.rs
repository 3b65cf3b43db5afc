//! Writers, tags and functions of many ids.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use cached_runtime::{cached, invalidates, updates};
use std::collections::{BTreeMap, HashMap};
use std::io;

/// One product, with tags.
///
/// # Errors
///
/// Never.
#[cached(key = id, tags = ["products", "product:{id}", "shop:{shop.0}"], skip(shop))]
pub async fn product(shop: (u8, u8), id: u64) -> io::Result<String> {
    std::future::ready(Ok(format!("{} {id}", shop.1))).await
}

/// Many of them, in its entries.
///
/// # Errors
///
/// Never.
#[cached(each = id in ids, key = id, cache = product::cache())]
pub async fn products(shop: &str, ids: &[u64]) -> io::Result<HashMap<u64, String>> {
    std::future::ready(Ok(ids.iter().map(|id| (*id, format!("{shop} {id}"))).collect())).await
}

/// Owned ids, another part of the key, tags of each.
#[must_use]
#[cached(each = id in ids, tags = ["of:{id}", "in:{lang}"], ttl = "1m")]
#[allow(clippy::needless_pass_by_value)]
pub fn texts(ids: Vec<u64>, lang: String) -> BTreeMap<u64, String> {
    ids.iter().map(|id| (*id, format!("{lang} {id}"))).collect()
}

/// Of one thread, with gaps.
#[must_use]
#[cached(each = id in ids, backend = local)]
pub fn gaps(ids: &[u64]) -> Vec<Option<u64>> {
    ids.iter().map(|id| id.checked_sub(7)).collect()
}

/// In Redis.
///
/// # Errors
///
/// Never.
#[cached(each = id in ids, backend = redis, ttl = "1m", key = "far:{id}")]
pub fn far(ids: &[u64]) -> Result<Vec<u64>, String> {
    Ok(ids.to_vec())
}

/// Writes through, and forgets what else may be outdated.
///
/// # Errors
///
/// If there is no name.
#[updates(product((0, 0), id))]
#[invalidates(texts(id, "en".to_owned()), gaps, tags = ["products"])]
pub async fn rename(id: u64, name: &str) -> io::Result<String> {
    if name.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    std::future::ready(Ok(format!("{name} {id}"))).await
}

/// Forgets what its result names.
#[must_use]
#[invalidates(|id| far(*id), tags = ["of:{name}"])]
pub fn add(name: &str) -> u64 {
    name.len() as u64
}

/// A shop with an entry for each product.
#[derive(Debug, Default)]
pub struct Shop {
    id: u64,
}

impl Shop {
    /// Its prices.
    #[must_use]
    #[cached(each = id in ids, key = (self.id, id), companion = price_entry)]
    pub fn prices(&self, ids: &[u64]) -> Vec<u64> {
        ids.iter().map(|id| id + self.id).collect()
    }

    /// Changes one.
    #[must_use]
    #[invalidates(self.price_entry(id))]
    pub fn reprice(&self, id: u64) -> u64 {
        id + self.id
    }
}

/// Nothing is run.
pub fn main() {}
