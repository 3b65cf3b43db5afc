use cached_runtime::cached;

#[cached(refresh_if = force)]
fn argument(n: u32, force: bool) -> u32 {
    let _ = force;
    n
}

#[cached(key = (n, again), refresh_if = n > 7 || !again)]
fn chosen(n: u32, again: bool) -> u32 {
    let _ = again;
    n
}

fn main() {}
