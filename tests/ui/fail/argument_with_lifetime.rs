use cached_runtime::cached;

#[cached]
fn f(name: Name<'_>) -> usize {
    name.0.len()
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Name<'a>(&'a str);

fn main() {}
