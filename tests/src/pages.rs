//! The project's pages as documentation tests: their code must compile and hold. It must never hold code of its own.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/coming-from.md")]
mod coming_from {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/observability.md")]
mod observability {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/redis.md")]
mod redis {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/freshness.md")]
mod freshness {}
