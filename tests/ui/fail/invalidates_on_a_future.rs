use std::{future::Future, pin::Pin};

use cached_runtime::{cached, invalidates};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[cached]
fn product(id: u32) -> u32 {
    id
}

#[invalidates(product(id))]
fn update(id: u32) -> Boxed<u32> {
    Box::pin(async move { id })
}

#[invalidates(product)]
async fn spawned(id: u32) -> std::future::Ready<u32> {
    std::future::ready(id)
}

fn main() {}
