use cached_runtime::cached;

#[cached(backend = redis, ttl = "1m", capacity = 10, eviction = sieve)]
fn f(n: u32) -> u32 {
    n
}

#[cached(backend = redis, ttl = "1m", max_weight = "1MiB", weigh = |_, _| 1)]
fn g(n: u32) -> u32 {
    n
}

fn main() {}
