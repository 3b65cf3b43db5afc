use cached_runtime::cached;
use std::rc::Rc;

struct NoClone;

#[cached(ttl = "1m", stale_if_error = "1m", soft_timeout = "1s", skip(db))]
async fn soft(db: &NoClone, n: u32) -> u32 {
    std::future::ready(n).await
}
#[cached(ttl = "1m", stale_if_error = "1m", soft_timeout = "1s", skip(db))]
async fn soft_owned(db: Rc<u32>, n: u32) -> u32 {
    drop(db);
    std::future::ready(n).await
}
#[cached(ttl = "1m", stale_if_error = "1m", soft_timeout = "1s")]
async fn soft_not_send(n: u32) -> u32 {
    let x = Rc::new(n);
    std::future::ready(()).await;
    *x
}
#[cached(ttl = "1m", stale_if_error = "1m", soft_timeout = "1s")]
async fn soft_recursive(n: u32) -> u32 {
    if n == 0 { 0 } else { Box::pin(soft_recursive(n - 1)).await + 1 }
}
#[cached(ttl = "1m", stale_if_error = "1m", soft_timeout = "1s", skip(db))]
async fn soft_generic<D: 'static>(db: &D, n: u32) -> u32 {
    std::future::ready(n).await
}

fn main() {}
