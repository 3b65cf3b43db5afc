use cached_runtime::cached;

#[cached(capacity = unbounded, eviction = sieve)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
