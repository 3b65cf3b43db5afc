use cached_runtime::cached;

#[cached(stale_while_revalidate = "10s")]
fn revalidated(n: u32) -> u32 {
    n
}

#[cached(ttl = never, stale_if_error = "1h")]
fn on_error(n: u32) -> Result<u32, ()> {
    Ok(n)
}

#[cached(refresh_ahead = 0.8)]
fn ahead(n: u32) -> u32 {
    n
}

#[cached(refresh_ahead = xfetch)]
fn by_chance(n: u32) -> u32 {
    n
}

fn main() {}
