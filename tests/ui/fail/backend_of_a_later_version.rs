use cached_runtime::cached;

#[cached(backend = tiered, ttl = "1m")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
