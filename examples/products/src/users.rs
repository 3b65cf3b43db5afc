//! User data: reading through a cache, and two ways to write. (The third, write-behind, is `visits.rs`.) Must never let a
//! reader see what was written over.

use crate::db::Db;
use crate::error::Result;
use crate::model::{Loaded, User};
use cached_runtime::{cached, invalidates, updates};
use std::sync::Arc;
use std::time::Instant;

/// A user as the cache holds them.
pub(crate) type Account = Arc<Loaded<User>>;

/// Cache-aside, in one attribute: look into the cache, else load and keep. One hour.
#[cached(name = "user", key = "user:{id}", skip(db), ttl = "1h")]
pub(crate) async fn user(db: &Db, id: i64) -> Result<Option<Account>> {
    let start = Instant::now();
    Ok(account(db.user(id).await?, start))
}

fn account(user: Option<User>, start: Instant) -> Option<Account> {
    user.map(|user| Arc::new(Loaded::new(user, start)))
}

/// Cache-aside, the writer's part: write, then forget. The next reader loads, and a load that runs now is not kept.
#[invalidates(user(id))]
pub(crate) async fn set_email(db: &Db, id: i64, email: &str) -> Result<bool> {
    Ok(db.set_email(id, email).await?.is_some())
}

/// Write-through: what is returned was written, and becomes the entry. The next reader hits.
#[updates(user(id))]
pub(crate) async fn set_name(db: &Db, id: i64, name: &str) -> Result<Option<Account>> {
    let start = Instant::now();
    Ok(account(db.set_name(id, name).await?, start))
}
