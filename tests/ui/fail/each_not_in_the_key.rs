use cached_runtime::cached;

#[cached(each = id in ids, key = lang)]
fn f(ids: &[u64], lang: &str) -> Vec<String> {
    ids.iter().map(|id| format!("{lang} {id}")).collect()
}

fn main() {}
