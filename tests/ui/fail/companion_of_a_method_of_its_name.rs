use cached_runtime::cached;

struct Shop(u32);

impl Shop {
    #[cached(key = self.0, companion = item)]
    fn item(&self) -> u32 {
        self.0
    }
}

fn main() {}
