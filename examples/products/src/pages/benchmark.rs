//! Fibonacci with and without a cache. Must never block the threads that serve requests.

use crate::error::{Error, Result};
use crate::extract::{Query, number};
use crate::fibonacci::{LARGEST, Measured, PLAIN_LARGEST, measure};
use crate::layout::{self, Layout, seconds, times};
use askama::Template;
use axum::response::Html;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    n: Option<String>,
}

#[derive(Template)]
#[template(path = "benchmark.html")]
struct Benchmark {
    layout: Layout,
    measured: Measured,
    largest: u32,
    plain_largest: u32,
    plain: Option<String>,
    cold: String,
    warm: String,
    speedup: Option<String>,
}

/// One at a time: two would measure each other.
static TURN: Semaphore = Semaphore::const_new(1);

/// `/benchmark?n=30`
pub(crate) async fn show(Query(wanted): Query<Wanted>) -> Result<Html<String>> {
    let n = number("n", wanted.n.as_deref(), 0..=LARGEST, 30)?;
    let stopped = |_| Error::Unavailable("The server is stopping.");
    let _turn = TURN.acquire().await.map_err(stopped)?;
    let measured =
        spawn_blocking(move || measure(n)).await.map_err(|_| Error::Unavailable("The server is stopping."))?;
    let ratio = |plain: std::time::Duration| times(plain.as_secs_f64() / measured.cold.as_secs_f64());
    layout::html(&Benchmark {
        layout: Layout::new("/benchmark"),
        largest: LARGEST,
        plain_largest: PLAIN_LARGEST,
        plain: measured.plain.map(seconds),
        cold: seconds(measured.cold),
        warm: seconds(measured.warm),
        speedup: measured.plain.map(ratio),
        measured,
    })
}
