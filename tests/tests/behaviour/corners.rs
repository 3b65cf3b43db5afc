//! Corners of the language in a cached function: names that could meet ours, lifetimes inside of types, bodies that change
//! what they were given. They compile, and they cache.

use cached_runtime::{cached, invalidates};
use cached_tests::Counter;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

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

#[test]
#[expect(elided_lifetimes_in_paths, reason = "what this is about")]
fn a_cow_without_its_lifetime() {
    #[cached]
    fn length(text: Cow<str>, bytes: std::borrow::Cow<[u8]>) -> usize {
        text.len() + bytes.len()
    }
    let (text, bytes) = (|| Cow::from("a"), || Cow::from(&b"bc"[..]));
    assert_eq!((length(text(), bytes()), length::get(text(), bytes())), (3, Some(3)));
    assert_eq!(length::many([(text(), bytes()), (bytes_as_text(), bytes())]), vec![Some(3), None]);
    length::invalidate("a".into(), bytes());
    assert!(!length::contains(text(), bytes()));
}

fn bytes_as_text() -> Cow<'static, str> {
    Cow::Owned("other".to_owned())
}

#[test]
fn attributes_inside_of_a_body() {
    #[cached(bypass_if = past)]
    fn odd((a, mut b): (u32, u32), past: bool) -> u32 {
        #![allow(non_snake_case)]
        //! Of the body.
        b += a;
        let Sum = b;
        Sum + Sum - b
    }
    #[invalidates(odd((n, n), false))]
    fn change(n: u32) -> u32 {
        #![allow(non_snake_case)]
        let Same = n;
        Same + Same - n
    }
    assert_eq!((odd((1, 1), false), change(1), odd::get((1, 1), false)), (2, 1, None));
}

#[test]
fn patterns_that_change_what_they_bind() {
    static RUNS: Counter = Counter::new();
    #[cached(key = a, tags = ["corners:{b}"], bypass_if = b > 7)]
    fn sum((a, mut b): (u32, u32)) -> u32 {
        RUNS.up();
        b += a;
        b
    }
    assert_eq!((sum((1, 2)), sum((1, 3)), sum((1, 8)), RUNS.get()), (3, 3, 9, 2));
    drop(cached_runtime::invalidate_tag("corners:2"));
    assert_eq!((sum((1, 3)), RUNS.get()), (4, 3));
}

#[test]
fn a_field_of_the_functions_name() {
    struct Item {
        price: u32,
    }
    #[cached]
    fn price(n: u32) -> u32 {
        Item { price: ::std::cmp::max(n, 2) }.price
    }
    assert_eq!((price(1), price::get(1)), (2, Some(2)));
}

#[test]
fn what_a_format_compares_is_read() {
    #[cached(key = format!("{}{}", a != 0, b == 0))]
    fn signs(a: i32, b: i32) -> (bool, bool) {
        (a != 0, b == 0)
    }
    assert_eq!((signs(0, 0), signs(1, 0), signs(1, 1)), ((false, true), (true, true), (true, false)));
    assert_eq!(signs::get(5, 0), Some((true, true)));
}

#[test]
fn lints_of_the_item_and_of_the_body_in_one_expectation() {
    #[cached]
    #[expect(dead_code, unused_variables, reason = "never called, and reads nothing")]
    #[deny(unfulfilled_lint_expectations)]
    fn idle(n: u32) -> u32 {
        let unread = 1;
        n
    }
}

/// A subscriber that remembers the names of spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<&'static str>>>);

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == module_path!()
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.0.lock().unwrap().push(span.metadata().name());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn an_instrumented_load_has_the_functions_name() {
    #[cached]
    #[tracing::instrument]
    fn plain(n: u32) -> u32 {
        n
    }
    #[cached]
    #[tracing::instrument(skip(name))]
    fn with_options(name: u32) -> u32 {
        name
    }
    #[cached]
    #[tracing::instrument(name = "its_own")]
    fn named(n: u32) -> u32 {
        n
    }
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || (plain(1), plain(1), with_options(1), named(1)));
    assert_eq!(*spans.0.lock().unwrap(), ["plain", "with_options", "its_own"], "of loads, not of hits");
}
