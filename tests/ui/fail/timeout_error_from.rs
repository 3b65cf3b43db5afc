use cached_runtime::cached;

#[derive(Clone, Debug)]
struct DbError;

#[cached(timeout = "2s")]
async fn f(n: u32) -> Result<u32, DbError> {
    Ok(n)
}

struct Shop;

impl Shop {
    #[cached(skip(self), timeout = "2s")]
    async fn method(&self, n: u32) -> Result<u32, DbError> {
        Ok(n)
    }
}

#[cached(timeout = "2s", each = id in ids)]
async fn bulk(ids: &[u32]) -> Result<Vec<u32>, DbError> {
    Ok(ids.to_vec())
}

#[cached(timeout = "2s", ttl = "1m", stale_while_revalidate = "1m")]
async fn generic<E: Clone + Send + Sync + 'static>(n: u32) -> Result<u32, E> {
    Ok(n)
}

fn main() {}
