//! Generics of every kind.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;
use std::borrow::Cow;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

/// A type.
#[cached(capacity = 10)]
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "as a user has it")]
pub fn by_type<T: Display + Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> String {
    value.to_string()
}

/// A type that is only returned.
///
/// # Errors
///
/// If it can't be read.
#[cached]
pub fn returned<T>(text: &str) -> Result<T, T::Err>
where
    T: std::str::FromStr + Clone + Send + Sync + 'static,
    T::Err: 'static,
{
    text.parse()
}

/// A constant.
#[cached]
#[must_use]
pub fn by_constant<const N: usize>(array: [u8; N]) -> usize {
    array.len() + N
}

/// An argument of an opaque type.
#[cached]
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "as a user has it")]
pub fn opaque(value: impl Display + Hash + Eq + Clone + Send + Sync + 'static, n: u8) -> String {
    format!("{value}{n}")
}

/// An argument of any type that makes no difference: each type has its entries.
#[cached(skip(sink))]
#[must_use]
pub fn skipped<S: Fn(u8)>(sink: S, n: u8) -> u8 {
    sink(n);
    n
}

/// Lifetimes with names.
#[cached]
#[must_use]
pub fn lifetimes<'a, 'b: 'a>(one: &'a str, other: &'b str) -> usize {
    let other: &'b str = other.trim();
    let both: [&'a str; 2] = [one, other];
    both.concat().len()
}

/// Everything that is looked at by reference.
#[cached]
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "as a user has it")]
pub fn borrowed(
    text: &&str,
    bytes: &[u8],
    cow: Cow<'_, str>,
    shared: &Arc<u8>,
    maybe: Option<&str>,
    pair: (&str, u8),
) -> usize {
    text.len()
        + bytes.len()
        + cow.len()
        + usize::from(**shared)
        + maybe.map_or(0, str::len)
        + pair.0.len()
        + usize::from(pair.1)
}

/// A type, async.
#[cached]
pub async fn later<T: Display + Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> String {
    std::future::ready(value).await.to_string()
}

/// An async function of a function.
#[cached(skip(f))]
pub async fn calls<F: AsyncFn(u8) -> u8>(f: &F, n: u8) -> u8 {
    f(n).await
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((by_type(1), by_type("a"), by_type::get::<u8>(1)), ("1".into(), "a".into(), None));
    assert_eq!((returned::<u8>("1"), returned::<u16>("1")), (Ok(1), Ok(1)));
    assert_eq!((returned::get::<u8>("1"), returned::get::<i8>("1")), (Some(Ok(1)), None));
    assert_eq!((by_constant([0; 2]), by_constant([0; 3])), (4, 6));
    assert_eq!((opaque("a", 1), opaque::contains("a", 1), opaque::contains(1, 1)), ("a1".into(), true, false));
    assert_eq!((skipped(drop, 1), skipped(drop, 1), skipped(|_| (), 1), skipped::stats().hits), (1, 1, 1, 1));
    assert_eq!(lifetimes("a", "b"), 2);
    assert_eq!(borrowed(&"a", b"b", Cow::Borrowed("c"), &Arc::new(1), Some("d"), ("e", 1)), 7);
    assert!(borrowed::contains(&"a", b"b", Cow::Borrowed("c"), &Arc::new(1), Some("d"), ("e", 1)));
    drop(later(1));
    drop(calls(&async |n| n, 1));
}
