use cached_runtime::cached;

#[cached(tti = "0ms")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
