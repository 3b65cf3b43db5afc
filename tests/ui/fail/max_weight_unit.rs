use cached_runtime::cached;

#[cached(max_weight = "64m", weigh = |key, value| 1)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
