use cached_runtime::cached;

#[cached(codec = json)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
