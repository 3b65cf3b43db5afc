use cached_runtime::cached;

#[cached]
struct Shop(u32);

fn main() {}
