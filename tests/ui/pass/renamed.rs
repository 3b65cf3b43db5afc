//! cached-runtime under another name.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

/// Where it is here.
pub mod facade {
    pub use cached_runtime as caching;
}

/// Finds the runtime by its path.
#[facade::caching::cached(crate = self::facade::caching, ttl = "1s")]
#[must_use]
pub fn found(n: u8) -> u8 {
    n
}

/// A method too.
#[derive(Debug)]
pub struct Shop(pub u8);

impl Shop {
    /// Finds it as well.
    #[facade::caching::cached(crate = self::facade::caching, key = self.0, companion = item_entry)]
    #[must_use]
    pub fn item(&self) -> u8 {
        self.0
    }
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((found(1), found::get(1)), (1, Some(1)));
    assert_eq!((Shop(2).item(), Shop(2).item_entry().get()), (2, Some(2)));
}
