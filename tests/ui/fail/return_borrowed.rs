use cached_runtime::cached;

#[cached]
fn f<'a>(text: &'a str) -> std::borrow::Cow<'a, str> {
    text.into()
}

fn main() {}
