use cached_runtime::cached;

#[cached(ttl = "60s", refresh_ahead = xfecth)]
fn f(n: u32) -> u32 {
    n
}

#[cached(ttl = "60s", refresh_ahead = "10s")]
fn g(n: u32) -> u32 {
    n
}

fn main() {}
