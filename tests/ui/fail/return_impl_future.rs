use cached_runtime::cached;

#[cached]
fn f(n: u32) -> impl Future<Output = u32> {
    async move { n }
}

fn main() {}
