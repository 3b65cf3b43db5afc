use cached_runtime::cached;

struct Shop(u32);

impl Shop {
    #[cached(key = self.0)]
    async fn f(&self) -> Option<u32> {
        self.0
    }
}

fn main() {}
