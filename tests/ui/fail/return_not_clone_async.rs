use cached_runtime::cached;

#[cached]
async fn f(n: u32) -> Option<Product> {
    Some(Product(n))
}

struct Product(u32);

fn main() {}
