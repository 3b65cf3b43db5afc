use cached_runtime::cached;

#[cached]
fn f(#[cfg(all())] n: u32) -> u32 {
    n
}

fn main() {}
