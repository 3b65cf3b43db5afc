use cached_runtime::cached;

#[cached(backend = redis, ttl = "1m", codec = bincode)]
fn f(n: u32) -> u32 {
    n
}

#[cached(backend = redis, ttl = "1m", codec = "json", compress_above = 1.5)]
fn g(n: u32) -> u32 {
    n
}

fn main() {}
