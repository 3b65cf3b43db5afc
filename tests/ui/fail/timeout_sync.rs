use cached_runtime::cached;

#[cached(timeout = "2s")]
fn f(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(n)
}

fn main() {}
