use cached_runtime::cached;

#[derive(Clone, Debug)]
struct DbError;

#[cached(timeout = "2s")]
async fn f(n: u32) -> Result<u32, DbError> {
    Ok(n)
}

fn main() {}
