use cached_runtime::cached;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Plain;

#[cached(backend = redis, ttl = "1m")]
async fn key(plain: &Plain) -> Result<u32, String> {
    drop(plain.clone());
    Ok(1)
}

#[cached(backend = redis, ttl = "1m")]
fn value(n: u32) -> Result<Option<Plain>, String> {
    Ok((n > 1).then_some(Plain))
}

struct Shop;

impl Shop {
    #[cached(backend = redis, ttl = "1m", name = "shop", skip(self), companion = method_entry)]
    async fn method(&self, n: u32) -> Plain {
        drop(n);
        Plain
    }
}

#[cached(backend = redis, ttl = "1m", each = id in ids)]
fn bulk(ids: &[u32]) -> Vec<Plain> {
    vec![Plain; ids.len()]
}

#[cached(backend = redis, ttl = "1m", cache_err = "5s")]
fn error(n: u32) -> Result<u32, Plain> {
    Ok(n)
}

fn main() {}
