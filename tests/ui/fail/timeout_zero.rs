use cached_runtime::cached;

#[cached(timeout = "0s")]
async fn f(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(n)
}

fn main() {}
