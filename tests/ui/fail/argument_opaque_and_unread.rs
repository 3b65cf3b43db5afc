use cached_runtime::cached;

trait Store {
    fn load(&self, n: u32) -> String;
}

#[cached(skip(store))]
fn skipped(store: &impl Store, n: u32) -> String {
    store.load(n)
}

#[cached(key = n)]
fn not_in_the_key(store: impl Store, n: u32) -> String {
    store.load(n)
}

struct Shop;

impl Shop {
    #[cached(key = n, companion = item_entry)]
    fn item(&self, store: &impl Store, n: u32) -> String {
        store.load(n)
    }
}

fn main() {}
