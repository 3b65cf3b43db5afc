use cached_runtime::cached;

#[cached(capacity = 10, max_weight = 10, weigh = |_, _| 1)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
