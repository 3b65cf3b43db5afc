use cached_runtime::cached;

struct Shop;

impl Shop {
    #[cached]
    fn item(n: u32) -> u32 {
        n
    }
}

fn main() {}
