use cached_runtime::cached;

struct Shop(u32);

#[cached]
impl Shop {
    fn item(&self) -> u32 {
        self.0
    }
}

fn main() {}
