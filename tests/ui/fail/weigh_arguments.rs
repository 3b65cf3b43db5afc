use cached_runtime::cached;

#[cached(max_weight = 10, weigh = |value| 1)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
