use cached_runtime::cached;

#[cached]
fn f(list: &[u8]) -> Option<&[u8]> {
    list.get(1..)
}

fn main() {}
