//! Functions of every shape: nested, generic, borrowed, in traits, `impl Trait` arguments, boxed futures; they compile and they cache.

use cached_runtime::cached;
use cached_tests::{Counter, run};
use std::{fmt::Debug, future::Future, hash::Hash, pin::Pin};

#[test]
fn closures_and_loops_around_a_nested_function() {
    static RUNS: Counter = Counter::new();
    let totals: Vec<u64> = (0..3)
        .map(|_| {
            #[cached]
            fn inner(n: u64) -> u64 {
                RUNS.up();
                n * n
            }
            (0..10).map(inner).sum()
        })
        .collect();
    assert_eq!((totals, RUNS.get()), (vec![285; 3], 10));
}

#[test]
fn explicit_lifetimes_and_where_clauses() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn longest<'a, 'b: 'a, T>(a: &'a str, b: &'b str, _of: T) -> String
    where
        T: Hash + Eq + Clone + Send + Sync + 'static,
    {
        RUNS.up();
        let longest: &'a str = if a.len() > b.len() { a } else { b };
        longest.to_owned()
    }
    let text = String::from("abc");
    assert_eq!(
        (longest(&text, "x", 1), longest("abc", "x", 1), longest("abc", "x", 'y'), RUNS.get()),
        ("abc".into(), "abc".into(), "abc".into(), 2)
    );
}

#[test]
fn const_generics_and_arrays() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn sum<const N: usize, T: Into<u64> + Copy + Hash + Eq + Send + Sync + 'static>(numbers: [T; N]) -> u64 {
        RUNS.up();
        numbers.into_iter().map(Into::into).sum()
    }
    assert_eq!((sum([1u8, 2]), sum([1u8, 2]), sum([1u8, 2, 0]), sum([1u16, 2]), RUNS.get()), (3, 3, 3, 3, 3));
}

#[test]
fn impl_trait_arguments() {
    static RUNS: Counter = Counter::new();
    #[cached(key = label.to_string())]
    fn shown<I: IntoIterator<Item = u8>>(label: impl ToString, times: I) -> usize {
        RUNS.up();
        label.to_string().len() * times.into_iter().count()
    }
    assert_eq!((shown("ab", [1, 2]), shown("ab", [3, 4]), RUNS.get()), (4, 4, 1));
    assert_eq!((shown("ab".to_owned(), vec![1]), RUNS.get()), (2, 2));
}

trait Store {
    fn id(&self) -> u32;

    fn item(&self, n: u32) -> String;

    fn later(&self, n: u32) -> impl Future<Output = String> + Send;

    #[cached(key = (self.id(), n))]
    fn by_default(&self, n: u32) -> String
    where
        Self: Debug,
    {
        RUNS.up();
        format!("{self:?} {n}")
    }
}

static RUNS: Counter = Counter::new();

#[derive(Debug)]
struct Disk(u32);
#[derive(Debug)]
struct Net(u32);

impl Store for Disk {
    fn id(&self) -> u32 {
        self.0
    }

    #[cached(key = (self.0, n))]
    fn item(&self, n: u32) -> String {
        RUNS.up();
        format!("disk {} {n}", self.0)
    }

    #[cached(key = (self.0, n))]
    async fn later(&self, n: u32) -> String {
        RUNS.up();
        tokio::task::yield_now().await;
        format!("disk {} {n}", self.0)
    }
}

impl Store for Net {
    fn id(&self) -> u32 {
        self.0
    }

    #[cached(key = (self.0, n))]
    fn item(&self, n: u32) -> String {
        RUNS.up();
        format!("net {} {n}", self.0)
    }

    #[cached(key = (self.0, n))]
    async fn later(&self, n: u32) -> String {
        RUNS.up();
        format!("net {} {n}", self.0)
    }
}

#[test]
fn trait_implementations_and_default_methods() {
    for _ in 0..2 {
        assert_eq!((Disk(1).item(2), Net(1).item(2)), ("disk 1 2".into(), "net 1 2".into()));
        assert_eq!((Disk(1).by_default(2), Net(1).by_default(2)), ("Disk(1) 2".into(), "Net(1) 2".into()));
        assert_eq!(
            run(|| async { (Disk(1).later(2).await, Net(1).later(2).await) }),
            ("disk 1 2".into(), "net 1 2".into())
        );
    }
    assert_eq!(RUNS.get(), 6);
}

