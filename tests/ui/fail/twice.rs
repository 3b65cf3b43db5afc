use cached_runtime::cached;

#[cached]
#[cached(ttl = "1m")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
