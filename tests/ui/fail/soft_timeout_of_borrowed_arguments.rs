use cached_runtime::cached;

struct Session<'a>(&'a str);

#[cached(skip(session), ttl = "60s", stale_if_error = "1h", soft_timeout = "200ms")]
async fn f(session: Session<'_>, n: u32) -> Result<u32, String> {
    session.0.parse::<u32>().map(|more| n + more).map_err(|error| error.to_string())
}

struct Shop;

impl Shop {
    #[cached(skip(self), ttl = "60s", stale_if_error = "1h", soft_timeout = "200ms")]
    async fn method(&self, n: u32) -> Result<u32, String> {
        Ok(n)
    }
}

#[cached(backend = local, ttl = "60s", stale_if_error = "1h", soft_timeout = "200ms")]
async fn local(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn main() {}
