use cached_runtime::cached;

#[cached]
fn f(text: &str) -> &str {
    text
}

fn main() {}
