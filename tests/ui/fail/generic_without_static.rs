use cached_runtime::cached;

#[cached]
fn f<T: ToString + std::hash::Hash + Eq + Clone + Send + Sync>(value: T) -> String {
    value.to_string()
}

fn main() {}
