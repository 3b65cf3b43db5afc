use cached_runtime::cached;

#[cached(coalesce = "0s")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
