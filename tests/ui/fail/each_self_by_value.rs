use std::collections::HashMap;

use cached_runtime::cached;

#[derive(Clone)]
struct Shop;

impl Shop {
    #[cached(each = id in ids, key = id)]
    async fn changed(&mut self, ids: &[u32]) -> HashMap<u32, u32> {
        ids.iter().map(|id| (*id, *id)).collect()
    }

    #[cached(each = id in ids, key = id)]
    async fn taken(self, ids: &[u32]) -> HashMap<u32, u32> {
        ids.iter().map(|id| (*id, *id)).collect()
    }
}

fn main() {}
