use cached_runtime::cached;

#[cached(banana = 100)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
