use cached_runtime::cached;

#[cached(key = |n| n)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
