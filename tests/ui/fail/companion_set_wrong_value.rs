use cached_runtime::cached;

#[cached]
fn f(n: u32) -> Option<String> {
    Some(n.to_string())
}

fn user() {
    f::set(1, &2);
}

fn main() {}
