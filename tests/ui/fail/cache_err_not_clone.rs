use cached_runtime::cached;

#[cached(cache_err = true)]
fn f(n: u32) -> std::io::Result<u32> {
    Ok(n)
}

fn main() {}
