use cached_runtime::cached;

#[cached(capcity = 100)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
