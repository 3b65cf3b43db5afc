use cached_runtime::cached;

#[cached(capacity = "64MiB")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
