use cached_runtime::cached;

#[cached(key = "product:{id:?}")]
fn f(id: Id) -> u32 {
    id.0
}

struct Id(u32);

fn main() {}
