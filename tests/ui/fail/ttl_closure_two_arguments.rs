use cached_runtime::cached;

#[cached(ttl = |key, value| std::time::Duration::from_secs(*value))]
fn f(n: u64) -> u64 {
    n
}

fn main() {}
