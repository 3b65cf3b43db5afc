use cached_runtime::cached;

#[cached(skip(db))]
fn f(db: &str, n: u32) -> u32 {
    n + db.len() as u32
}

fn user() {
    f::invalidate("db", 1);
}

fn main() {}
