use cached_runtime::cached;

#[cached(ttl = "60s", stale_if_error = "1h", soft_timeout = "2s", timeout = "200ms")]
async fn f(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(n)
}

fn main() {}
