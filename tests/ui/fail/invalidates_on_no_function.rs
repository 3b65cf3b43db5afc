use cached_runtime::invalidates;

#[invalidates(tags = ["products"])]
struct Shop;

fn main() {}
