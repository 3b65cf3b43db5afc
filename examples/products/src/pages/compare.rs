//! One query, three ways. Must show the ways as they are measured, the failing one included.

use crate::catalogue::Backend;
use crate::compare::{self, Times, Way};
use crate::error::Result;
use crate::extract::{Query, number};
use crate::layout::{self, Layout, seconds, times};
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Html;
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    page: Option<String>,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare {
    layout: Layout,
    page: u32,
    rows: Vec<Row>,
}

struct Row {
    way: Way,
    fastest: bool,
    shown: Option<Shown>,
}

struct Shown {
    times: Times,
    median: String,
    range: String,
    factor: String,
    /// Of the slowest way's bar, in thousandths; on a logarithmic scale, since otherwise there would be one bar.
    bar: u32,
}

/// `/products/compare?page=1`
pub(crate) async fn show(State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Html<String>> {
    let page = number("page", wanted.page.as_deref(), 1..=1000, 1)?;
    let ways = compare::measure(&app.db, page, app.backend == Backend::Redis).await?;
    let fastest = compare::fastest(&ways);
    let slowest = ways.iter().filter_map(|way| Some(way.measured.as_ref().ok()?.median)).max().unwrap_or_default();
    let rows = ways.into_iter().enumerate().map(|(at, way)| {
        let shown = way.measured.as_ref().ok().map(|times| shown(*times, slowest));
        Row { fastest: fastest == Some(at), shown, way }
    });
    layout::html(&Compare { layout: Layout::new("/products/compare"), page, rows: rows.collect() })
}

fn shown(measured: Times, slowest: Duration) -> Shown {
    Shown {
        times: measured,
        median: seconds(measured.median),
        range: format!("{} to {}", seconds(measured.fastest), seconds(measured.slowest)),
        factor: times(slowest.as_secs_f64() / measured.median.as_secs_f64()),
        bar: bar(measured.median, slowest),
    }
}

fn bar(time: Duration, longest: Duration) -> u32 {
    // From 100 ns on, where no bar is; no figure here comes near the bounds of the numbers.
    let length = |time: Duration| (time.as_secs_f64() / 1e-7).max(1.0).ln();
    let share = length(time) / length(longest).max(1e-9);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 10..=1000")]
    let thousandths = (share * 1000.0).clamp(10.0, 1000.0) as u32;
    thousandths
}
