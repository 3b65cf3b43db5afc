use cached_runtime::cached;

#[cached(ttl = "60s", soft_timeout = "200ms")]
async fn f(n: u32) -> u32 {
    n
}

fn main() {}
