//! The peers that are attributes: `cached` and `memoize`.
//! They must never get options that their own users would not write.

/// `cached` under other options. A bare `#[cached]` is unbounded; `sync_lock = "rwlock"` is its default, said because something must be.
macro_rules! cached_peer {
    ($name:ident, $attribute:ident, small: ($($small:tt)*), large: ($($large:tt)*)) => {
        pub(crate) mod $name {
            use crate::work::{label, load};
            use cached::macros::$attribute;
            use std::sync::Arc;

            #[$attribute($($small)*)]
            pub(crate) fn hit(n: u64) -> u64 {
                load(n)
            }

            #[$attribute(ttl_secs = 3600, $($small)*)]
            pub(crate) fn ttl(n: u64) -> u64 {
                load(n)
            }

            #[$attribute(key = "(String, u32)", convert = { (name.to_owned(), n) }, $($small)*)]
            pub(crate) fn pair(name: &str, n: u32) -> Arc<str> {
                label(name, n)
            }

            #[$attribute($($small)*)]
            pub(crate) async fn asynchronous(n: u64) -> u64 {
                load(n)
            }

            #[$attribute($($large)*)]
            pub(crate) fn zipf(n: u64) -> u64 {
                load(n)
            }
        }
    };
}

cached_peer!(unbound, cached, small: (sync_lock = "rwlock"), large: (sync_lock = "rwlock"));
cached_peer!(max_size, cached, small: (max_size = 1024), large: (max_size = 16_384));
cached_peer!(by_key, cached, small: (max_size = 1024, sync_writes = "by_key"), large: (max_size = 16_384, sync_writes = "by_key"));
// Twice the room: its shards would evict at 1024.
cached_peer!(concurrent, concurrent_cached, small: (max_size = 2048), large: (max_size = 32_768));

/// Misses and recursion: fewer kinds take part (an unbounded cache evicts nothing, `sync_writes` deadlocks on recursion).
pub(crate) mod cold {
    use crate::work::load;
    use cached::macros::{cached, concurrent_cached};
    use memoize::memoize;

    #[cached(max_size = 1000)]
    pub(crate) fn max_size(n: u64) -> u64 {
        load(n)
    }

    #[cached(max_size = 1000, sync_writes = "by_key")]
    pub(crate) fn by_key(n: u64) -> u64 {
        load(n)
    }

    #[concurrent_cached(max_size = 1000)]
    pub(crate) fn concurrent(n: u64) -> u64 {
        load(n)
    }

    #[memoize(Capacity: 1000)]
    pub(crate) fn memoized(n: u64) -> u64 {
        load(n)
    }

    #[memoize(SharedCache, Capacity: 1000)]
    pub(crate) fn memoized_shared(n: u64) -> u64 {
        load(n)
    }

    #[cached(name = "FIB_UNBOUND")]
    pub(crate) fn fib_unbound(n: u64) -> u64 {
        if n < 2 { n } else { fib_unbound(n - 1) + fib_unbound(n - 2) }
    }

    #[cached(name = "FIB_MAX_SIZE", max_size = 1024)]
    pub(crate) fn fib_max_size(n: u64) -> u64 {
        if n < 2 { n } else { fib_max_size(n - 1) + fib_max_size(n - 2) }
    }

    #[concurrent_cached(name = "FIB_CONCURRENT", max_size = 1024)]
    pub(crate) fn fib_concurrent(n: u64) -> u64 {
        if n < 2 { n } else { fib_concurrent(n - 1) + fib_concurrent(n - 2) }
    }

    #[memoize(Capacity: 1024)]
    pub(crate) fn fib_memoized(n: u64) -> u64 {
        if n < 2 { n } else { fib_memoized(n - 1) + fib_memoized(n - 2) }
    }

    #[memoize(SharedCache, Capacity: 1024)]
    pub(crate) fn fib_memoized_shared(n: u64) -> u64 {
        if n < 2 { n } else { fib_memoized_shared(n - 1) + fib_memoized_shared(n - 2) }
    }
}

/// `memoize`, a cache per thread (its default).
#[expect(clippy::needless_pass_by_value, reason = "memoize takes owned arguments only")]
pub(crate) mod memoized {
    use crate::work::{label, load};
    use memoize::memoize;
    use std::sync::Arc;
    use std::time::Duration;

    #[memoize(Capacity: 1024)]
    pub(crate) fn hit(n: u64) -> u64 {
        load(n)
    }

    #[memoize(Capacity: 1024, TimeToLive: Duration::from_hours(1))]
    pub(crate) fn ttl(n: u64) -> u64 {
        load(n)
    }

    #[memoize(Capacity: 1024)]
    pub(crate) fn pair(name: String, n: u32) -> Arc<str> {
        label(&name, n)
    }

    #[memoize(Capacity: 16_384)]
    pub(crate) fn zipf(n: u64) -> u64 {
        load(n)
    }
}

/// `memoize`, one cache for all threads.
#[expect(clippy::needless_pass_by_value, reason = "memoize takes owned arguments only")]
pub(crate) mod memoized_shared {
    use crate::work::{label, load};
    use memoize::memoize;
    use std::sync::Arc;
    use std::time::Duration;

    #[memoize(SharedCache, Capacity: 1024)]
    pub(crate) fn hit(n: u64) -> u64 {
        load(n)
    }

    #[memoize(SharedCache, Capacity: 1024, TimeToLive: Duration::from_hours(1))]
    pub(crate) fn ttl(n: u64) -> u64 {
        load(n)
    }

    #[memoize(SharedCache, Capacity: 1024)]
    pub(crate) fn pair(name: String, n: u32) -> Arc<str> {
        label(&name, n)
    }

    #[memoize(SharedCache, Capacity: 16_384)]
    pub(crate) fn zipf(n: u64) -> u64 {
        load(n)
    }
}
