//! Promise 1: distinct arguments never share an entry, and neither do distinct functions. Equal arguments always do: a key that is never found again also breaks it.

use cached_runtime::{Cache, Eviction, cached};
use cached_tests::Counter;
use std::{
    fmt::Display,
    hash::{Hash, Hasher},
};

#[test]
fn neighbouring_strings() {
    #[cached]
    fn joined(a: &str, b: &str) -> String {
        format!("{a}|{b}")
    }
    let cases = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a", "b"), ("b", "a"), ("\0", ""), ("", "\0")];
    for _ in 0..2 {
        for (a, b) in cases {
            assert_eq!(joined(a, b), format!("{a}|{b}"));
        }
    }
    let stats = joined::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (8, 8, 8));
}

#[test]
fn templates_are_injective() {
    #[cached(key = "{a}:{b}")]
    fn joined(a: &str, b: &str) -> String {
        format!("{a}|{b}")
    }
    let cases = [
        ("x:y", "z"),
        ("x", "y:z"),
        ("x:y:z", ""),
        ("", "x:y:z"),
        ("x\\", ":z"),
        ("x", "\\:z"),
        ("{b}", "{a}"),
        ("x%3Ay", "z"),
    ];
    for _ in 0..2 {
        for (a, b) in cases {
            assert_eq!(joined(a, b), format!("{a}|{b}"));
        }
    }
    assert_eq!(joined::stats().hits, 8);
}

#[test]
fn templates_with_a_format_spec_are_injective() {
    #[cached(key = "{price:.2}:{name}")]
    fn label(price: f64, name: &str) -> String {
        format!("{name} {price:.2}")
    }
    assert_eq!(label(1.004, "a"), "a 1.00");
    assert_eq!(label(1.001, "a"), "a 1.00");
    assert_eq!(label(1.01, "a"), "a 1.01");
    assert_eq!(label(1.0, "1:a"), "1:a 1.00");
    assert_eq!((label::stats().hits, label::stats().misses), (1, 3));
}

#[test]
fn order_of_arguments() {
    #[cached]
    fn minus(a: i64, b: i64) -> i64 {
        a - b
    }
    assert_eq!((minus(1, 2), minus(2, 1), minus(1, 2), minus(2, 1)), (-1, 1, -1, 1));
    assert_eq!(minus::stats().entries, 2);
}

#[test]
fn nested_options() {
    #[cached]
    fn shown(a: Option<Option<u8>>, b: Option<u8>) -> String {
        format!("{a:?}{b:?}")
    }
    for _ in 0..2 {
        for a in [None, Some(None), Some(Some(0))] {
            for b in [None, Some(0)] {
                assert_eq!(shown(a, b), format!("{a:?}{b:?}"));
            }
        }
    }
    assert_eq!(shown::stats().entries, 6);
}

#[test]
fn neighbouring_slices() {
    #[cached]
    fn lengths(a: &[u8], b: &[u8]) -> (usize, usize) {
        (a.len(), b.len())
    }
    for _ in 0..2 {
        assert_eq!(lengths(&[1, 2], &[3]), (2, 1));
        assert_eq!(lengths(&[1], &[2, 3]), (1, 2));
        assert_eq!(lengths(&[], &[1, 2, 3]), (0, 3));
    }
    assert_eq!(lengths::stats().entries, 3);
}

/// All of its values have one hash: only equality tells them apart.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Colliding(u32);

impl Hash for Colliding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0u8.hash(state);
    }
}

#[test]
fn colliding_hashes() {
    #[cached]
    fn lru(key: Colliding) -> u32 {
        key.0
    }
    #[cached(eviction = sieve)]
    fn sieve(key: Colliding) -> u32 {
        key.0
    }
    #[cached(capacity = unbounded)]
    fn unbounded(key: Colliding) -> u32 {
        key.0
    }
    #[cached(backend = local)]
    fn local(key: Colliding) -> u32 {
        key.0
    }
    for _ in 0..2 {
        for n in 0..100 {
            assert_eq!([lru(Colliding(n)), sieve(Colliding(n)), unbounded(Colliding(n)), local(Colliding(n))], [n; 4]);
        }
    }
    for stats in [lru::stats(), sieve::stats(), unbounded::stats(), local::stats()] {
        assert_eq!((stats.hits, stats.misses, stats.entries), (100, 100, 100));
    }
}

/// The same of keys that hold memory, for which a look-up goes another way.
#[derive(Clone, PartialEq, Eq, Debug)]
struct CollidingText(String);

impl Hash for CollidingText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0u8.hash(state);
    }
}

