use cached_runtime::{cached, invalidates};

#[cached]
fn product(id: u64) -> u64 {
    id
}

#[invalidates(product(id).await)]
fn awaited(id: u64) {
    drop(product(id));
}

#[invalidates(7)]
fn a_number(id: u64) {
    drop(id);
}

#[invalidates]
fn nothing(id: u64) {
    drop(id);
}

fn main() {}
