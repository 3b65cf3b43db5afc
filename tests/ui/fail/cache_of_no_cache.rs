use cached_runtime::cached;

static CACHE: u32 = 7;

#[cached(cache = CACHE)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
