use cached_runtime::cached;

#[cached]
fn f(n: u32) -> std::io::Result<Product> {
    Ok(Product(n))
}

struct Product(u32);

fn main() {}
