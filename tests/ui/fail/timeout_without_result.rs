use cached_runtime::cached;

#[cached(timeout = "2s")]
async fn f(n: u32) -> u32 {
    n
}

fn main() {}
