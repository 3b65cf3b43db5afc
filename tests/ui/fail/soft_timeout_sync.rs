use cached_runtime::cached;

#[cached(ttl = "60s", stale_if_error = "1h", soft_timeout = "200ms")]
fn f(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn main() {}
