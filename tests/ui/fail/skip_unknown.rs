use cached_runtime::cached;

#[cached(skip(bd))]
fn f(db: &str, n: u32) -> u32 {
    n + db.len() as u32
}

fn main() {}
