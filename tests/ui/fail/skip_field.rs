use cached_runtime::cached;

#[cached(skip(user.name))]
fn f(user: &User) -> u32 {
    user.id
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct User {
    id: u32,
    name: String,
}

fn main() {}
