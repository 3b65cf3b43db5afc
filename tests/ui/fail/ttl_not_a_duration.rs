use cached_runtime::cached;

#[cached(ttl = 30 * 60)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
