use cached_runtime::cached;

#[cached(ttl = "")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
