//! Whole pages and parts of pages as cached functions: what is kept is HTML. Must never keep what one visitor only may see.

use crate::db::Db;
use crate::error::Result;
use crate::layout::{Layout, seconds};
use crate::model::{Cents, Loaded, Product};
use askama::Template;
use cached_runtime::cached;
use std::sync::Arc;
use std::time::Instant;

/// HTML as the caches hold it.
pub(crate) type View = Arc<Loaded<String>>;

#[derive(Template)]
#[template(path = "expensive.html")]
struct Expensive {
    layout: Layout,
    number: i64,
    lowest: Cents,
    mean: Cents,
    highest: Cents,
    took: String,
}

/// Per-view caching: the page is kept as it was sent, for a minute. One entry; it forgets with the products.
#[cached(name = "expensive_view", ttl = "60s", skip(db), tags = ["products"])]
pub(crate) async fn expensive(db: &Db) -> Result<View> {
    let start = Instant::now();
    let (number, lowest, mean, highest) = db.summary().await?;
    let page = Expensive {
        layout: Layout::new("/expensive-view"),
        number,
        lowest: Cents(lowest),
        mean: Cents(mean),
        highest: Cents(highest),
        took: seconds(start.elapsed()),
    };
    Ok(Arc::new(Loaded::new(page.render()?, start)))
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search<'a> {
    layout: Layout,
    text: &'a str,
    found: Vec<Product>,
    /// How many were shown of more, where there may be more.
    first: Option<u32>,
    took: String,
}

/// How many products a search shows at most.
const FOUND_AT_MOST: u32 = 50;

/// Per-query-string caching: each search is an entry. The key is what the page makes of the query string, not its text, so
/// that `?q=oak`, `?q=%6Fak` and `?utm=1&q=oak` are one; the capacity bounds what a visitor can fill it with.
#[cached(name = "search_view", ttl = "60s", capacity = 200, skip(db), tags = ["products"])]
pub(crate) async fn search(db: &Db, text: &str) -> Result<View> {
    let start = Instant::now();
    let found = if text.is_empty() { Vec::new() } else { db.search(text, FOUND_AT_MOST).await? };
    let layout = Layout::new("/search");
    let first = (u32::try_from(found.len()) == Ok(FOUND_AT_MOST)).then_some(FOUND_AT_MOST);
    let page = Search { layout, text, found, first, took: seconds(start.elapsed()) };
    Ok(Arc::new(Loaded::new(page.render()?, start)))
}

#[derive(Template)]
#[template(path = "dearest.html")]
struct Dearest {
    products: Vec<Product>,
    took: String,
}

/// A template fragment: the box with the dearest products, which several pages contain. They are rendered anew, it is not.
#[cached(name = "dearest_fragment", ttl = "5m", skip(db), tags = ["products"])]
pub(crate) async fn dearest(db: &Db) -> Result<View> {
    let start = Instant::now();
    let products = db.dearest(5).await?;
    let html = Dearest { products, took: seconds(start.elapsed()) }.render()?;
    Ok(Arc::new(Loaded::new(html, start)))
}
