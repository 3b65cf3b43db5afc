use cached_runtime::cached;

#[cached(eviction = fifo)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
