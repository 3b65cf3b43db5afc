use cached_runtime::cached;

#[cached(key = text.into_bytes())]
fn f(text: String) -> usize {
    text.len()
}

fn main() {}
