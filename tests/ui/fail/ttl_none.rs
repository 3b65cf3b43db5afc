use cached_runtime::cached;

#[cached(ttl = None)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
