//! Promise 11: generated code is clean under the strictest lints, in a module that denies them all. What must compile from outside is in `ui/pass`.

/// Every shape in one place.
#[deny(
    warnings,
    missing_docs,
    unused,
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    trivial_casts,
    unused_qualifications
)]
#[forbid(unsafe_code)]
mod shapes {
    use cached_runtime::cached;
    use std::{fmt::Display, future::Future, io, pin::Pin};

    /// A plain function.
    #[cached]
    #[must_use]
    pub(crate) fn plain(n: u64) -> u64 {
        n + 1
    }

    /// Whose arguments have the names that expansions like.
    #[cached]
    pub(crate) fn named(key: u32, value: u32, cache: u32, slot: u32, miss: u32, ret: u32, entry: u32) -> u32 {
        key + value + cache + slot + miss + ret + entry
    }

    /// A raw identifier.
    #[cached]
    #[inline]
    pub(crate) fn r#match(r#type: &str, mut n: usize) -> usize {
        n += r#type.len();
        n
    }

    /// Patterns for arguments.
    #[cached]
    pub(crate) fn patterns((a, b): (u32, u32), [c, d]: [u32; 2], _unused: u32) -> u32 {
        a + b + c + d
    }

    /// Generic in all ways.
    #[cached(capacity = 10, ttl = "1h")]
    pub(crate) fn generic<'a, T, const N: usize>(label: &'a str, _array: [u8; N]) -> Result<T, io::Error>
    where
        T: From<u8> + Clone + Send + Sync + 'static,
    {
        let short: &'a str = label.trim();
        u8::try_from(short.len() + N).map(T::from).map_err(io::Error::other)
    }

    /// An async one.
    ///
    /// # Errors
    /// When it is asked for nothing.
    #[cached(skip(_db))]
    pub(crate) async fn later(_db: &str, n: u64) -> Result<u64, String> {
        std::future::ready(()).await;
        if n == 0 { Err("nothing".to_owned()) } else { Ok(n) }
    }

    /// A boxed future counts as async.
    #[cached]
    pub(crate) fn boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move { n })
    }

    /// Returns nothing.
    #[cached]
    pub(crate) fn nothing(n: u64) {
        drop(n.to_string());
    }

    /// Has no arguments.
    #[cached]
    pub(crate) fn constant() -> &'static str {
        "constant"
    }

    /// With attributes around.
    #[cfg(test)]
    #[cached]
    #[expect(clippy::needless_pass_by_value, reason = "the lint is for the body alone")]
    #[allow(clippy::too_many_lines)]
    pub(crate) fn attributes(text: String) -> usize {
        text.len()
    }

    /// A type with methods.
    pub(crate) struct Shop {
        /// Distinguishes shops.
        pub(crate) id: u32,
    }

    impl Shop {
        /// By key.
        #[cached(key = (self.id, x), companion = item_entry)]
        pub(crate) fn item<T: Display>(&self, x: u32, label: T) -> String {
            format!("{label} {} {x}", self.id)
        }

        /// Without self.
        #[cached(companion = false)]
        pub(crate) fn named(n: u32) -> u32 {
            n
        }

        /// Async.
        #[cached(skip(self))]
        pub(crate) async fn all(&self, page: u32) -> Vec<u32> {
            std::future::ready(()).await;
            vec![page, self.id]
        }
    }
}

#[test]
fn they_work_too() {
    use shapes::*;
    for _ in 0..2 {
        assert_eq!(
            (plain(1), named(1, 2, 3, 4, 5, 6, 7), r#match("ab", 1), patterns((1, 2), [3, 4], 5)),
            (2, 28, 3, 10)
        );
        assert_eq!((generic::<u64, 3>(" ab ", [0; 3]).unwrap(), generic::<u32, 1>("", [0]).unwrap()), (5, 1));
        assert_eq!((constant(), attributes("abc".into())), ("constant", 3));
        nothing(1);
        let shop = Shop { id: 1 };
        assert_eq!((shop.item(2, "x"), Shop::named(3)), ("x 1 2".into(), 3));
        assert_eq!(
            futures::executor::block_on(async {
                (later("db", 1).await, later("db", 0).await, boxed(7).await, shop.all(2).await)
            }),
            (Ok(1), Err("nothing".into()), 7, vec![2, 1])
        );
    }
    assert_eq!((plain::stats().hits, nothing::stats().hits, constant::stats().hits, later::stats().hits), (1, 1, 1, 1));
    shapes::r#match::invalidate("ab", 1);
    assert!(!shapes::r#match::contains("ab", 1));
}
