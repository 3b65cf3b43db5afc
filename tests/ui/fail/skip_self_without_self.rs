use cached_runtime::cached;

#[cached(skip(self))]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
