use cached_runtime::invalidates;

#[invalidates(tag = ["products"])]
fn f(id: u64) {
    drop(id);
}

#[invalidates(tags = ["products"], tags = ["pages"])]
fn g(id: u64) {
    drop(id);
}

fn main() {}
