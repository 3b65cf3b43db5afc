// #[cached(ttl = 60, capcity = 10)]
// fn mistakes(n: u8) -> &u8 {
//     n
// }

::core::compile_error! {
    "`ttl` is a duration with a unit\n\nhelp: write `ttl = \"60s\"` for seconds"
}
::core::compile_error! {
    "unknown option `capcity`\n\nhelp: did you mean `capacity`?"
}
::core::compile_error! {
    "a cached function can't return a reference: the cache outlives what it borrows from\n\nhelp: return an owned value, `u8` or `Arc<u8>`"
}
fn mistakes(n: u8) -> &u8 {
    n
}
