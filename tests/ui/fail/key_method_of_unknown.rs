use cached_runtime::cached;

#[cached(key = nm.trim())]
fn f(name: &str) -> usize {
    name.len()
}

fn main() {}
