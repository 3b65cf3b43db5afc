use cached_runtime::cached;

#[cached]
fn f(n: u32) -> impl Iterator<Item = u32> {
    0..n
}

fn main() {}
