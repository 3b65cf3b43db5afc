//! What is called: our functions, the peer's, and the value. They must never differ in their body.

#![expect(clippy::unused_async, reason = "a body that awaits nothing is as good as one that does")]

use cached::macros::concurrent_cached;
use cached_runtime::cached;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bodies that ran: how a batch knows that it hit.
static LOADS: AtomicU64 = AtomicU64::new(0);

/// How many bodies ran so far.
pub(crate) fn loads() -> u64 {
    LOADS.load(Ordering::Relaxed)
}

/// Where the peer connects.
pub(crate) static URL: OnceLock<String> = OnceLock::new();

/// About a hundred bytes of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Product {
    id: u64,
    name: String,
    category: String,
    price_cents: u32,
    in_stock: bool,
    tags: Vec<String>,
}

/// The body of every function.
pub(crate) fn load(id: u64) -> Product {
    LOADS.fetch_add(1, Ordering::Relaxed);
    Product {
        id,
        name: format!("Earl Grey {id}"),
        category: "tea".into(),
        price_cents: 1_250,
        in_stock: true,
        tags: vec!["black".into(), "loose".into()],
    }
}

#[cached(backend = redis, ttl = "1h", key = "product:{id}")]
pub(crate) async fn product(id: u64) -> Product {
    load(id)
}

#[cached(backend = redis, ttl = "1h", key = "product:{id}", envelope = false)]
pub(crate) async fn plain(id: u64) -> Product {
    load(id)
}

#[cached(backend = redis, ttl = "1h", key = "sync:{id}")]
pub(crate) fn product_sync(id: u64) -> Product {
    load(id)
}

#[cached(backend = redis, ttl = "1h", key = "each:{id}", each = id in ids)]
pub(crate) async fn products(ids: &[u64]) -> HashMap<u64, Product> {
    ids.iter().map(|&id| (id, load(id))).collect()
}

#[concurrent_cached(
    map_error = r#"|e| format!("{e:?}")"#,
    ty = "cached::AsyncRedisCache<u64, Product>",
    create = r#"{
        cached::AsyncRedisCache::builder("peer")
            .ttl(std::time::Duration::from_hours(1))
            .connection_string(URL.get().expect("set in main"))
            .build()
            .await
            .expect("a server")
    }"#
)]
pub(crate) async fn peer(id: u64) -> Result<Product, String> {
    Ok(load(id))
}
