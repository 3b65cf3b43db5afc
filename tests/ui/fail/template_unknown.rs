use cached_runtime::cached;

#[cached(key = "product:{ix}")]
fn f(id: u32) -> u32 {
    id
}

fn main() {}
