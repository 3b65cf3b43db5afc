use cached_runtime::{cached, updates};

#[cached]
fn product(id: u64) -> u64 {
    id
}

#[updates(product)]
fn all(id: u64) -> u64 {
    product(id)
}

#[updates(|result| product(result))]
fn of_the_result(id: u64) -> u64 {
    product(id)
}

#[updates(product(id), tags = ["products"])]
fn with_tags(id: u64) -> u64 {
    product(id)
}

fn main() {}
