//! The caches as those who watch them want to see them: one line for each name and backend, in a stable order. Must never
//! be touched by a call of a cached function.

use crate::registry::{CacheInfo, caches};
use crate::stats::Stats;
use std::collections::BTreeMap;

/// All caches of one name in one backend: the instantiations of a generic function, the instances of a struct. Two lines
/// with the same labels would be no valid exposition.
pub(crate) struct Gathered {
    pub(crate) name: String,
    pub(crate) backend: &'static str,
    pub(crate) connection: Option<&'static str>,
    pub(crate) stats: Stats,
    pub(crate) caches: Vec<CacheInfo>,
}

/// All caches, by name.
pub(crate) fn gathered() -> Vec<Gathered> {
    let mut all: BTreeMap<(String, &'static str, Option<&'static str>), Gathered> = BTreeMap::new();
    for cache in caches() {
        let (name, backend, connection) = (cache.name().to_owned(), cache.backend(), cache.connection());
        let stats = cache.stats();
        all.entry((name.clone(), backend, connection))
            .and_modify(|known| {
                known.stats = std::mem::take(&mut known.stats).plus(&stats);
                known.caches.push(cache.clone());
            })
            .or_insert_with(|| Gathered { name, backend, connection, stats, caches: vec![cache] });
    }
    all.into_values().collect()
}