#[test]
fn boxed_futures() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>> {
        Box::pin(async move {
            RUNS.up();
            tokio::task::yield_now().await;
            if text.is_empty() { Err("empty".into()) } else { Ok(text.len()) }
        })
    }
    run(|| async {
        for _ in 0..2 {
            assert_eq!((boxed("abc").await, boxed("").await), (Ok(3), Err("empty".into())));
        }
    });
    assert_eq!(RUNS.get(), 3);
}

/// The futures of async functions are `Send` where the plain ones would be.
#[test]
fn futures_are_send() {
    #[cached]
    async fn load(text: &str, id: u64) -> Result<String, String> {
        tokio::task::yield_now().await;
        Ok(format!("{text} {id}"))
    }
    struct Shop(u64);
    impl Shop {
        #[cached(key = (self.0, n))]
        async fn item(&self, n: u64) -> u64 {
            tokio::task::yield_now().await;
            self.0 + n
        }
    }
    let values = cached_tests::run_parallel(|| async {
        let text = String::from("abc");
        let a = tokio::spawn(async move { load(&text, 1).await }).await.unwrap();
        let b = tokio::spawn(async { Shop(1).item(2).await }).await.unwrap();
        let c = tokio::spawn(async { load::refresh("abc", 1).await }).await.unwrap();
        (a, b, c)
    });
    assert_eq!(values, (Ok("abc 1".into()), 3, Ok("abc 1".into())));
}

/// A body that is not `Send` makes a future that is not; a current-thread executor runs it.
#[test]
fn futures_that_are_not_send() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn load(id: u64) -> u64 {
        let held = std::rc::Rc::new(id);
        RUNS.up();
        tokio::task::yield_now().await;
        *held
    }
    assert_eq!((run(|| async { (load(1).await, load(1).await) }), RUNS.get()), ((1, 1), 1));
}

#[test]
fn mutable_and_early_returning_bodies() {
    #[cached]
    fn collatz(mut n: u64) -> u32 {
        let mut steps = 0;
        loop {
            if n == 1 {
                return steps;
            }
            n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
    }
    assert_eq!((collatz(27), collatz(27), collatz::stats().hits), (111, 111, 1));
}

#[test]
fn names_that_expansions_like() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn key(key: u32, cache: u32, value: u32, self_: u32, inner: u32, f: u32, r#type: &str) -> String {
        RUNS.up();
        format!("{key} {cache} {value} {self_} {inner} {f} {}", r#type)
    }
    #[cached]
    fn lookup(miss: u32, hit: u32, ret: u32, rt: u32, view: u32, slot: u32, options: u32) -> u32 {
        RUNS.up();
        miss + hit + ret + rt + view + slot + options
    }
    #[cached(key = "{value}:{miss}")]
    fn template(value: u32, miss: u32) -> u32 {
        RUNS.up();
        value + miss
    }
    for _ in 0..2 {
        assert_eq!(key(1, 2, 3, 4, 5, 6, "7"), "1 2 3 4 5 6 7");
        assert_eq!((lookup(1, 2, 3, 4, 5, 6, 7), template(1, 2)), (28, 3));
    }
    assert_eq!(RUNS.get(), 3);
}

#[test]
fn functions_that_return_nothing_or_a_reference_for_ever() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn warm(n: u32) {
        let _ = n;
        RUNS.up();
    }
    #[cached]
    fn word(n: u32) -> &'static str {
        RUNS.up();
        if n == 0 { "zero" } else { "many" }
    }
    for _ in 0..2 {
        warm(1);
        assert_eq!((word(0), word(1)), ("zero", "many"));
    }
    assert_eq!(RUNS.get(), 3);
}

mod renamed {
    pub(super) use cached_runtime as elsewhere;
}

