//! The numbers as JSON: raw, and as the page writes them. Must never hold a number that the page shows otherwise.

use super::history::{self, Sample};
use super::page::{Health, cells, server_cells};
use super::servers::Server;
use crate::gathered::Gathered;
use serde_json::{Map, Value, json};

pub(super) fn render(caches: &[Gathered], servers: &[Server], samples: &[Sample]) -> Value {
    json!({
        "now_ms": history::now(),
        "caches": caches.iter().map(cache).collect::<Vec<_>>(),
        "redis": servers.iter().map(server).collect::<Vec<_>>(),
        "samples": samples.iter().map(|sample| json!({
            "at_ms": sample.at,
            "hits": sample.hits,
            "misses": sample.misses,
            "loads": sample.loads,
            "entries": sample.entries,
        })).collect::<Vec<_>>(),
    })
}

fn cache(cache: &Gathered) -> Value {
    let stats = &cache.stats;
    let health = Health::of(cache);
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    json!({
        "name": cache.name,
        "backend": cache.backend,
        "connection": cache.connection,
        "instances": cache.caches.len(),
        "health": health.class(),
        "hits": stats.hits,
        "misses": stats.misses,
        "hit_rate": stats.hit_rate(),
        "entries": stats.entries,
        "capacity": stats.capacity,
        "weight": stats.weight,
        "max_weight": stats.max_weight,
        "evictions": stats.evictions,
        "expirations": stats.expirations,
        "invalidations": stats.invalidations,
        "loads": stats.loads,
        "load_errors": stats.load_errors,
        "load_seconds": stats.load_time.as_secs_f64(),
        "mean_load_seconds": seconds(stats.mean_load_time()),
        "p50_load_seconds": seconds(stats.load_time_quantile(0.5)),
        "p99_load_seconds": seconds(stats.load_time_quantile(0.99)),
        "coalesced": stats.coalesced,
        "fenced": stats.fenced,
        "rejected": stats.rejected,
        "bypassed": stats.bypassed,
        "stale": stats.stale,
        "refreshes": stats.refreshes,
        "store_errors": stats.store_errors,
        "pending": stats.pending,
        "breaker": super::page::breaker(cache),
        "text": texts(cells(cache)),
    })
}

fn server(server: &Server) -> Value {
    let info = server.info.as_ref();
    json!({
        "name": server.name,
        "address": server.address,
        "state": server.state,
        "error": server.error,
        "available": info.is_some(),
        "used_memory": info.map(|info| info.used),
        "peak_memory": info.map(|info| info.peak),
        "fragmentation": info.and_then(super::servers::Info::fragmentation),
        "keys": info.map(|info| info.keys),
        "keys_with_ttl": info.map(|info| info.expiring),
        "hit_rate": info.and_then(super::servers::Info::hit_rate),
        "operations_per_second": info.map(|info| info.operations),
        "text": texts(server_cells(server)),
    })
}

fn texts<const N: usize>(cells: [(&'static str, String); N]) -> Value {
    Value::Object(cells.into_iter().map(|(column, text)| (column.to_owned(), text.into())).collect::<Map<_, _>>())
}
