use cached_runtime::cached;

#[cached(ttl = "99999999999999999999999d")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
