//! The shop's cached functions: what is read through a cache, and what a change forgets. Must never write HTML.

use crate::db::{Db, Patch};
use crate::error::Result;
use crate::model::{Loaded, Page, Product};
use cached_runtime::invalidates;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// How a call wants to use its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// What is there, else load it.
    Cached,
    /// Load it anew and keep that: `?refresh=1`.
    Refresh,
    /// Go past the cache: `?cache=false`.
    Past,
}

/// Where the entries live. Chosen when the program starts: Redis if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Memory,
    Redis,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "Redis",
        }
    }
}

/// A product as the caches hold it: shared, not copied.
pub(crate) type Item = Arc<Loaded<Product>>;
/// A page of the list as the caches hold it.
pub(crate) type List = Arc<Loaded<Page>>;

/// One product through the cache, or `None` where there is none.
pub(crate) async fn product(db: &Db, backend: Backend, id: i64, how: How) -> Result<Option<Item>> {
    match backend {
        Backend::Memory => in_memory::product(db, id, how).await,
        Backend::Redis => in_redis::product(db, id, how).await,
    }
}

/// A page of the list through the cache.
pub(crate) async fn page(db: &Db, backend: Backend, page: u32, per_page: u32, how: How) -> Result<List> {
    match backend {
        Backend::Memory => in_memory::page(db, page, per_page, how).await,
        Backend::Redis => in_redis::page(db, page, per_page, how).await,
    }
}

/// The entries of this process: fastest, and gone when it ends.
pub(crate) mod in_memory {
    use super::{Db, How, Item, List, Result};
    use cached_runtime::cached;

    // A product that doesn't exist is remembered too, though not for long: a crawler would ask for it again and again.
    #[cached(
        name = "product",
        key = "product:{id}",
        skip(db, how),
        ttl = "60s",
        tags = ["product:{id}"],
        jitter = 0.1,
        cache_none = "10s",
        bypass_if = how == How::Past,
        refresh_if = how == How::Refresh
    )]
    pub(crate) async fn product(db: &Db, id: i64, how: How) -> Result<Option<Item>> {
        super::load_product(db, id).await
    }

    // Many of them, in the entries of `product`: one query for those that are missing.
    #[cached(
        each = id in ids,
        key = id,
        cache = product::cache(),
        tags = ["product:{id}"],
        cache_none = "10s"
    )]
    pub(crate) async fn products(db: &Db, ids: &[i64]) -> Result<Vec<Option<Item>>> {
        super::load_products(db, ids).await
    }

    #[cached(
        name = "products",
        key = "products:{page}:{per_page}",
        skip(db, how),
        ttl = "30s",
        tags = ["products"],
        capacity = 500,
        bypass_if = how == How::Past,
        refresh_if = how == How::Refresh
    )]
    pub(crate) async fn page(db: &Db, page: u32, per_page: u32, how: How) -> Result<List> {
        super::load_page(db, page, per_page).await
    }
}

/// The same functions with their entries in Redis: shared by all processes, and still there after a restart. The one
/// difference is `backend = redis`.
pub(crate) mod in_redis {
    use super::{Db, How, Item, List, Result};
    use cached_runtime::cached;

    #[cached(
        name = "redis_product",
        backend = redis,
        key = "product:{id}",
        skip(db, how),
        ttl = "60s",
        tags = ["product:{id}"],
        jitter = 0.1,
        cache_none = "10s",
        bypass_if = how == How::Past,
        refresh_if = how == How::Refresh
    )]
    pub(crate) async fn product(db: &Db, id: i64, how: How) -> Result<Option<Item>> {
        super::load_product(db, id).await
    }

    // Many of them, in the entries of `product`: one query for those that are missing.
    #[cached(
        each = id in ids,
        key = id,
        cache = product::cache(),
        backend = redis,
        tags = ["product:{id}"],
        cache_none = "10s"
    )]
    pub(crate) async fn products(db: &Db, ids: &[i64]) -> Result<Vec<Option<Item>>> {
        super::load_products(db, ids).await
    }

    #[cached(
        name = "redis_products",
        backend = redis,
        key = "products:{page}:{per_page}",
        skip(db, how),
        ttl = "30s",
        tags = ["products"],
        bypass_if = how == How::Past,
        refresh_if = how == How::Refresh
    )]
    pub(crate) async fn page(db: &Db, page: u32, per_page: u32, how: How) -> Result<List> {
        super::load_page(db, page, per_page).await
    }
}

async fn load_product(db: &Db, id: i64) -> Result<Option<Item>> {
    let start = Instant::now();
    let product = db.product(id).await?;
    Ok(product.map(|product| Arc::new(Loaded::new(product, start))))
}

async fn load_products(db: &Db, ids: &[i64]) -> Result<Vec<Option<Item>>> {
    let start = Instant::now();
    let found = db.products(ids).await?.into_iter();
    let found: HashMap<i64, Item> = found.map(|product| (product.id, Arc::new(Loaded::new(product, start)))).collect();
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

async fn load_page(db: &Db, page: u32, per_page: u32) -> Result<List> {
    let start = Instant::now();
    Ok(Arc::new(Loaded::new(db.page(page, per_page).await?, start)))
}

/// Changes a product, and gives whether there is such a one. Whoever asks after this has returned sees the change: in the detail,
/// in every list, in every rendered page.
///
/// The tags reach every function that has them, in memory and in Redis. Nothing is forgotten if the database fails; if Redis
/// fails the change is made all the same, and the invalidation is tried again while the process lives.
#[invalidates(tags = ["product:{id}", "products"])]
pub(crate) async fn update(db: &Db, id: i64, patch: &Patch) -> Result<bool> {
    db.update_product(id, patch).await
}

/// Many products, in the order of `ids`: those that are cached from there, the others with one query. They share their entries
/// with [`product`].
pub(crate) async fn products(db: &Db, backend: Backend, ids: &[i64]) -> Result<Vec<Option<Item>>> {
    match backend {
        Backend::Memory => in_memory::products(db, ids).await,
        Backend::Redis => in_redis::products(db, ids).await,
    }
}
