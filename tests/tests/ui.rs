//! What the compiler says: misuses that must be one clear error each, and shapes that must compile without a word. It
//! never runs a cache under load.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test -p cached-tests --test ui`, then read the diff.

use cached_runtime::cached;

#[test]
fn misuses_are_one_clear_error_each() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn shapes_compile_and_run_in_a_crate_of_their_own() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

/// Clippy and `missing_docs` see them there.
#[test]
fn all_shapes_are_in_the_library_of_shapes() {
    let library = include_str!("../ui/shapes.rs");
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/pass")).expect("the folder of the shapes") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        assert!(library.contains(&format!("pass/{name}")), "add {name} to ui/shapes.rs");
    }
}

#[tokio::test]
async fn inside_of_an_async_test() {
    #[cached]
    async fn nested(n: u8) -> u8 {
        std::future::ready(n).await
    }
    assert_eq!((nested(1).await, nested::get(1).await, nested::stats().misses), (1, Some(1), 1));
}
