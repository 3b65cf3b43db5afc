use cached_runtime::cached;

#[cached]
fn f(user: User) -> u32 {
    user.id
}

#[derive(PartialEq, Eq, Hash)]
struct User {
    id: u32,
}

fn main() {}
