use cached_runtime::cached;

const KEY: &str = "product:{id}";

#[cached(key = KEY)]
fn a_constant(id: u32) -> u32 {
    id
}

#[cached(key = concat!("product:", "{id}"))]
fn text(id: u32) -> u32 {
    id
}

#[cached(key = String::from("product:{id}"))]
fn owned(id: u32) -> u32 {
    id
}

struct Shop;

impl Shop {
    #[cached(key = (1, KEY))]
    fn product(&self, id: u32) -> u32 {
        id
    }
}

macro_rules! produced {
    ($key:literal) => {
        #[cached(key = $key)]
        fn produced(id: u32) -> u32 {
            id
        }
    };
}
produced!("product");

fn main() {}
