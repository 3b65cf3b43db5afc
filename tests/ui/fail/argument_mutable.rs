use cached_runtime::cached;

#[cached]
fn f(list: &mut Vec<u32>) -> usize {
    list.push(1);
    list.len()
}

fn main() {}
