use cached_runtime::cached;

#[cached(refresh_if = force)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
