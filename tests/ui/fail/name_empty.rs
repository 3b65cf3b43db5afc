use cached_runtime::cached;

#[cached(name = "")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
