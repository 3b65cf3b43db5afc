// #[invalidates(product(id).await, 7, tags = ["{name}"], tag = 1)]
// fn writer_mistakes(id: u8) {}

::core::compile_error! {
    "nothing is awaited here: the attribute knows how\n\nhelp: remove `.await`"
}
::core::compile_error! {
    "this is no cached function and no call of one\n\nhelp: write `product(id)` for one entry of a cached function, `product` for all of them, `self.item_entry(id)` for the entry of a method, or `tags = [\"products\"]`"
}
::core::compile_error! {
    "unknown option `tag`\n\nhelp: did you mean `tags`?"
}
::core::compile_error! {
    "no argument is called `name`\n\nhelp: the arguments are `id`"
}
fn writer_mistakes(id: u8) {}
