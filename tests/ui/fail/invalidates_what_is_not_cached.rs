use cached_runtime::invalidates;

fn product(id: u64) -> u64 {
    id
}

#[invalidates(product(id))]
fn f(id: u64) {
    drop(product(id));
}

fn main() {}
