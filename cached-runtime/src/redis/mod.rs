//! Entries in Redis: configuration, connections, and what the process can ask about them. Must never let a failing
//! server fail a caller, or hold one up beyond its budget.

mod at;
#[cfg(feature = "tokio")]
mod background;
mod bare;
mod breaker;
mod budget;
mod bulk;
mod client;
mod clock;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod codec;
mod config;
mod connect;
mod core;
mod driver;
mod entry;
mod envelope;
mod failure;
mod flights;
mod groups;
mod health;
mod idle;
mod invalidate;
mod keys;
mod link;
mod load;
mod many;
mod near;
mod news;
mod nonces;
mod place;
mod queue;
mod reclaim;
mod remote;
mod retry;
mod scan;
mod scripts;
mod servers;
mod slot;
mod slots;
mod store;
mod tags;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod together;
#[cfg(feature = "redis-cluster")]
mod topology;
mod watch;
mod watched;
mod windows;
mod wire;
mod writers;

pub use crate::acting::Acting;
pub use codec::Codec;
pub use config::Config;
pub use entry::Entry;
pub use health::{Check, Health, State, check, check_named, disconnect, health};
pub use reclaim::{Reclaiming, reclaim};
pub use store::RedisCache;
#[doc(hidden)]
pub use {
    bulk::Each,
    core::{RemoteKey, RemoteValue},
    load::RemoteMiss,
    many::{many, many_async},
    slot::{AnyRedisSlot, RedisSlot, clear},
    writers::{Forgetting, Writing},
};

pub(crate) use budget::Budget;
pub(crate) use client::{Client, Kind};
pub(crate) use driver::block_on;
pub(crate) use groups::invalidate_matching;
pub(crate) use health::health_of;
pub(crate) use remote::Remote;
pub(crate) use scan::Matching;
pub(crate) use store::{Options, Parts};
pub(crate) use tags::invalidate_tags;
pub(crate) use watched::not_on_driver;

use crate::error::Error;

/// A configuration from the environment can't be used: nobody called anything that could return the error.
fn complain(name: &str, error: &Error) {
    if let Ok(driver) = driver::driver() {
        news::tell(&driver, log::Level::Error, format!("Redis connection `{name}`: {error}"));
    }
}
