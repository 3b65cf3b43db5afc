use cached_runtime::cached;

#[cached]
fn f(n: u32) -> Product {
    Product(n)
}

struct Product(u32);

fn main() {}
