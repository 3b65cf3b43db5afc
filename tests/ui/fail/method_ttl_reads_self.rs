use cached_runtime::cached;

struct Shop(std::time::Duration);

impl Shop {
    #[cached(skip(self), ttl = self.0)]
    fn item(&self, n: u32) -> u32 {
        n
    }
}

fn main() {}
