use cached_runtime::cached;

#[cached(key = "product:{0}")]
fn f(id: u32) -> u32 {
    id
}

fn main() {}
