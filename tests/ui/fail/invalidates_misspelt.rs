use cached_runtime::{cached, invalidates, updates};

#[cached]
fn product(id: u64) -> u64 {
    id
}

#[cached(companion = false)]
fn alone(id: u64) -> u64 {
    id
}

#[invalidates(prodct(id))]
fn misspelt(id: u64) {
    drop(product(id));
}

#[updates(alone(id))]
fn without_companion(id: u64) -> u64 {
    alone(id)
}

fn main() {}
