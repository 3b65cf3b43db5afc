//! The stylesheet and the one script, compiled in. Their addresses carry a hash, so browsers keep them for ever. Must never
//! read a file that a request names.

use crate::error::{Error, Result};
use crate::extract::{Path, Query};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::LazyLock;

/// A file that is part of the program.
#[derive(Debug)]
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    hash: String,
}

pub(crate) const STYLE: &str = "style.css";
pub(crate) const WEATHER: &str = "weather.js";

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    let asset = |name, kind, text: &'static str| Asset { name, kind, text, hash: hash(text) };
    [
        asset(STYLE, "text/css; charset=utf-8", include_str!("../assets/style.css")),
        asset(WEATHER, "text/javascript; charset=utf-8", include_str!("../assets/weather.js")),
        asset("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ]
});

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// Where an asset is, or where it would be.
pub(crate) fn address(name: &str) -> String {
    let hash = ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.hash);
    format!("/assets/{name}?v={hash}")
}

/// The version that an address asks for.
#[derive(Deserialize)]
pub(crate) struct Version {
    v: Option<String>,
}

/// `/assets/{name}`: for ever if the address carries the right hash, else to be asked for again.
pub(crate) async fn serve(Path(name): Path<String>, Query(version): Query<Version>) -> Result<Response> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Error::NotFound("file"))?;
    let keep = match version.v {
        Some(hash) if hash == asset.hash => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    Ok(([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, keep)], asset.text).into_response())
}
