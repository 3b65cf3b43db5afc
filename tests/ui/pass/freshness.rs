//! The options of freshness, on every kind of function that takes them.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::{TimedOut, cached};
use std::time::Duration;

/// A handle to a database.
#[derive(Clone, Debug)]
pub struct Db;

/// Not to be cloned.
#[derive(Debug)]
pub struct Unclonable;

/// What a load fails with.
#[derive(Clone, Debug)]
pub enum DbError {
    /// It took too long.
    TimedOut(TimedOut),
}

impl From<TimedOut> for DbError {
    fn from(error: TimedOut) -> Self {
        Self::TimedOut(error)
    }
}

/// Sync: one call renews.
#[cached(ttl = "60s", jitter = 0.1, stale_while_revalidate = "10s", refresh_ahead = 0.8)]
#[must_use]
pub fn sync(n: u32, text: &str) -> usize {
    text.len() + n as usize
}

/// Of one thread.
#[cached(backend = local, ttl = "60s", stale_while_revalidate = "10s", refresh_ahead = xfetch)]
pub async fn local(n: u32, text: &str) -> usize {
    std::future::ready(text.len()).await + n as usize
}

/// All of them.
///
/// # Errors
///
/// When it takes too long.
#[cached(
    skip(db),
    ttl = |value| Duration::from_secs(*value),
    stale_while_revalidate = "10s",
    stale_if_error = Duration::from_hours(1),
    refresh_ahead = xfetch,
    soft_timeout = "200ms",
    timeout = "2s"
)]
pub async fn all(db: &Db, id: u64, name: &str, list: &[u8], owned: String) -> Result<u64, DbError> {
    let _ = format!("{db:?}{name}{owned}");
    std::future::ready(Ok(id + list.len() as u64)).await
}

/// Of many ids.
///
/// # Errors
///
/// When it takes too long.
#[cached(
    skip(db, past),
    each = id in ids,
    ttl = "60s",
    stale_while_revalidate = "10s",
    stale_if_error = "1h",
    refresh_ahead = 0.8,
    timeout = "2s",
    bypass_if = past,
    refresh_if = ids.len() == 1
)]
pub async fn many(db: &Db, ids: &[u64], owned: String, past: bool) -> Result<Vec<Option<u64>>, DbError> {
    let _ = format!("{db:?}{owned}");
    std::future::ready(Ok(ids.iter().copied().map(Some).collect())).await
}

/// Of many ids, sync.
#[must_use]
#[cached(skip(with), each = id in ids, ttl = "60s", stale_while_revalidate = "10s", bypass_if = ids.is_empty())]
pub fn many_sync(ids: &[u64], with: &Unclonable) -> std::collections::BTreeMap<u64, u64> {
    let _ = format!("{with:?}");
    ids.iter().map(|id| (*id, *id)).collect()
}

/// What holds itself can't be sent.
#[cached(ttl = "60s", stale_while_revalidate = "10s")]
pub async fn recursive(n: u64) -> u64 {
    if n < 2 { n } else { Box::pin(recursive(n - 1)).await + 1 }
}

/// What can't be cloned stays with the call.
#[cached(skip(db), ttl = "60s", stale_while_revalidate = "10s")]
pub async fn lent(db: &Unclonable, id: u64) -> u64 {
    let _ = format!("{db:?}");
    std::future::ready(id).await
}

/// Generic.
///
/// # Errors
///
/// When it takes too long.
#[cached(ttl = "60s", stale_if_error = "1h", soft_timeout = Duration::from_millis(200), timeout = "2s")]
pub async fn generic<T: Clone + std::hash::Hash + Eq + Send + Sync + 'static>(key: T) -> Result<T, DbError> {
    std::future::ready(Ok(key)).await
}

/// What a renewal borrows belongs to its caller.
#[cached(ttl = "60s", stale_while_revalidate = "10s")]
pub async fn opaque(key: impl Clone + std::hash::Hash + Eq + Send + Sync + 'static) -> usize {
    std::future::ready(std::mem::size_of_val(&key)).await
}

impl Db {
    /// A method.
    ///
    /// # Errors
    ///
    /// When it takes too long.
    #[cached(skip(self), ttl = "60s", stale_if_error = "1h", timeout = "2s", companion = item_entry)]
    pub async fn item(&self, id: u64) -> Result<u64, DbError> {
        std::future::ready(Ok(id)).await
    }
}

/// Nothing but a look.
pub fn main() {
    let _ = sync(1, "ab");
}
