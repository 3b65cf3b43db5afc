use cached_runtime::cached;

#[cached(backend = disk)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