#[test]
fn the_crate_elsewhere() {
    #[renamed::elsewhere::cached(crate = renamed::elsewhere)]
    fn load(n: u32) -> u32 {
        n
    }
    assert_eq!((load(1), load(1), load::stats().hits), (1, 1, 1));
}

#[test]
fn other_attributes_above_and_below() {
    #[allow(dead_code)]
    #[cached]
    #[must_use]
    #[inline(never)]
    #[cfg(not(any()))]
    fn load(n: u32) -> u32 {
        n
    }
    assert_eq!((load(1), load(1), load::stats().hits), (1, 1, 1));
}

/// Values that hold references for ever, functions, or trait objects behind an `Arc`.
#[test]
fn values_of_every_kind() {
    use std::sync::Arc;
    #[cached]
    fn adder(n: u64) -> Arc<dyn Fn(u64) -> u64 + Send + Sync> {
        Arc::new(move |m| n + m)
    }
    #[cached]
    fn operation(name: &str) -> Option<fn(u64, u64) -> u64> {
        match name {
            "add" => Some(|a, b| a + b),
            "mul" => Some(|a, b| a * b),
            _ => None,
        }
    }
    assert!(Arc::ptr_eq(&adder(1), &adder(1)));
    assert_eq!(adder(1)(2), 3);
    for _ in 0..2 {
        assert_eq!(
            (operation("add").unwrap()(2, 3), operation("mul").unwrap()(2, 3), operation("").is_none()),
            (5, 6, true)
        );
    }
    assert_eq!(operation::stats().hits, 2);
}

mod receivers {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, PartialEq, Eq, Hash)]
    pub(super) struct Shop<'a, T> {
        pub(super) name: &'a str,
        pub(super) of: T,
    }

    impl<'a, T: Debug + Clone + Hash + Eq + Send + Sync + 'static> Shop<'a, T> {
        const PREFIX: &'static str = "shop";

        fn helper(&self, n: u32) -> String {
            format!("{} {} {:?} {n}", Self::PREFIX, self.name, self.of)
        }

        #[cached(key = (self.name, self.of.clone(), n))]
        pub(super) fn by_reference(&self, n: u32) -> String {
            RUNS.up();
            self.helper(n)
        }

        #[cached(key = (self.name.to_owned(), n))]
        pub(super) fn by_arc(self: Arc<Self>, n: u32) -> String {
            RUNS.up();
            self.helper(n)
        }

        #[cached(key = (self.name.to_owned(), n))]
        pub(super) fn by_value(self, n: u32) -> String {
            RUNS.up();
            self.helper(n)
        }

        #[cached(key = (self.name.to_owned(), other.name.to_owned()))]
        pub(super) async fn with_another(&self, other: &Self) -> bool {
            RUNS.up();
            std::future::ready(self == other).await
        }

        #[cached(key = (self.name, label.as_ref().len()))]
        pub(super) fn generic<L: AsRef<str>>(&self, label: L) -> String
        where
            Self: Sized,
        {
            RUNS.up();
            format!("{} {}", self.helper(0), label.as_ref())
        }
    }

    static RUNS: Counter = Counter::new();

    #[test]
    fn of_every_kind() {
        let text = String::from("a");
        let shop = Shop { name: &text, of: 7_u8 };
        for _ in 0..2 {
            assert_eq!(shop.by_reference(1), "shop a 7 1");
            assert_eq!(Arc::new(Shop { name: "s", of: 1_u16 }).by_arc(2), "shop s 1 2");
            assert_eq!(shop.clone().by_value(3), "shop a 7 3");
            assert!(run(|| async { Shop { name: "x", of: 1 }.with_another(&Shop { name: "x", of: 1 }).await }));
            assert_eq!(
                (shop.generic("abc"), shop.generic(String::from("xyz"))),
                ("shop a 7 0 abc".into(), "shop a 7 0 xyz".into())
            );
        }
        assert_eq!(RUNS.get(), 6);
    }
}

