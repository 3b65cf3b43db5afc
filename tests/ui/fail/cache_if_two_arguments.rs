use cached_runtime::cached;

#[cached(cache_if = |n, value| *value > 1)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
