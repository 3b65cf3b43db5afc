//! The first page. Must lead everywhere.

use crate::error::Result;
use crate::layout::{self, Layout, seconds};
use crate::state::App;
use crate::views::{self, View};
use askama::Template;
use axum::extract::State;
use axum::response::Html;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    layout: Layout,
    slow: String,
    dearest: View,
}

/// `/`
pub(crate) async fn show(State(app): State<App>) -> Result<Html<String>> {
    let dearest = views::dearest(&app.db).await?;
    layout::html(&Home { layout: Layout::new("/"), slow: seconds(app.slowness), dearest })
}
