//! cached-runtime's contestants, all through the attribute, one module for each kind of cache.
//! They must never differ from the peers' in body, keys or bounds.

/// The same functions under other options. `small` bounds 1000-key workloads, `large` 10,000-key ones.
macro_rules! ours {
    ($name:ident, small: ($($small:tt)*), large: ($($large:tt)*), kind: ($($kind:tt)*)) => {
        pub(crate) mod $name {
            use crate::work::{label, load};
            use cached_runtime::cached;
            use std::sync::Arc;

            #[cached($($small)*, $($kind)*)]
            pub(crate) fn hit(n: u64) -> u64 {
                load(n)
            }

            #[cached($($small)*, ttl = "1h", $($kind)*)]
            pub(crate) fn ttl(n: u64) -> u64 {
                load(n)
            }

            #[cached($($small)*, $($kind)*)]
            pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
                label(name, n)
            }

            #[cached($($small)*, $($kind)*)]
            pub(crate) async fn asynchronous(n: u64) -> u64 {
                load(n)
            }

            #[cached($($large)*, $($kind)*)]
            pub(crate) fn zipf(n: u64) -> u64 {
                load(n)
            }

            #[cached($($small)*, $($kind)*)]
            pub(crate) fn fib(n: u64) -> u64 {
                if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
            }
        }
    };
}

ours!(lru, small: (capacity = 1024), large: (capacity = 16_384), kind: (eviction = lru));
ours!(sieve, small: (capacity = 1024), large: (capacity = 16_384), kind: (eviction = sieve));
ours!(local, small: (capacity = 1024), large: (capacity = 16_384), kind: (backend = local));
ours!(unbounded, small: (capacity = unbounded), large: (capacity = unbounded), kind: (name = "unbounded"));

/// Misses of a full cache; an unbounded one is never full.
pub(crate) mod miss {
    use crate::work::load;
    use cached_runtime::cached;

    #[cached(capacity = 1000)]
    pub(crate) fn lru(n: u64) -> u64 {
        load(n)
    }

    #[cached(capacity = 1000, eviction = sieve)]
    pub(crate) fn sieve(n: u64) -> u64 {
        load(n)
    }

    #[cached(capacity = 1000, backend = local)]
    pub(crate) fn local(n: u64) -> u64 {
        load(n)
    }
}
