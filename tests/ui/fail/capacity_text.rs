use cached_runtime::cached;

#[cached(capacity = "100")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
