use cached_runtime::cached;

#[cached(capacity = None)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