#[test]
fn arguments_of_unusual_types() {
    static RUNS: Counter = Counter::new();
    fn double(n: u32) -> u32 {
        n * 2
    }
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Unit;
    #[cached]
    fn apply(f: fn(u32) -> u32, n: u32, (): (), _unit: Unit, phantom: std::marker::PhantomData<String>) -> u32 {
        RUNS.up();
        let _ = phantom;
        f(n)
    }
    #[cached(skip(f))]
    fn with_dyn(f: &dyn Fn(u32) -> u32, n: u32) -> u32 {
        RUNS.up();
        f(n)
    }
    #[cached(key = n)]
    fn with_closure<F: FnOnce(u32) -> u32>(f: F, n: u32) -> u32 {
        RUNS.up();
        f(n)
    }
    for _ in 0..2 {
        assert_eq!(apply(double, 4, (), Unit, std::marker::PhantomData), 8);
        assert_eq!((with_dyn(&|n| n + 1, 4), with_closure(|n| n + 2, 4)), (5, 6));
    }
    // Each closure is a type of its own, so the closures of two places in the source never meet.
    assert!((3..=4).contains(&RUNS.get()), "{} executions", RUNS.get());
}

#[test]
fn bodies_of_every_kind() {
    #[cached]
    fn labelled(n: u32) -> Option<u32> {
        let found = 'outer: {
            for i in 2..n {
                if n.is_multiple_of(i) {
                    break 'outer Some(i);
                }
            }
            None
        };
        let check = |n: u32| -> Option<u32> {
            let half = n.checked_sub(1)?;
            Some(half)
        };
        check(found?)
    }
    #[cached]
    fn with_items(n: u64) -> u64 {
        const STEP: u64 = 2;
        struct Inner(u64);
        impl Inner {
            fn get(&self) -> u64 {
                self.0 + STEP
            }
        }
        fn helper(n: u64) -> Inner {
            Inner(n)
        }
        macro_rules! twice {
            ($n:expr) => {
                $n * 2
            };
        }
        twice!(helper(n).get())
    }
    #[cached]
    async fn with_blocks(mut list: Vec<u32>, n: u32) -> usize {
        list.push(n);
        let sums = futures::future::join_all(list.iter().map(|n| async move { *n })).await;
        let text = async { format!("{n}{sums:?}") }.await;
        text.len()
    }
    #[cached]
    fn shadowing(n: u32, m: u32) -> String {
        let n = n + 1;
        let m = {
            let n = m;
            n * 10
        };
        format!("{n} {m}")
    }
    for _ in 0..2 {
        assert_eq!((labelled(15), labelled(7), with_items(3), shadowing(1, 2)), (Some(2), None, 10, "2 20".into()));
        assert_eq!(run(|| with_blocks(vec![1, 2], 3)), 10);
    }
    assert_eq!((with_items::stats().hits, shadowing::stats().hits, with_blocks::stats().hits), (1, 1, 1));
}

/// `unsafe`-free, but with a calling convention, or `pub(in ..)`, or an `extern` path in the signature.
#[test]
fn signatures_of_every_kind() {
    #[cached]
    pub(in crate::shapes) extern "C" fn of_c(n: u32) -> u32 {
        n + 1
    }
    #[cached]
    fn paths(
        n: ::core::primitive::u32,
        of: ::std::option::Option<crate::shapes::Plain>,
    ) -> ::std::result::Result<self::Plain, super::shapes::Plain> {
        RUNS_OF_PATHS.up();
        if n == 0 { Err(Plain(n)) } else { Ok(of.unwrap_or(Plain(n))) }
    }
    static RUNS_OF_PATHS: Counter = Counter::new();
    for _ in 0..2 {
        assert_eq!((of_c(1), paths(1, None), paths(0, None)), (2, Ok(Plain(1)), Err(Plain(0))));
    }
    // `self::Plain` is a path and no `self`: the function has its companion.
    assert_eq!((of_c::stats().hits, paths::stats().hits, RUNS_OF_PATHS.get()), (1, 1, 3));
    #[cached(ttl = self::lifetime())]
    fn timed(n: u32) -> u32 {
        n
    }
    assert_eq!((timed(1), timed::get(1)), (1, Some(1)));
}

fn lifetime() -> std::time::Duration {
    std::time::Duration::from_secs(60)
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Plain(u32);
