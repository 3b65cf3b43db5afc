//! What all pages have around their content, and how they write times. Must never read a request.

use crate::assets;
use crate::error::Error;
use askama::Template;
use axum::response::Html;
use std::time::Duration;

/// What the base template reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    here: &'static str,
}

/// The navigation: address and title.
const NAVIGATION: [(&str, &str); 8] = [
    ("/products", "Products"),
    ("/products/compare", "Compare"),
    ("/benchmark", "Benchmark"),
    ("/search", "Search"),
    ("/users", "Users"),
    ("/weather", "Weather"),
    ("/http", "HTTP"),
    ("/cache-stats", "Cache stats"),
];

impl Layout {
    /// A page that is marked in the navigation if it is `here`.
    pub(crate) fn new(here: &'static str) -> Self {
        Self { here }
    }

    pub(crate) fn navigation(self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        NAVIGATION.into_iter().map(move |(path, title)| (path, title, path == self.here))
    }

    /// The stylesheet; its address changes with its content, so that browsers may keep it for ever.
    pub(crate) fn style(self) -> String {
        let _ = self;
        assets::address(assets::STYLE)
    }
}

/// Renders a page.
pub(crate) fn html(page: &impl Template) -> Result<Html<String>, Error> {
    Ok(Html(page.render()?))
}

/// `0.31 ms`: three digits, in the unit that fits.
pub(crate) fn seconds(time: Duration) -> String {
    let nanos = time.as_secs_f64() * 1e9;
    let (number, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    match number {
        n if n < 9.995 => format!("{n:.2} {unit}"),
        n if n < 99.95 => format!("{n:.1} {unit}"),
        n => format!("{n:.0} {unit}"),
    }
}

/// `just now`, `12 s ago`, `3 min ago`.
pub(crate) fn ago(time: Duration) -> String {
    match time.as_secs() {
        0 => "just now".to_owned(),
        n @ 1..=119 => format!("{n} s ago"),
        n => format!("{} min ago", n / 60),
    }
}

/// `12,000×` or `3.4×`: how many times faster.
pub(crate) fn times(factor: f64) -> String {
    if !factor.is_finite() {
        return "∞".to_owned();
    }
    if factor < 10.0 {
        return format!("{factor:.1}×");
    }
    let digits = format!("{factor:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}×")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let shown = [50, 12_345, 999_999, 300_000_000, 2_000_000_000].map(|n| seconds(Duration::from_nanos(n)));
        assert_eq!(shown, ["50.0 ns", "12.3 µs", "1000 µs", "300 ms", "2.00 s"]);
        assert_eq!([1.26, 12.0, 1234.0, 1_234_567.0].map(times), ["1.3×", "12×", "1,234×", "1,234,567×"]);
        assert_eq!(times(f64::INFINITY), "∞");
        assert_eq!([0, 5, 200].map(|n| ago(Duration::from_secs(n))), ["just now", "5 s ago", "3 min ago"]);
    }
}
