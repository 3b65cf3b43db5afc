use cached_runtime::cached;

#[cached(cache_err = true)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
