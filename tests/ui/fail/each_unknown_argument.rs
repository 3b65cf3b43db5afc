use cached_runtime::cached;
use std::collections::HashMap;

#[cached(each = id in idz)]
fn f(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
