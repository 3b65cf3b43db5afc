use cached_runtime::cached;

#[cached(capacity = 100_u32)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
