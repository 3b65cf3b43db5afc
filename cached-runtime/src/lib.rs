//! One attribute makes a slow function fast: memoization with single-flight, fenced fills, time to live, LRU and SIEVE.
//! (This is `cached-runtime`, not the crate `cached`, whose attribute has the same name.)
//!
//! ```
//! use cached_runtime::cached;
//!
//! #[cached(capacity = 10_000, ttl = "10m")]
//! fn price(item: &str, currency: &str) -> u64 {
//!     // slow
//!     (item.len() * currency.len()) as u64
//! }
//!
//! assert_eq!(price("tea", "EUR"), 9);
//! assert_eq!(price("tea", "EUR"), 9); // a hit: nothing is allocated, the arguments are compared by reference
//! price::invalidate("tea", "EUR"); // the companion: a type of the function's name
//! println!("{}", price::stats());
//! ```
//!
//! - [`cached`] is the attribute; its page is the reference of all options and of the companion.
//! - [`Cache`] is what the attribute expands to, for whoever needs no attribute.
//! - [`caches`] lists every cache of the process with its [`Stats`]; [`clear_all`] empties them.
//! - `clock` (feature `test-util`) is a clock that tests pause and advance.
//!
//! # What it promises
//!
//! - **One load a key.** Calls for one missing key at the same time run the function once, and all get what it gave, be
//!   it kept or not. A sync call does not wait for an async one (whose task this very thread might have to poll), a call
//!   inside of a load does not wait for that load, and no call waits longer than its bound (`coalesce`, 60 seconds). An
//!   error is shared if it is `Clone + Send + Sync + 'static`; after one that is not, those who wait load on their own, in
//!   waves of 2, 4, 8... at once. An `Arc` around the error shares it.
//! - **Fenced fills.** A call that starts after `invalidate`, `invalidate_tag`, `set` or `clear` returned never gets a value
//!   whose load began before, and an older load never overwrites a newer value.
//! - **Your code runs outside of all locks**: the function itself, `cache_if`, the drop of what was removed. Only a
//!   key's `Eq` and `Clone`, a value's `Clone` and `weigh` run under one, and may call the function again all the same
//!   (such a call is answered by a hit or goes past the cache).
//! - **Panics and dropped futures hand over.** Whoever waits takes over at once; nothing is poisoned. A panic in the
//!   `Drop` of a removed value ends in the cache, after the panic hook has reported it.
//! - **Bounded and swept.** `len() <= capacity` whenever you look, in each instantiation of a generic function and in each
//!   thread's part of a `local` one; expired entries are freed within a second or so.
//!
//! # What it costs
//!
//! A hit hashes the arguments once, takes one lock that is seldom contended (`eviction = lru`), none (`sieve`,
//! `unbounded`) or not even an atomic (`backend = local`), and clones the value. A ttl adds the read of a coarse clock.
//! The first cache in which something can expire starts a background thread (`cached-sweeper`), the first async call that
//! waits for another starts a second one (`cached-watchdog`); both sleep between their rounds, two to four of them a
//! second. The first load with a `timeout` or `soft_timeout` that has to wait starts a third one (`cached-alarms`).
//!
//! Recursion takes 0.3 to 3.2 KiB of stack a level, depending on the value and the build: 650 to 6500 levels on a thread
//! of 2 MiB.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acting;
mod after;
#[cfg(feature = "tokio")]
mod alarm;
mod at;
#[cfg(feature = "tokio")]
mod background;
mod builder;
mod bulk;
mod cache;
#[cfg(not(feature = "test-util"))]
mod clock;
#[cfg(feature = "test-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod clock;
#[cfg(feature = "dashboard")]
#[cfg_attr(docsrs, doc(cfg(feature = "dashboard")))]
pub mod dashboard;
mod each;
mod entry;
mod error;
pub mod events;
mod flight;
mod gathered;
mod glob;
mod hooks;
mod key;
mod leading;
mod load_times;
mod matching;
mod memory;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
mod miss;
mod outcome;
mod owning;
#[cfg(not(shuttle))]
mod patience;
mod policy;
#[doc(hidden)]
pub mod private;
pub mod prometheus;
mod pulse;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
mod registry;
pub mod scope;
mod slot;
mod stack;
mod stats;
mod store;
mod sync;
mod tags;
mod timeout;
mod trace;
mod watchdog;
mod watched;
mod writers;

pub use acting::{Acting, Invalidation};
pub use builder::{Builder, Coalesce, Eviction};
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use bulk::{Bulk, Unsplit};
pub use cache::Cache;
pub use cached_macros::{cached, invalidates, updates};
pub use entry::Entry;
pub use error::{Error, ErrorKind, Refusal};
pub use glob::escape_pattern;
pub use key::{CacheKey, Float};
pub use load_times::LoadTimes;
pub use matching::invalidate_matching;
pub use outcome::CacheValue;
pub use policy::{Jitter, RefreshAhead};
pub use registry::{CacheInfo, caches, clear_all};
pub use stats::Stats;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use store::Redis;
pub use store::{InProcess, Local, Memory, Store};
pub use tags::{TagList, invalidate_tag, invalidate_tags};
pub use timeout::TimedOut;
