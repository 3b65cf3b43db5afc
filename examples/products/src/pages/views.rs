//! Pages that are kept as they were sent. Must never render one of them outside of its cache.

use crate::catalogue::How;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::source::Source;
use crate::state::App;
use crate::views::{self, View};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::time::Instant;

/// `/expensive-view`
pub(crate) async fn expensive(State(app): State<App>) -> Result<Response> {
    let start = Instant::now();
    Ok(kept(&views::expensive(&app.db).await?, "expensive_view", start))
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    q: Option<String>,
}

/// `/search?q=oak`
pub(crate) async fn search(State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Response> {
    // The key is what was meant: without spaces around, and without case, since the search has none.
    let text = wanted.q.as_deref().unwrap_or("").trim().to_lowercase();
    if text.chars().count() > 100 {
        return Err(Error::parameter("`q` must have at most 100 characters."));
    }
    let start = Instant::now();
    Ok(kept(&views::search(&app.db, &text).await?, "search_view", start))
}

fn kept(view: &View, name: &'static str, start: Instant) -> Response {
    let source = Source::of(view, How::Cached, "memory", start);
    ([source.header(name)], Html(view.value.clone())).into_response()
}
