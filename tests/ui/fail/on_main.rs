use cached_runtime::cached;

#[cached]
fn main() {}
