use cached_runtime::cached;

#[cached(bypass_if = n)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
