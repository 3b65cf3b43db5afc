use cached_runtime::cached;

#[cached]
fn f(words: &[&str]) -> usize {
    words.len()
}

fn main() {}
