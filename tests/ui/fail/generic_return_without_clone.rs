use cached_runtime::cached;

#[cached]
fn f<T: Default + Send + Sync + 'static>(n: u32) -> Option<T> {
    (n > 0).then(T::default)
}

fn main() {}
