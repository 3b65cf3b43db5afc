//! `cargo run --example cache_aside`: users that are looked up, changed and shown again. It must never show an old user after a
//! change.

use cached_runtime::{cached, invalidates, updates};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Stands for a database.
static USERS: LazyLock<Mutex<BTreeMap<u64, String>>> =
    LazyLock::new(|| Mutex::new(BTreeMap::from([(1, "Ada".to_owned()), (2, "Grace".to_owned())])));

/// An absent user (`None`) is not kept, and looked for again.
#[cached(ttl = "10m")]
fn user(id: u64) -> Option<String> {
    println!("  a query for user {id}");
    USERS.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

/// Cache-aside: the entry goes, and the next call loads it.
#[invalidates(user(id))]
fn rename(id: u64, name: &str) -> Result<(), String> {
    let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = users.get_mut(&id).ok_or("no such user")?;
    name.clone_into(known);
    Ok(())
}

/// Write-through: what it returns is the new entry.
#[updates(user(id))]
fn replace(id: u64, name: &str) -> Option<String> {
    USERS.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name.to_owned());
    Some(name.to_owned())
}

fn main() {
    println!("twice the same user:\n  {:?}\n  {:?}", user(1), user(1));
    println!("renamed: {:?}", rename(1, "Ada Lovelace"));
    println!("shown again:\n  {:?}", user(1));
    println!("replaced: {:?}", replace(2, "Grace Hopper"));
    println!("shown without a query:\n  {:?}", user(2));
    println!("nobody: {:?}, and the cache is left alone", rename(3, "Nobody"));
    println!("{}", user::stats());
}
