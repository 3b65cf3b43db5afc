//! What the shop is about. Must know neither the database nor HTTP.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something to buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    #[sqlx(try_from = "i64")]
    pub(crate) price: Cents,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// Part of the list of products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are called as the parameters of the addresses are")]
pub(crate) struct Page {
    pub(crate) products: Vec<Product>,
    pub(crate) page: u32,
    pub(crate) per_page: u32,
    pub(crate) total: u32,
}

impl Page {
    /// How many pages there are; one at least.
    pub(crate) fn pages(&self) -> u32 {
        self.total.div_ceil(self.per_page.max(1)).max(1)
    }
}

/// Who buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) visits: i64,
}

/// A price: cents, since sums of floats are no money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cents(pub(crate) i64);

impl Cents {
    /// The highest price that a form takes.
    pub(crate) const MOST: Self = Self(100_000_000);

    /// Reads `12`, `12.5` or `12.50`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 {
            return None;
        }
        let part: i64 = format!("{part:0<2}").parse().ok()?;
        let cents = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)?;
        Some(Self(cents)).filter(|price| price.0 <= Self::MOST.0)
    }
}

impl From<i64> for Cents {
    fn from(cents: i64) -> Self {
        Self(cents)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// What was loaded, when, and how long that took: a cached value carries its own history, so that a page can tell a hit
/// from a miss without asking the cache twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loaded<T> {
    pub(crate) value: T,
    pub(crate) took: Duration,
    /// Time since 1970, since it crosses to Redis and other processes read it.
    at: Duration,
}

impl<T> Loaded<T> {
    /// Stamps what a load that began at `start` brought.
    pub(crate) fn new(value: T, start: std::time::Instant) -> Self {
        Self { value, took: start.elapsed(), at: since_1970() }
    }

    /// How long ago it was loaded.
    pub(crate) fn age(&self) -> Duration {
        since_1970().saturating_sub(self.at)
    }

    /// Whether it was there before a request that began at `start`: a hit.
    pub(crate) fn is_older_than(&self, start: std::time::Instant) -> bool {
        self.age() > start.elapsed()
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_and_written_to_the_cent() {
        for (text, cents) in
            [("0", 0), ("12", 1200), ("12.5", 1250), ("12.50", 1250), ("0.01", 1), ("1000000", 100_000_000)]
        {
            assert_eq!(Cents::parse(text), Some(Cents(cents)), "{text}");
        }
        for wrong in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "NaN", "1,5", "1.234", " 1", "1000000.01", "99999999999999999999"]
        {
            assert_eq!(Cents::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Cents(1250).to_string(), "12.50");
        assert_eq!(Cents(5).to_string(), "0.05");
    }

    #[test]
    fn there_is_always_a_first_page() {
        let page = |total, per_page| Page { products: vec![], page: 1, per_page, total }.pages();
        assert_eq!([page(0, 10), page(1, 10), page(10, 10), page(11, 10)], [1, 1, 1, 2]);
    }
}
