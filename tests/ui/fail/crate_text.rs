use cached_runtime::cached;

#[cached(crate = "cached_runtime")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
