use cached_runtime::cached;

#[cached(max_weight = "1MiB")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
