use cached_runtime::cached;

#[cached(bypass_if = |n| n > 1)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
