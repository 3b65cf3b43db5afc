use cached_runtime::cached;

#[cached(tll = "1s", capacity = "100", skip(m), eviction = fifo)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
