use cached_runtime::cached;

#[cached(backend = local)]
fn f(user: User) -> u32 {
    user.0
}

#[derive(Clone)]
struct User(u32);

fn main() {}
