use cached_runtime::cached;

static CACHE: std::sync::LazyLock<cached_runtime::Cache<u32, u32>> = std::sync::LazyLock::new(|| cached_runtime::Cache::builder().build());

#[cached(cache = CACHE, backend = local)]
fn of_one_thread(n: u32) -> u32 {
    n
}

#[cached(cache = CACHE, backend = memory)]
fn of_all(n: u32) -> u32 {
    n
}

#[cached(cache = CACHE, backend = redis("sessions"))]
fn of_a_connection(n: u32) -> u32 {
    n
}

fn main() {}
