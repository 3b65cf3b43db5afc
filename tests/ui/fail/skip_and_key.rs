use cached_runtime::cached;

#[cached(skip(n), key = n)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
