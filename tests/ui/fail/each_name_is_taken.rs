use cached_runtime::cached;

#[cached(each = lang in ids)]
fn f(ids: &[u64], lang: &str) -> Vec<String> {
    ids.iter().map(|id| format!("{lang} {id}")).collect()
}

#[cached(each = ids in ids)]
fn g(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

fn main() {}
