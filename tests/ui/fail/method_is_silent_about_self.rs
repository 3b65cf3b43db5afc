use cached_runtime::cached;

struct Shop(u32);

impl Shop {
    #[cached]
    fn item(&self, n: u32) -> u32 {
        self.0 + n
    }
}

fn main() {}
