use cached_runtime::cached;

struct Shop(u32);

impl Shop {
    #[cached(backend = redis, ttl = "1m", key = (self.0, n))]
    fn price(&self, n: u32) -> u32 {
        n
    }
}

#[cached(backend = redis, ttl = "1m")]
fn generic<T: ToString>(value: T) -> String {
    value.to_string()
}

fn main() {}
