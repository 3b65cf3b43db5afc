use cached_runtime::{cached, invalidates};

#[cached]
fn product(id: u64) -> u64 {
    id
}

#[invalidates(product(name))]
fn f(name: &str) {
    let _ = (name, product(1));
}

fn main() {}
