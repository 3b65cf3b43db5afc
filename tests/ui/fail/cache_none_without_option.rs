use cached_runtime::cached;

#[cached(cache_none = true)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
