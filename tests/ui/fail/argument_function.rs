use cached_runtime::cached;

#[cached]
fn f(call: impl Fn(u32) -> u32, n: u32) -> u32 {
    call(n)
}

fn main() {}
