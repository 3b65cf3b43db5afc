//! The shapes as public modules of a library, so that clippy and `missing_docs` judge them as they judge a user's crate
//! (trybuild runs rustc only). Nothing is done here.

#![deny(unreachable_pub)]

#[path = "pass/attributes.rs"]
pub mod attributes;
#[path = "pass/freshness.rs"]
pub mod freshness;
#[path = "pass/generics.rs"]
pub mod generics;
#[path = "pass/groups.rs"]
pub mod groups;
#[path = "pass/keys.rs"]
pub mod keys;
#[path = "pass/methods.rs"]
pub mod methods;
#[path = "pass/names.rs"]
pub mod names;
#[path = "pass/patterns.rs"]
pub mod patterns;
#[path = "pass/produced.rs"]
pub mod produced;
#[path = "pass/public.rs"]
pub mod public;
#[path = "pass/redis.rs"]
pub mod redis;
#[path = "pass/renamed.rs"]
pub mod renamed;
