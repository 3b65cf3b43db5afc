use cached_runtime::cached;

#[cached(key = user.address)]
fn f(user: &User) -> u32 {
    user.id
}

struct User {
    id: u32,
    address: Address,
}

struct Address;

fn main() {}
