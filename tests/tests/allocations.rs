//! Promise 10: a hit allocates nothing beyond the value's own clone. A binary of its own, because it brings its own allocator.
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(clippy::pedantic, clippy::useless_conversion, clippy::drop_non_drop, dropping_copy_types)]

use allocation_counter::measure;
use cached_runtime::{Cache, Eviction, cached};
use std::{borrow::Cow, hint::black_box, path::Path, sync::Arc};

/// The number of allocations of the second run; the first may fill caches, thread locals and counters.
fn allocations(work: impl Fn()) -> u64 {
    work();
    work();
    measure(|| (0..10).for_each(|_| work())).count_total
}

macro_rules! no_allocations {
    ($store:ident, $($option:tt)*) => {
        #[test]
        fn $store() {
            #[cached($($option)*)]
            fn number(n: u64) -> u64 {
                n
            }
            #[cached($($option)*)]
            fn text(a: &str, n: u32) -> Arc<str> {
                format!("{a} {n}").into()
            }
            #[cached($($option)*)]
            fn borrowed(a: Option<&str>, path: &Path, bytes: &[u8], float: f64, cow: Cow<'_, str>, numbers: [u16; 4]) -> Result<Arc<str>, String> {
                if a.is_none() { Err(format!("{path:?} {bytes:?} {float} {cow} {numbers:?}")) } else { Ok("x".into()) }
            }
            #[cached($($option)*, key = "{a}:{n}")]
            fn template(a: &str, n: u32) -> u64 {
                a.len() as u64 + u64::from(n)
            }
            #[cached($($option)*, ttl = "1h", tti = "1h")]
            fn timed(n: u64) -> u64 {
                n
            }
            #[cached($($option)*)]
            fn generic<T: From<u8> + Clone + Send + Sync + 'static>(a: &str) -> T {
                T::from(a.len() as u8)
            }
            struct Shop(u32);
            impl Shop {
                #[cached($($option)*, key = (self.0, label))]
                fn item(&self, label: &str) -> u64 {
                    u64::from(self.0) + label.len() as u64
                }
            }
            #[cached($($option)*)]
            async fn later(a: &str, n: u64) -> Arc<str> {
                format!("{a} {n}").into()
            }
            let shop = Shop(1);
            let counts = [
                ("number", allocations(|| drop(black_box(number(7))))),
                ("text", allocations(|| drop(black_box(text("some text", 7))))),
                ("borrowed", allocations(|| drop(black_box(borrowed(Some("a"), Path::new("a/b"), &[1, 2], 1.5, Cow::Borrowed("c"), [1; 4]))))),
                ("template", allocations(|| drop(black_box(template("some text", 7))))),
                ("timed", allocations(|| drop(black_box(timed(7))))),
                ("generic", allocations(|| drop(black_box(generic::<u64>("abc"))))),
                ("method", allocations(|| drop(black_box(shop.item("abc"))))),
                ("async", allocations(|| drop(black_box(futures::executor::block_on(later("some text", 7)))))),
                ("get", allocations(|| drop(black_box(text::get("some text", 7))))),
                ("contains", allocations(|| drop(black_box(text::contains("some text", 7))))),
            ];
            assert!(counts.iter().all(|(_, count)| *count == 0), "allocations of ten hits: {counts:?}");
            assert!(number::stats().hits > 10);
        }
    };
}

no_allocations!(lru, eviction = lru);
no_allocations!(sieve, eviction = sieve);
no_allocations!(unbounded, capacity = unbounded);
no_allocations!(local, backend = local);

#[test]
fn of_the_builder() {
    for builder in [Cache::builder(), Cache::builder().eviction(Eviction::Sieve), Cache::builder().unbounded()] {
        let cache: Cache<Arc<str>, Arc<str>> = builder.build();
        let key: Arc<str> = "abc".into();
        cache.set(Arc::clone(&key), Arc::clone(&key));
        let get = allocations(|| drop(black_box(cache.get("abc"))));
        let load = allocations(|| drop(black_box(cache.get_or_load(Arc::clone(&key), || unreachable!("a hit")))));
        assert_eq!((get, load), (0, 0));
    }
}

/// The counter works: a miss does allocate.
#[test]
fn a_miss_allocates() {
    #[cached]
    fn text(n: u32) -> Arc<str> {
        n.to_string().into()
    }
    text(0);
    assert!(measure(|| drop(text(1))).count_total > 0);
}
