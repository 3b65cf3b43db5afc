use cached_runtime::cached;

#[cached(backend = redis)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