#[test]
fn colliding_hashes_of_texts() {
    #[cached]
    fn lru(key: CollidingText) -> String {
        key.0
    }
    #[cached(backend = local)]
    fn local(key: CollidingText) -> String {
        key.0
    }
    let texts: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for _ in 0..2 {
        for text in &texts {
            let key = CollidingText(text.clone());
            assert_eq!([lru(key.clone()), local(key)], [text.as_str(); 2]);
        }
    }
    for stats in [lru::stats(), local::stats()] {
        assert_eq!((stats.hits, stats.misses, stats.entries), (100, 100, 100));
    }
}

/// A hit of those counts for the order of eviction as any other.
#[test]
fn a_hit_among_colliding_texts_keeps_the_entry() {
    let key = |n: u32| CollidingText(n.to_string());
    let cache: Cache<CollidingText, u32> = Cache::builder().capacity(3).build();
    (0..3).for_each(|n| cache.set(key(n), n));
    assert_eq!(cache.get_or_load(key(0), || 100), 0);
    cache.set(key(3), 3);
    assert_eq!([0, 1, 2, 3].map(|n| cache.get(&key(n))), [Some(0), None, Some(2), Some(3)]);
}

#[test]
fn removing_one_of_the_colliding() {
    let caches: [(&str, Cache<Colliding, u32>); 3] = [
        ("lru", Cache::builder().build()),
        ("sieve", Cache::builder().eviction(Eviction::Sieve).build()),
        ("unbounded", Cache::builder().unbounded().build()),
    ];
    for (store, cache) in caches {
        for n in 0..20 {
            cache.set(Colliding(n), n);
        }
        cache.invalidate(&Colliding(7));
        for n in 0..20 {
            assert_eq!(cache.get(&Colliding(n)), (n != 7).then_some(n), "{store}");
        }
    }
}

mod same_name {
    pub(crate) mod one {
        #[cached_runtime::cached]
        pub(crate) fn which(n: u32) -> (u32, &'static str) {
            (n, "one")
        }
    }
    pub(crate) mod two {
        #[cached_runtime::cached]
        pub(crate) fn which(n: u32) -> (u32, &'static str) {
            (n, "two")
        }
    }
}

#[test]
fn functions_of_one_name_in_two_modules() {
    for _ in 0..2 {
        assert_eq!(same_name::one::which(1), (1, "one"));
        assert_eq!(same_name::two::which(1), (1, "two"));
    }
    same_name::one::which::invalidate(1);
    assert!(!same_name::one::which::contains(1) && same_name::two::which::contains(1));
}

#[test]
fn functions_with_one_name_option() {
    #[cached(name = "promise 1 twin")]
    fn one(n: u32) -> (u32, &'static str) {
        (n, "one")
    }
    #[cached(name = "promise 1 twin")]
    fn two(n: u32) -> (u32, &'static str) {
        (n, "two")
    }
    for _ in 0..2 {
        assert_eq!((one(1), two(1)), ((1, "one"), (1, "two")));
    }
}

fn nested_here() -> &'static str {
    #[cached]
    fn place(_n: u32) -> &'static str {
        "here"
    }
    place(1)
}

fn nested_there() -> &'static str {
    #[cached]
    fn place(_n: u32) -> &'static str {
        "there"
    }
    place(1)
}

#[test]
fn functions_of_one_name_in_two_functions() {
    for _ in 0..2 {
        assert_eq!((nested_here(), nested_there()), ("here", "there"));
    }
}

#[test]
fn generic_types() {
    #[cached]
    fn bytes<T>(n: usize) -> usize {
        n * std::mem::size_of::<T>()
    }
    #[cached]
    fn names<A, B>() -> String {
        format!("{} {}", std::any::type_name::<A>(), std::any::type_name::<B>())
    }
    for _ in 0..2 {
        assert_eq!((bytes::<u8>(3), bytes::<u16>(3), bytes::<[u64; 4]>(3)), (3, 6, 96));
        assert_eq!((names::<u8, u16>(), names::<u16, u8>()), ("u8 u16".to_owned(), "u16 u8".to_owned()));
    }
}

#[test]
fn const_generics() {
    #[cached]
    fn times<const N: u64>(n: u64) -> u64 {
        n * N
    }
    for _ in 0..2 {
        assert_eq!((times::<2>(5), times::<3>(5), times::<0>(5)), (10, 15, 0));
    }
}

#[test]
fn generic_and_impl_arguments() {
    #[cached]
    fn shown(x: impl Display + Hash + Eq + Clone + Send + Sync + 'static) -> String {
        format!("{} {x}", std::any::type_name_of_val(&x))
    }
    #[cached]
    fn debugged<T: std::fmt::Debug + Hash + Eq + Clone + Send + Sync + 'static>(x: T) -> String {
        format!("{} {x:?}", std::any::type_name::<T>())
    }
    for _ in 0..2 {
        assert_eq!((shown(1u8), shown(1u16), shown('1')), ("u8 1".into(), "u16 1".into(), "char 1".into()));
        assert_eq!(
            (debugged(1u8), debugged(1u16), debugged((1u8,))),
            ("u8 1".into(), "u16 1".into(), "(u8,) (1,)".into())
        );
    }
}

