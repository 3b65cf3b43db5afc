use cached_runtime::cached;

#[cached(each = ids)]
fn f(ids: &[u64]) -> Vec<u64> {
    ids.to_vec()
}

#[cached(each)]
fn g(ids: &[u64]) -> Vec<u64> {
    ids.to_vec()
}

fn main() {}
