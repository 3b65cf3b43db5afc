use cached_runtime::{cached, invalidates};

#[cached(tags = ["product:{idd}"])]
fn product(id: u64) -> u64 {
    id
}

#[invalidates(tags = ["product:{ident}"])]
fn update(id: u64) {
    drop(product(id));
}

fn main() {}
