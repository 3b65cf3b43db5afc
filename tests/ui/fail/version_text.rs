use cached_runtime::cached;

#[cached(version = "2")]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
