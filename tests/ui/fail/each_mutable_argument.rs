use cached_runtime::cached;

#[cached(each = id in ids, skip(log))]
fn f(ids: &[u64], log: &mut Vec<u64>) -> Vec<u64> {
    log.extend(ids);
    ids.to_vec()
}

fn main() {}
