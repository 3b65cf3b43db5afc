use cached_runtime::cached;

#[cached(backend = "local")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
