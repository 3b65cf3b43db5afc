//! Arguments and functions whose names an expansion might use itself.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;

/// Names of arguments.
#[cached]
#[must_use]
pub fn arguments(key: u8, cache: u8, value: u8, self_: u8, inner: u8, f: u8, miss: u8) -> u8 {
    key + cache + value + self_ + inner + f + miss
}

/// More of them.
#[cached(key = (entry, found, load, at, options))]
#[must_use]
pub fn more(entry: u8, found: u8, load: u8, at: u8, options: u8, ret: u8, slot: u8) -> u8 {
    entry + found + load + at + options + ret + slot
}

/// And more.
#[cached(key = instance.len() + keys.len(), bypass_if = at == load, refresh_if = found > 1)]
#[must_use]
pub fn flags(instance: &str, keys: &[u8], at: u8, load: u8, found: u8) -> usize {
    instance.len() + keys.len() + usize::from(at + load + found)
}

/// Raw identifiers.
#[cached(key = "{r#type}")]
#[must_use]
pub fn r#match(r#type: &str) -> usize {
    r#type.len()
}

/// Functions named as companions are.
pub mod companions {
    use cached_runtime::cached;

    /// `get`.
    #[cached]
    #[must_use]
    pub fn get(get: u8) -> u8 {
        get
    }

    /// `uncached`.
    #[cached]
    #[must_use]
    pub fn uncached(uncached: u8) -> u8 {
        uncached
    }

    /// `stats`.
    #[cached(companion = cache_of_stats)]
    #[must_use]
    pub fn stats(stats: u8) -> u8 {
        stats
    }
}

/// A module and a function of one name.
pub mod twice {}

/// A module and a function of one name.
#[cached(companion = twice_cached)]
#[must_use]
pub fn twice(n: u8) -> u8 {
    n * 2
}

/// The prelude's names, hidden.
pub mod hidden {
    use cached_runtime::cached;

    /// Not that one.
    #[derive(Debug)]
    pub struct Option;
    /// Not that one.
    #[derive(Debug)]
    pub struct Vec;
    /// Not that one.
    pub trait Send {}
    /// Not that one.
    pub trait Clone {}
    /// Not that one.
    pub trait IntoIterator {}

    /// Still works.
    #[cached]
    #[must_use]
    pub fn still(n: u8, text: &str) -> usize {
        text.len() + usize::from(n)
    }
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((arguments(1, 1, 1, 1, 1, 1, 1), more(1, 1, 1, 1, 1, 1, 1)), (7, 7));
    arguments::set(1, 1, 1, 1, 1, 1, 1, &9);
    assert_eq!(arguments(1, 1, 1, 1, 1, 1, 1), 9);
    assert!(more::contains(1, 1, 1, 1, 1));
    assert_eq!((flags("a", &[1], 1, 1, 1), flags("a", &[1], 1, 2, 2)), (5, 7));
    assert_eq!((r#match("abc"), r#match::get("abc")), (3, Some(3)));
    assert_eq!((companions::get(1), companions::get::get(1)), (1, Some(1)));
    assert_eq!((companions::uncached(1), companions::uncached::uncached(2)), (1, 2));
    assert_eq!((companions::stats(1), companions::cache_of_stats::stats().misses), (1, 1));
    assert_eq!((twice(2), twice_cached::get(2)), (4, Some(4)));
    assert_eq!((hidden::still(1, "a"), hidden::still::many([(1, "a")])), (2, vec![Some(2)]));
}
