use cached_runtime::cached;

#[cached]
fn f(n: u32) -> ! {
    panic!("{n}")
}

fn main() {}
