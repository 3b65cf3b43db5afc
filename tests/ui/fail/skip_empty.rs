use cached_runtime::cached;

#[cached(skip())]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
