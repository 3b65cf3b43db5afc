use cached_runtime::cached;
use std::collections::HashSet;

#[cached(each = id in ids)]
fn f(ids: HashSet<u64>) -> Vec<u64> {
    ids.into_iter().collect()
}

fn main() {}
