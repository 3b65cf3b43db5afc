use cached_runtime::cached;

#[cached(stale_while_revalidate = "1m", each = id in ids)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
