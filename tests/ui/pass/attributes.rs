//! Other attributes above and below.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;

/// Traced.
#[tracing::instrument]
#[cached]
#[must_use]
pub fn above(n: u8) -> u8 {
    n
}

/// Traced.
#[cached]
#[tracing::instrument]
#[must_use]
pub fn below(n: u8) -> u8 {
    n
}

/// Traced.
#[tracing::instrument(skip(text))]
#[cached]
pub async fn above_async(text: &str) -> usize {
    std::future::ready(text.len()).await
}

/// Traced.
#[cached]
#[tracing::instrument(skip(text))]
pub async fn below_async(text: &str) -> usize {
    std::future::ready(text.len()).await
}

/// Only in some builds.
#[cached]
#[cfg(any())]
pub fn absent(n: NoSuchType) -> u8 {
    n
}

/// Only in some builds.
#[cfg(not(any()))]
#[cached]
#[must_use]
pub fn present(n: u8) -> u8 {
    n
}

/// Inlined, and more.
#[cached]
#[inline]
#[must_use = "it is all there is"]
#[cfg_attr(all(), doc = "More.")]
pub fn inlined(n: u8) -> u8 {
    n
}

/// An expectation that the body fulfils.
#[cached]
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "to have one")]
pub fn expected(text: String) -> usize {
    text.len()
}

/// More than clippy likes.
#[cached]
#[must_use]
#[expect(clippy::too_many_arguments, reason = "to have one")]
pub fn many(one: u8, two: u8, three: u8, four: u8, five: u8, six: u8, seven: u8, eight: u8) -> u8 {
    one + two + three + four + five + six + seven + eight
}

#[cached]
#[expect(dead_code, reason = "to have one")]
fn dead(n: u8) -> u8 {
    n
}

#[cached]
#[allow(dead_code, unused_variables)]
fn allowed(n: u8) -> u8 {
    0
}

/// Old.
#[cached]
#[must_use]
#[deprecated(note = "old")]
pub fn old(n: u8) -> u8 {
    n
}

/// With dynamic dispatch.
#[async_trait::async_trait]
pub trait Repository {
    /// Finds.
    async fn find(&self, id: u32) -> Option<String>;
    /// All of them.
    async fn all(&self) -> Vec<u32>;
}

/// Has numbers.
#[derive(Debug)]
pub struct Numbers(pub u32);

#[async_trait::async_trait]
impl Repository for Numbers {
    #[cached(key = (self.0, id))]
    async fn find(&self, id: u32) -> Option<String> {
        if id == 0 {
            return None;
        }
        std::future::ready(()).await;
        Some(format!("{}", self.0 + id))
    }

    #[cached(skip(self))]
    #[tracing::instrument(skip(self))]
    async fn all(&self) -> Vec<u32> {
        std::future::ready(vec![1, 2]).await
    }
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((above(1), below(1), present(1), inlined(1)), (1, 1, 1, 1));
    assert_eq!((expected(String::new()), many(1, 1, 1, 1, 1, 1, 1, 1)), (0, 8));
    drop((Numbers(1).find(1), above_async("x"), below_async("x")));
}
