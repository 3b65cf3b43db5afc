use cached_runtime::cached;

#[cached]
unsafe fn f(n: u32) -> u32 {
    n
}

fn main() {}
