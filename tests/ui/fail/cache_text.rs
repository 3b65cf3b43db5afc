use cached_runtime::cached;

#[cached(cache = "products")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
