//! Keys of every form.

#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::{Cache, CacheKey, CacheValue, cached};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A key of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    id: u8,
    text: String,
}

/// A struct.
#[cached(key = Key { id, text: text.to_owned() })]
#[must_use]
pub fn by_struct(id: u8, text: &str) -> usize {
    text.len() + usize::from(id)
}

/// Control flow.
#[cached(key = match id { Some(id) => id + n, None => if *n > 3 { 0 } else { *n } })]
#[must_use]
pub fn by_match(id: Option<u8>, n: &u8) -> u8 {
    id.unwrap_or(*n)
}

/// A block.
#[cached(key = { let id = id.unwrap_or(n); id / 2 })]
#[must_use]
pub fn by_block(id: Option<u8>, n: u8) -> u8 {
    id.unwrap_or(n)
}

/// Text.
#[cached(key = format!("{id}-{}-{text:?}", text.trim()))]
#[must_use]
pub fn by_text(id: u8, text: &str) -> usize {
    text.len() + usize::from(id)
}

/// A closure whose argument is called as an argument of the function.
#[cached(key = ids.iter().map(|n| n + 1).collect::<Vec<_>>(), skip(connection))]
pub fn by_closure(connection: &mut Vec<u8>, ids: &[u8], n: u8) -> usize {
    connection.push(n);
    ids.len()
}

/// Options whose arguments are called as arguments of the function.
#[cached(cache_if = |id| *id > 3, max_weight = 10, weigh = |id, n| usize::from(*id + *n))]
#[must_use]
pub fn shadowed(id: u8) -> u8 {
    id
}

/// Floats, within and without.
#[cached(key = (x, y.map(f64::abs), (z.0, z.1)))]
#[must_use]
pub fn floats(x: f32, y: Option<f64>, z: (f64, &str)) -> f64 {
    f64::from(x) + y.unwrap_or_default() + z.0
}

/// Collections.
#[cached]
#[must_use]
pub fn collections(map: &BTreeMap<String, Vec<u8>>, array: &[[u8; 2]]) -> usize {
    map.len() + array.len()
}

/// One entry for all.
#[cached(key = ())]
#[must_use]
pub fn only_one(n: u8) -> u8 {
    n
}

/// Asks for the traits by name.
#[cached]
#[must_use]
pub fn by_trait<K: CacheKey, V: CacheValue + Default>(_key: K) -> V {
    V::default()
}

static SHARED: LazyLock<Cache<u8, u8>> = LazyLock::new(|| Cache::builder().name("shared").build());

/// The first of two.
#[cached(cache = SHARED)]
#[must_use]
pub fn first(n: u8) -> u8 {
    n
}

/// The second of two.
#[cached(cache = first_of(n), key = n)]
#[must_use]
pub fn second(n: u8) -> u8 {
    n + 1
}

fn first_of(_: u8) -> &'static Cache<u8, u8> {
    &SHARED
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((by_struct(1, "a"), by_struct::get(1, "a")), (2, Some(2)));
    assert_eq!((by_match(Some(1), &2), by_match(None, &3), by_match::stats().hits), (1, 1, 1));
    assert_eq!((by_block(Some(4), 0), by_block(None, 5), by_block::stats().hits), (4, 4, 1));
    assert_eq!((by_text(1, "a"), by_text::contains(1, "a"), by_text::contains(1, "b")), (2, true, false));
    let mut connection = Vec::new();
    assert_eq!(
        (by_closure(&mut connection, &[1], 1), by_closure(&mut connection, &[1], 2), connection.len()),
        (1, 1, 1)
    );
    assert_eq!((shadowed(1), shadowed(4), shadowed::contains(1), shadowed::contains(4)), (1, 4, false, true));
    assert!(floats(0.0, Some(-1.0), (2.0, "a")) < floats(0.0, Some(1.0), (5.0, "a")));
    assert!(floats::contains(-0.0, Some(-1.0), (2.0, "a")));
    assert_eq!(collections(&BTreeMap::new(), &[[1, 2]]), 1);
    assert_eq!((only_one(1), only_one(2)), (1, 1));
    assert_eq!((by_trait::<u8, u16>(1), by_trait::get::<u8, u16>(1), by_trait::get::<u8, u32>(1)), (0, Some(0), None));
    assert_eq!((first(1), second(1), first::stats().hits), (1, 1, 1));
}
