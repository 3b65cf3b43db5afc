use cached_runtime::cached;

#[cached]
fn f(user: &User) -> u32 {
    user.id
}

struct User {
    id: u32,
}

fn main() {}
