use cached_runtime::cached;

#[cached(companion = true)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
