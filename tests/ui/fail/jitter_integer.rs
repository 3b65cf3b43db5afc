use cached_runtime::cached;

#[cached(ttl = "1m", jitter = 10)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
