use cached_runtime::cached;

struct Shop(u32);

impl Shop {
    #[cached(key = self.0)]
    fn f(&self) -> Product {
        Product(self.0)
    }
}

struct Product(u32);

fn main() {}
