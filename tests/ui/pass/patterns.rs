//! Patterns for arguments.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;

/// A point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Across.
    pub x: i32,
    /// Up.
    pub y: i32,
}

/// Taken apart.
#[cached]
#[must_use]
pub fn apart((a, b): (u8, u8), Point { x, y }: Point, [first, ..]: [u8; 3], mut n: i32, _: &str) -> i32 {
    n += i32::from(a + b + first);
    n + x + y
}

/// A key from inside of a pattern.
#[cached(key = (x, a.len()))]
#[must_use]
pub fn inside(Point { x, y: _ }: Point, (a, _b): (&str, u8)) -> usize {
    usize::try_from(x).unwrap_or(0) + a.len()
}

/// In methods the body stands in place.
#[derive(Debug)]
pub struct Shop(pub i32);

impl Shop {
    /// Taken apart.
    #[cached(key = (self.0, x, n))]
    #[must_use]
    pub fn item(&self, Point { x, y }: Point, mut n: i32, _: &str, _unused: u8) -> i32 {
        n += self.0;
        n + x + y
    }

    /// By value, changing it.
    #[cached(key = self.0)]
    #[must_use]
    pub fn taken(mut self) -> i32 {
        self.0 += 1;
        self.0
    }

    /// Changing it.
    #[cached(key = self.0)]
    pub fn changed(&mut self) -> i32 {
        self.0 += 1;
        self.0
    }
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    let point = Point { x: 1, y: 2 };
    assert_eq!(apart((1, 2), point, [3, 4, 5], 6, "a"), 15);
    assert!(apart::contains((1, 2), point, [3, 4, 5], 6));
    assert_eq!((inside(point, ("ab", 1)), inside(Point { x: 1, y: 9 }, ("cd", 2)), inside::stats().hits), (3, 3, 1));
    assert_eq!((Shop(1).item(point, 1, "", 1), Shop(1).item(point, 1, "x", 2)), (5, 5));
    assert_eq!((Shop(1).taken(), Shop(1).changed()), (2, 2));
}
