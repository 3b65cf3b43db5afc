use cached_runtime::cached;

#[cached(cache_none = 5)]
fn f(n: u32) -> Option<u32> {
    Some(n)
}

fn main() {}
