use cached_runtime::cached;

#[cached]
fn f(n: u32) -> Option<u32> {
    n
}

fn main() {}
