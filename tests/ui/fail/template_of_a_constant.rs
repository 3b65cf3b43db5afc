use cached_runtime::cached;

const REGION: &str = "eu";

#[cached(key = "{REGION}:{id}")]
fn f(id: u32) -> u32 {
    id + REGION.len() as u32
}

#[cached(tags = ["{REGION}"])]
fn tagged(id: u32) -> u32 {
    id
}

#[cached(key = "product:{ID}")]
fn misspelt(id: u32) -> u32 {
    id
}

fn main() {}
