//! Bare JSON in Redis, and what it has no place for.

use cached_runtime::cached;

#[cached(backend = redis, ttl = "60s", envelope = false)]
fn no_template(id: u64) -> u64 {
    id
}

#[cached(backend = redis, ttl = "60s", envelope = false, key = "a:{id}", tags = ["a"], tti = "9s", version = 2, cache_err = true)]
fn too_much(id: u64) -> Result<u64, String> {
    Ok(id)
}

#[cached(envelope = false)]
fn in_memory(id: u64) -> u64 {
    id
}

#[cached(backend = redis, ttl = "60s", envelope = "no", key = "b:{id}")]
fn no_word(id: u64) -> u64 {
    id
}

fn main() {}
