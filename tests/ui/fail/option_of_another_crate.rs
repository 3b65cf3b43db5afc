use cached_runtime::cached;

#[cached(size = 100, time = 60, result = true, sync_writes = true)]
fn f(n: u32) -> u32 {
    n
}

fn main() {}
