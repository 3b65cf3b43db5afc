use cached_runtime::cached;

#[cached(key = price(n))]
fn f(n: u32) -> u32 {
    n
}

fn price(n: u32) -> Vec<f64> {
    vec![f64::from(n)]
}

fn main() {}
