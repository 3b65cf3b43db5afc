//! `companion = item_entry` on methods: one more method that returns the entry. Without it a method stands alone.

use cached_runtime::cached;
use cached_tests::{Counter, run};
use std::fmt::Display;

struct Shop<T>(u32, T);

impl<T: Display + Clone + Send + Sync + 'static> Shop<T> {
    #[cached(key = (self.0, x), companion = item_entry)]
    fn item(&self, x: u32, label: &str) -> Option<String> {
        (x > 0).then(|| format!("{label} {x} {}", self.1))
    }

    #[cached(key = (self.0, x), companion = slow_entry)]
    async fn slow(&self, x: u32) -> Result<String, String> {
        tokio::task::yield_now().await;
        if x == 0 { Err("zero".into()) } else { Ok(format!("{x} {}", self.1)) }
    }
}

#[test]
fn of_a_sync_method() {
    let (one, two) = (Shop(1, "a"), Shop(2, "b"));
    assert!(!one.item_entry(7).contains());
    assert_eq!(
        (one.item(7, "x"), one.item(7, "y"), two.item(7, "z")),
        (Some("x 7 a".into()), Some("x 7 a".into()), Some("z 7 b".into()))
    );
    assert_eq!(one.item_entry(7).get(), Some(Some("x 7 a".into())));
    one.item_entry(7).set(&"mine".to_owned());
    assert_eq!((one.item(7, ""), two.item(7, "")), (Some("mine".into()), Some("z 7 b".into())));
    one.item_entry(7).invalidate();
    assert_eq!((one.item_entry(7).get(), two.item_entry(7).contains()), (None, true));
    assert_eq!(one.item(7, "new"), Some("new 7 a".into()));
    one.item(0, "");
    assert!(!one.item_entry(0).contains(), "an absent result is not kept");
}

#[test]
fn of_an_async_method() {
    run(|| async {
        let shop = Shop(3, "a");
        assert_eq!((shop.slow(7).await, shop.slow(0).await), (Ok("7 a".into()), Err("zero".into())));
        assert_eq!(shop.slow_entry(7).get(), Some(Ok("7 a".into())));
        shop.slow_entry(7).set(&"mine".to_owned());
        assert_eq!(shop.slow(7).await, Ok("mine".into()));
        shop.slow_entry(7).invalidate();
        assert!(!shop.slow_entry(7).contains());
    });
}

mod visible {
    pub(crate) struct Counted(pub(crate) u32);
    impl Counted {
        #[cached_runtime::cached(key = (self.0, n), companion = sum_entry)]
        pub(crate) fn sum(&self, n: u32) -> u32 {
            self.0 + n
        }
    }
}

#[test]
fn have_the_visibility_of_the_method() {
    let counted = visible::Counted(1);
    assert_eq!(counted.sum(2), 3);
    counted.sum_entry(2).set(&30);
    assert_eq!(counted.sum(2), 30);
}

#[test]
fn methods_by_value_and_by_mutable_reference() {
    static RUNS: Counter = Counter::new();
    #[derive(Clone, Copy)]
    struct Point(u32, u32);
    impl Point {
        #[cached(key = (self.0, self.1))]
        fn sum(self) -> u32 {
            RUNS.up();
            self.0 + self.1
        }
        #[cached(key = (self.0, n))]
        fn moved(&mut self, n: u32) -> u32 {
            RUNS.up();
            self.1 += n;
            self.1
        }
    }
    let mut point = Point(1, 2);
    assert_eq!((point.sum(), point.sum(), RUNS.get()), (3, 3, 1));
    assert_eq!((point.moved(5), point.moved(5), point.1, RUNS.get()), (7, 7, 7, 2), "a hit leaves self alone");
}

#[test]
fn associated_functions_without_self() {
    static RUNS: Counter = Counter::new();
    struct Math;
    impl Math {
        #[cached(companion = false)]
        fn square(n: u64) -> u64 {
            RUNS.up();
            n * n
        }
        #[cached]
        fn new_like(n: u64) -> Option<Self> {
            RUNS.up();
            (n > 0).then_some(Self)
        }
    }
    impl Clone for Math {
        fn clone(&self) -> Self {
            Self
        }
    }
    assert_eq!((Math::square(7), Math::square(7), RUNS.get()), (49, 49, 1));
    assert!(Math::new_like(1).is_some() && Math::new_like(1).is_some());
    assert_eq!(RUNS.get(), 2);
}

#[test]
fn an_entry_of_a_method_knows_its_tags() {
    struct Store {
        id: u32,
    }
    impl Store {
        #[cached(key = (self.id, name), companion = item_entry, tags = ["store:{self.id}", "item:{name}"])]
        fn item(&self, name: &str, n: u64) -> u64 {
            n + name.len() as u64
        }
        #[cached(key = n, companion = later_entry, tags = ["later:{n}:{self.id}"])]
        async fn later(&self, n: u64) -> u64 {
            std::future::ready(n + u64::from(self.id)).await
        }
    }
    let (one, two) = (Store { id: 1_000_001 }, Store { id: 1_000_002 });
    one.item_entry("a").set(&7);
    two.item("a", 1);
    cached_runtime::invalidate_tag("store:1000001").wait().expect("memory forgets");
    assert_eq!(one.item_entry("a").get(), None);
    assert_eq!(two.item_entry("a").get(), Some(2));
    cached_runtime::invalidate_tag("item:a").wait().expect("memory forgets");
    assert_eq!(two.item_entry("a").get(), None);
    one.later_entry(3).set(&4);
    cached_runtime::invalidate_tag("later:3:1000001").wait().expect("memory forgets");
    assert!(!one.later_entry(3).contains());
    assert_eq!(run(async move || one.later(3).await), 1_000_004);
}
