//! `tti`: an entry that nobody reads for that long is gone.

use crate::{secs, stores};
use cached_runtime::{cached, clock};

macro_rules! idle {
    ($store:ident, $($option:tt)*) => {
        mod $store {
            use super::*;

            #[test]
            fn reads_prolong_it() {
                let clock = clock::pause();
                #[cached($($option)*, tti = "10s")]
                fn load(n: u64) -> u64 {
                    n
                }
                load(1);
                load(2);
                for _ in 0..10 {
                    clock.advance(secs(8));
                    load(1);
                    assert_eq!(load::stats().misses, 2);
                }
                assert_eq!((load::contains(1), load::contains(2)), (true, false));
                clock.advance(secs(8));
                assert!(load::contains(1));
                clock.advance(secs(2));
                assert!(!load::contains(1), "a look is no read");
            }

            #[test]
            fn ttl_ends_it_all_the_same() {
                let clock = clock::pause();
                #[cached($($option)*, tti = "10s", ttl = "25s")]
                fn load(n: u64) -> u64 {
                    n
                }
                load(1);
                for _ in 0..3 {
                    clock.advance(secs(8));
                    assert_eq!(load::get(1), Some(1));
                }
                clock.advance(secs(1));
                assert_eq!(load::get(1), None, "25 s after the load");
                load(2);
                clock.advance(secs(10));
                assert_eq!(load::get(2), None, "10 s after the last read");
            }
        }
    };
}

idle!(lru, eviction = lru);
idle!(sieve, eviction = sieve);
idle!(unbounded, capacity = unbounded);
idle!(local, backend = local);

#[test]
fn of_the_builder() {
    let clock = clock::pause();
    for (store, builder) in stores::<u32, u32>() {
        let cache = builder.tti(secs(10)).build();
        cache.set(1, 1);
        clock.advance(secs(9));
        assert_eq!(cache.get(&1), Some(1), "{store}");
        clock.advance(secs(9));
        assert_eq!(cache.get_or_load(1, || 2), 1, "{store}");
        clock.advance(secs(10));
        assert_eq!(cache.get_or_load(1, || 2), 2, "{store}");
    }
}
