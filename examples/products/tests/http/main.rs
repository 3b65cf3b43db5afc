//! The application over real HTTP, as its own process. Must assert what visitors and caches can see, and nothing of the inside.

#[path = "../support/mod.rs"]
mod support;

mod caching;
mod input;
mod life;
mod load;
mod pages;
mod redis;
