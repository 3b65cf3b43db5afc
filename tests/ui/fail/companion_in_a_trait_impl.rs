use cached_runtime::cached;

struct Shop(u32);

trait Items {
    fn item(&self) -> u32;
}

impl Items for Shop {
    #[cached(key = self.0, companion = item_entry)]
    fn item(&self) -> u32 {
        self.0
    }
}

fn main() {}
