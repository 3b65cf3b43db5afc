use cached_runtime::cached;

#[cached(each = id in ids)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