trait Named {
    fn name(&self, n: u32) -> String;

    fn twice(&self, n: u32) -> String;
}

#[derive(Clone)]
struct Cat(u32);
#[derive(Clone)]
struct Dog(u32);

impl Named for Cat {
    #[cached(key = (self.0, n))]
    fn name(&self, n: u32) -> String {
        format!("cat {} {n}", self.0)
    }

    #[cached(skip(self))]
    fn twice(&self, n: u32) -> String {
        format!("cat {n} {n}")
    }
}

impl Named for Dog {
    #[cached(key = (self.0, n))]
    fn name(&self, n: u32) -> String {
        format!("dog {} {n}", self.0)
    }

    #[cached(skip(self))]
    fn twice(&self, n: u32) -> String {
        format!("dog {n} {n}")
    }
}

#[test]
fn implementors_of_a_trait() {
    for _ in 0..2 {
        assert_eq!((Cat(1).name(2), Dog(1).name(2)), ("cat 1 2".into(), "dog 1 2".into()));
        assert_eq!((Cat(2).name(1), Dog(1).name(1)), ("cat 2 1".into(), "dog 1 1".into()));
        assert_eq!((Cat(2).twice(1), Dog(1).twice(1)), ("cat 1 1".into(), "dog 1 1".into()));
    }
}

struct Of<T>(T);

impl<T: Display + Send + Sync + 'static> Of<T> {
    #[cached(skip(self))]
    fn kind(&self, n: u32) -> String {
        format!("{} {n}", std::any::type_name::<T>())
    }
}

trait Summed {
    fn id(&self) -> u32;

    #[cached(key = (self.id(), n))]
    fn sum(&self, n: u32) -> (u32, &'static str) {
        (self.id() + n, std::any::type_name::<Self>())
    }
}

impl Summed for Cat {
    fn id(&self) -> u32 {
        self.0
    }
}

impl Summed for Dog {
    fn id(&self) -> u32 {
        self.0
    }
}

#[test]
fn instantiations_of_a_generic_impl() {
    for _ in 0..2 {
        assert_eq!((Of(1u8).kind(1), Of("").kind(1), Of(2u8).kind(1)), ("u8 1".into(), "&str 1".into(), "u8 1".into()));
    }
}

#[test]
fn default_methods_of_implementors() {
    for _ in 0..2 {
        let (cat, dog) = (Cat(1).sum(1), Dog(1).sum(1));
        assert_eq!((cat.0, dog.0), (2, 2));
        assert!(cat.1.ends_with("Cat") && dog.1.ends_with("Dog"), "{cat:?} {dog:?}");
    }
}

#[test]
fn methods_of_two_types_and_two_methods_of_one() {
    struct A(u32);
    struct B(u32);
    impl A {
        #[cached(key = (self.0, n))]
        fn f(&self, n: u32) -> String {
            format!("A.f {} {n}", self.0)
        }
        #[cached(key = (self.0, n))]
        fn g(&self, n: u32) -> String {
            format!("A.g {} {n}", self.0)
        }
    }
    impl B {
        #[cached(key = (self.0, n))]
        fn f(&self, n: u32) -> String {
            format!("B.f {} {n}", self.0)
        }
    }
    for _ in 0..2 {
        assert_eq!([A(1).f(2), A(2).f(1), A(1).g(2), B(1).f(2)], ["A.f 1 2", "A.f 2 1", "A.g 1 2", "B.f 1 2"]);
    }
}

#[test]
fn async_functions() {
    #[cached]
    async fn bytes<T: Send + Sync>(n: usize, label: &str) -> String {
        format!("{label} {}", n * std::mem::size_of::<T>())
    }
    cached_tests::run(|| async {
        for _ in 0..2 {
            assert_eq!(bytes::<u8>(2, "a").await, "a 2");
            assert_eq!(bytes::<u16>(2, "a").await, "a 4");
            assert_eq!(bytes::<u16>(2, "b").await, "b 4");
        }
    });
}

#[test]
fn a_generic_that_recurses_into_another_instantiation() {
    assert_eq!(size_of_recursive(), (12, 6));
}

fn size_of_recursive() -> (u64, u64) {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn weight<const N: u64>(n: u64) -> u64 {
        RUNS.up();
        if N == 2 { n * N } else { 2 * weight::<2>(n) }
    }
    let pair = (weight::<4>(3), weight::<2>(3));
    assert_eq!(RUNS.get(), 2);
    pair
}
