use cached_runtime::cached;

#[cached(stale_while_revalidate = "1m")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
