use cached_runtime::cached;

#[cached(backend = redis, ttl = "1m", codec = postcard)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
