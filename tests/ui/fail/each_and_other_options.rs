use cached_runtime::cached;

#[cached(each = id in ids, cache_err = true)]
fn f(ids: &[u64]) -> Result<Vec<u64>, String> {
    Ok(ids.to_vec())
}

#[cached(each = id in ids, ttl = "1m", stale_if_error = "1h", soft_timeout = "1s")]
async fn g(ids: &[u64]) -> Result<Vec<u64>, String> {
    Ok(ids.to_vec())
}

fn main() {}
