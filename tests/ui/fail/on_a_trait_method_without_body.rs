use cached_runtime::cached;

trait Items {
    #[cached(skip(self))]
    fn item(&self) -> u32;
}

fn main() {}
