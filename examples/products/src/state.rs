//! What every request can reach. Must stay cheap to clone.

use crate::catalogue::Backend;
use crate::db::Db;
use crate::visits::Visits;
use axum::extract::FromRef;
use std::time::Duration;

/// The application.
#[derive(Clone, Debug, FromRef)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) backend: Backend,
    pub(crate) visits: Visits,
    pub(crate) slowness: Duration,
}
