use cached_runtime::cached;

#[cached(ttl = "60s", stale_if_error = "1h", cache_err = "5s")]
fn f(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn main() {}
