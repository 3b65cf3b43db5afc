use cached_runtime::cached;

#[cached(name = products)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
