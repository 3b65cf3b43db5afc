use cached_runtime::cached;

#[cached("60s")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
