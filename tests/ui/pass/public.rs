//! A library's documented functions: sync and async, fallible and not, all under the strictest lints.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;
use std::fmt;
use std::time::Duration;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: u64,
    /// What it says.
    pub text: String,
}

/// Where rows come from.
#[derive(Debug)]
pub struct Db(pub u64);

/// Why there is no row.
#[derive(Debug)]
pub struct Missing;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no row")
    }
}

impl std::error::Error for Missing {}

/// The usual alias.
pub type Answer<T> = std::result::Result<T, Missing>;

/// Adds one.
#[cached]
#[must_use]
pub fn plain(n: u64) -> u64 {
    n + 1
}

/// Takes nothing.
#[cached(ttl = "1h 30m")]
#[must_use]
pub fn constant() -> &'static str {
    "constant"
}

/// Gives nothing.
#[cached(capacity = unbounded)]
pub fn nothing(_n: u64) {}

/// A row by number and language.
///
/// # Errors
///
/// [`Missing`] for number 0.
#[cached(ttl = Duration::from_mins(1), tti = "10s", jitter = 0.1, capacity = 100 * 2, skip(db), name = "rows", version = 2, cache_err = "1s")]
pub fn row(db: &Db, id: u64, lang: &str) -> std::result::Result<Row, String> {
    if id == 0 { Err("none".to_owned()) } else { Ok(Row { id: db.0 + id, text: lang.to_owned() }) }
}

/// A row, later.
///
/// # Errors
///
/// [`Missing`] for number 0.
#[cached(ttl = never, skip(db), eviction = sieve, cache_none = true, cache_if = |row| !row.text.is_empty())]
pub async fn later(db: &Db, id: u64, lang: &str) -> Answer<Option<Row>> {
    std::future::ready(()).await;
    if id == 0 { Err(Missing) } else { Ok(Some(Row { id: db.0 + id, text: lang.to_owned() })) }
}

/// Bound by weight.
#[cached(max_weight = "64MiB", weigh = |name, text| name.len() + text.len(), key = name.trim())]
#[must_use]
pub fn weighed(name: &str) -> String {
    name.repeat(2)
}

/// Options over the arguments.
#[cached(key = "rows:{id}:{{}}:{price:.2}", skip(force), refresh_if = force, bypass_if = id == 7, coalesce = "5s")]
#[must_use]
pub fn flags(id: u64, price: f64, force: bool) -> Option<u64> {
    (price > 1.0).then_some(id)
}

/// One cache a thread.
#[cached(backend = local, coalesce = false)]
#[must_use]
pub fn local(text: &str) -> std::rc::Rc<str> {
    text.into()
}

/// Seven arguments: `set` has eight.
#[cached]
#[must_use]
pub fn seven(one: u8, two: u8, three: u8, four: u8, five: u8, six: u8, seven: u8) -> u8 {
    one + two + three + four + five + six + seven
}

/// The companions.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    let db = Db(1);
    assert_eq!((plain(1), plain(1), plain::stats().hits), (2, 2, 1));
    assert_eq!((constant(), constant::cache().len()), ("constant", 1));
    nothing(1);
    nothing::invalidate(1);
    assert_eq!(row(&db, 7, "en").map(|row| row.id), Ok(8));
    assert_eq!(row::get(7, "en").unwrap().unwrap().text, "en");
    row::set(7, "en", &Row { id: 1, text: String::new() });
    row::set(7, "de", &Err("no".to_owned()));
    assert_eq!(row::many([(7, "en"), (8, "en")]).len(), 2);
    assert!(row::contains(7, "de"));
    assert!(row::refresh(&db, 0, "en").is_err() && row::uncached(&db, 0, "en").is_err());
    row::clear();
    row::reset_stats();
    assert_eq!(row::stats().entries, 0);
    assert_eq!(weighed(" x"), " x x");
    assert_eq!((flags(1, 2.001, false), flags(1, 2.002, true), flags::stats().loads), (Some(1), Some(1), 2));
    assert_eq!(&*local("x"), "x");
    assert_eq!(seven(1, 1, 1, 1, 1, 1, 1), 7);
    let waiting = async {
        assert!(later(&db, 7, "en").await.is_ok());
        assert!(later::get(7, "en").await.is_some());
        later::invalidate(7, "en").await;
        later::clear().await;
        assert!(later::many([(7, "en")]).await[0].is_none());
        later::set(7, "en", &None).await;
        assert_eq!(later::refresh(&db, 7, "en").await.unwrap().unwrap().id, 8);
    };
    drop(waiting);
}
