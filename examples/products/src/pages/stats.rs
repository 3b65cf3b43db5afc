//! What the caches count.

use crate::error::Result;
use crate::layout::{self, Layout};
use askama::Template;
use axum::Json;
use axum::response::Html;
use cached_runtime::{Stats, caches};
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "stats.html")]
struct Page {
    layout: Layout,
    caches: Vec<(String, Stats)>,
}

/// `/cache-stats`
pub(crate) async fn show() -> Result<Html<String>> {
    let caches = caches().into_iter().map(|cache| (cache.name().to_owned(), cache.stats())).collect();
    layout::html(&Page { layout: Layout::new("/cache-stats"), caches })
}

/// `/cache-stats.json`
pub(crate) async fn json() -> Json<Value> {
    let caches: Vec<Value> = caches()
        .into_iter()
        .map(|cache| {
            let stats = cache.stats();
            json!({
                "name": cache.name(), "hits": stats.hits, "misses": stats.misses, "loads": stats.loads,
                "bypassed": stats.bypassed, "entries": stats.entries,
            })
        })
        .collect();
    Json(json!({ "caches": caches }))
}
