use cached_runtime::cached;

#[cached(capacity = n as usize)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
