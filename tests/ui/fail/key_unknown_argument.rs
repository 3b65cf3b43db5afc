use cached_runtime::cached;

#[cached(key = m)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
