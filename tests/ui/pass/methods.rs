//! Methods of inherent and trait impls, default methods, associated functions.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::{Cache, cached};
use std::fmt::Display;
use std::sync::Arc;

/// Has an item of a type.
#[derive(Debug)]
pub struct Shop<T> {
    id: u32,
    item: T,
    cache: Cache<u32, String>,
}

impl<T: Display> Shop<T> {
    /// A new one.
    pub fn new(id: u32, item: T) -> Self {
        Self { id, item, cache: Cache::builder().name("items").capacity(10).build() }
    }

    /// A key of two.
    #[cached(key = (self.id, n), companion = label_entry, ttl = "1m")]
    pub fn label(&self, n: u32, prefix: &str) -> Option<String> {
        if n == 0 {
            return None;
        }
        Some(format!("{prefix}{}{n}", self.item))
    }

    /// All instances share.
    #[cached(skip(self), companion = double_entry)]
    pub fn double(&self, n: u32) -> u32 {
        n * 2
    }

    /// Each instance its own.
    #[cached(cache = self.cache)]
    pub fn own(&self, n: u32) -> String {
        format!("{}{n}", self.item)
    }

    fn handle(&self) -> Cache<u32, String> {
        self.cache.clone()
    }

    /// Each instance its own, by a handle that is made for the call.
    #[cached(cache = self.handle(), bypass_if = n == 7)]
    pub fn own_by_value(&self, n: u32) -> String {
        format!("{}{n}", self.item)
    }

    /// With `?` and `return`, async.
    ///
    /// # Errors
    ///
    /// If it is no number.
    #[cached(key = (self.id, text))]
    pub async fn parsed(&self, text: &str) -> Result<u32, std::num::ParseIntError> {
        let n: u32 = std::future::ready(text).await.parse()?;
        if n == 7 {
            return Ok(self.id);
        }
        Ok(n)
    }

    /// Says `Self`, no `self`.
    #[cached(companion = named_entry)]
    #[must_use]
    pub fn named(n: u32) -> Option<Vec<u32>>
    where
        Self: Sized,
    {
        Some(vec![n])
    }

    /// Looks free.
    #[cached(companion = false)]
    #[must_use]
    pub fn free(n: u32) -> u32 {
        n
    }

    /// From behind a pointer.
    #[cached(key = self.id, backend = local)]
    pub fn shared(self: Arc<Self>) -> u32 {
        self.id
    }
}

/// Has a default.
pub trait Priced {
    /// Which one.
    fn id(&self) -> u32;

    /// For all who don't say otherwise.
    #[cached(key = (self.id(), n))]
    fn price(&self, n: u32) -> u32 {
        self.id() + n
    }
}

/// One.
#[derive(Debug)]
pub struct One;
/// Two.
#[derive(Debug)]
pub struct Two;

impl Priced for One {
    fn id(&self) -> u32 {
        1
    }
}

impl Priced for Two {
    fn id(&self) -> u32 {
        2
    }

    #[cached(skip(self))]
    fn price(&self, n: u32) -> u32 {
        n
    }
}

/// Async in a trait.
pub trait Found {
    /// Finds.
    fn find(&self, n: u32) -> impl Future<Output = Option<u32>> + Send;
}

impl Found for One {
    #[cached(key = n)]
    async fn find(&self, n: u32) -> Option<u32> {
        std::future::ready(n.checked_sub(1)).await
    }
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    let (a, b) = (Shop::new(1, "a"), Shop::new(2, "b"));
    assert_eq!(
        (a.label(1, ""), b.label(1, ""), a.label(1, "other"), a.label(0, "")),
        (Some("a1".into()), Some("b1".into()), Some("a1".into()), None)
    );
    a.label_entry(1).set(&"set".to_owned());
    assert_eq!((a.label(1, ""), a.label_entry(1).contains()), (Some("set".into()), true));
    a.label_entry(1).invalidate();
    assert_eq!(a.label_entry(1).get(), None);
    assert_eq!((a.double(1), b.double_entry(1).get()), (2, Some(2)));
    assert_eq!((a.own(1), b.own(1), a.cache.len()), ("a1".into(), "b1".into(), 1));
    assert_eq!((a.own_by_value(1), a.own_by_value(7), a.cache.stats().bypassed), ("a1".into(), "a7".into(), 1));
    assert_eq!((Shop::<u8>::named(1), Shop::<u8>::named_entry(1).get()), (Some(vec![1]), Some(Some(vec![1]))));
    assert_eq!((Shop::<u8>::free(1), Arc::new(b).shared()), (1, 2));
    assert_eq!((One.price(1), Two.price(1)), (2, 1));
    drop((a.parsed("1"), One.find(1)));
}
