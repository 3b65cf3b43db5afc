use cached_runtime::cached;

#[cached(backend = redis(sessions), ttl = "1m")]
fn f(n: u32) -> u32 {
    n
}

#[cached(backend = redis("a", "b"), ttl = "1m")]
fn g(n: u32) -> u32 {
    n
}

fn main() {}
