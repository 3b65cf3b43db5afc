use cached_runtime::cached;

#[cached]
fn f(n: u32) -> std::rc::Rc<u32> {
    n.into()
}

fn main() {}
