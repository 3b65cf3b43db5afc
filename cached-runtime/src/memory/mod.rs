//! The memory stores: shards behind locks for all threads, or one for each thread. Must never wait for a load or run
//! one: that is the front door's.

pub(crate) mod bin;
pub(crate) mod common;
pub(crate) mod entry;
pub(crate) mod expiry;
pub(crate) mod gate;
mod gates;
mod ghosts;
pub(crate) mod loads;
pub(crate) mod local;
pub(crate) mod lock;
mod lock_free;
pub(crate) mod lru;
pub(crate) mod map;
pub(crate) mod outside;
pub(crate) mod ring;
pub(crate) mod settings;
pub(crate) mod shard;
pub(crate) mod shards;
pub(crate) mod shared;
pub(crate) mod sieve;
pub(crate) mod stripes;
pub(crate) mod tabled;

pub(crate) use local::LocalCache;
pub(crate) use shared::MemoryCache;
pub(crate) use tabled::Tabled;
