//! Corners of the language in a cached function: names that could meet ours, lifetimes inside of types, bodies that change
//! what they were given. They compile, and they cache.

use cached_runtime::cached;
use cached_tests::Counter;
use std::sync::Arc;

#[test]
fn self_in_a_use_declaration_makes_no_method() {
    #[cached]
    fn shown(n: u32) -> String {
        use std::fmt::{self, Write as _};
        let mut out = String::new();
        let written: fmt::Result = write!(out, "{n}");
        written.expect("in memory");
        out
    }
    // A method would have no companion.
    assert_eq!((shown(1), shown::get(1)), ("1".to_owned(), Some("1".to_owned())));
}

#[test]
fn past_the_cache_a_body_may_change_what_it_was_given() {
    static RUNS: Counter = Counter::new();
    struct Source(u32);
    impl Source {
        #[cached(key = n, bypass_if = fresh)]
        fn next(&mut self, n: u32, fresh: bool) -> u32 {
            self.0 += n;
            self.0
        }
    }
    #[cached(skip(log, fresh), bypass_if = fresh)]
    fn logged(log: &mut Vec<u32>, n: u32, fresh: bool) -> u32 {
        RUNS.up();
        log.push(n);
        n
    }
    let mut source = Source(0);
    assert_eq!((source.next(2, false), source.next(2, false), source.next(2, true)), (2, 2, 4));
    let mut log = Vec::new();
    for fresh in [true, false, false, true] {
        assert_eq!(logged(&mut log, 7, fresh), 7);
    }
    assert_eq!((log, RUNS.get()), (vec![7; 3], 3));
}

#[test]
fn functions_over_borrowed_arguments_are_keys_and_values() {
    fn length(text: &str) -> usize {
        text.len()
    }
    #[cached]
    fn measures(least: usize) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
        Arc::new(move |text| text.len() >= least)
    }
    #[cached]
    fn pointer(_n: u32) -> fn(&str) -> usize {
        length
    }
    #[cached]
    fn applied(measure: fn(&str) -> usize, text: &str) -> usize {
        measure(text)
    }
    #[cached]
    fn trimming(_n: u32) -> for<'a> fn(&'a str) -> &'a str {
        str::trim
    }
    assert!(measures(2)("ab") && !measures(2)("a") && measures::get(2).is_some());
    assert_eq!((pointer(1)("abc"), pointer::get(1).map(|f| f("ab"))), (3, Some(2)));
    assert_eq!((applied(length, "abc"), applied::get(length, "abc"), applied::get(length, "ab")), (3, Some(3), None));
    assert_eq!((trimming(1)(" a "), trimming::get(1).is_some()), ("a", true));
}

#[test]
fn lifetimes_of_any_name() {
    #[cached]
    fn one<'k>(a: &'k str) -> usize {
        let a: &'k str = a.trim();
        a.len()
    }
    #[cached]
    fn two<'item, 'k>(a: &'item str, b: &'k str) -> usize
    where
        'item: 'k,
    {
        a.len() + b.len()
    }
    assert_eq!((one("a"), one::get("a"), one::many(["a", "b"])), (1, Some(1), vec![Some(1), None]));
    assert_eq!((two("a", "bc"), two::get("a", "bc"), two::get("a", "b")), (3, Some(3), None));
}

#[test]
fn a_type_that_is_a_macro() {
    macro_rules! number {
        () => {
            u32
        };
    }
    #[cached]
    fn double(n: number!()) -> number!() {
        n * 2
    }
    #[cached]
    fn sum(pair: (number!(), u8)) -> u32 {
        pair.0 + u32::from(pair.1)
    }
    assert_eq!((double(2), double::get(2), double::get(3)), (4, Some(4), None));
    assert_eq!((sum((2, 1)), sum::get((2, 1)), sum::get((1, 2))), (3, Some(3), None));
}
