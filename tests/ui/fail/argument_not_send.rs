use cached_runtime::cached;

#[cached]
fn f(text: std::rc::Rc<str>) -> usize {
    text.len()
}

fn main() {}
