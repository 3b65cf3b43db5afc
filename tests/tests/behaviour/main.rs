//! What the options, companions and handles do, a behaviour a module. The promises are in `promises`, what needs the test clock is in `clock`.
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(
    clippy::pedantic,
    clippy::needless_borrow,
    clippy::useless_conversion,
    clippy::drop_non_drop,
    dropping_copy_types
)]

mod cache_handle;
mod companions;
mod companions_of_methods;
mod conditions;
mod corners;
mod each;
mod events;
mod eviction_order;
mod functools;
mod invalidate_chosen;
mod keys;
mod local_backend;
mod lock_free;
mod produced;
mod prometheus;
mod registry;
mod results;
mod scope;
mod shapes;
mod shared_caches;
mod stats;
mod weights;
mod writers;
