use cached_runtime::cached;

#[cached(skip(b))]
fn f((a, b): (u32, u32)) -> u32 {
    a + b
}

fn main() {}
