use cached_runtime::cached;

#[cached(tags = "products")]
fn f(id: u64) -> u64 {
    id
}

#[cached(tags = [products])]
fn g(id: u64) -> u64 {
    id
}

#[cached(tags = [])]
fn h(id: u64) -> u64 {
    id
}

#[cached(tags = ["of:{id"])]
fn unclosed(id: u64) -> u64 {
    id
}

fn main() {}
