use cached_runtime::cached;

#[cached(each = id in ids)]
fn f(ids: &[u64]) -> usize {
    ids.len()
}

fn main() {}
