use cached_runtime::cached;

static CACHE: std::sync::LazyLock<cached_runtime::Cache<u64, u32>> = std::sync::LazyLock::new(|| cached_runtime::Cache::builder().build());

#[cached(cache = CACHE)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
