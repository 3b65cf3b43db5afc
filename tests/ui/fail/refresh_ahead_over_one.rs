use cached_runtime::cached;

#[cached(ttl = "60s", refresh_ahead = 1.5)]
fn over(n: u32) -> u32 {
    n
}

#[cached(ttl = "60s", refresh_ahead = 0.0)]
fn zero(n: u32) -> u32 {
    n
}

#[cached(ttl = "60s", refresh_ahead = 1)]
fn integer(n: u32) -> u32 {
    n
}

fn main() {}
