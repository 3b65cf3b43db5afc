use cached_runtime::{cached, updates};

#[cached]
fn product(id: u64) -> String {
    id.to_string()
}

#[updates(product(id))]
fn f(id: u64) -> Vec<u8> {
    product(id).into_bytes()
}

fn main() {}
