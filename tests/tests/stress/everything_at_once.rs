//! Threads and tasks, every companion, panics, recursion, expiry and eviction on one function: it ends, it returns right values, and its counters add up.

use crate::Chance;
use cached_runtime::cached;
use cached_tests::crowd;
use std::{
    panic::catch_unwind,
    time::{Duration, Instant},
};

macro_rules! everything {
    ($store:ident, $bound:expr, $($option:tt)*) => {
        mod $store {
            use super::*;

            const BOUND: usize = $bound;

            #[cached($($option)*, ttl = "5ms", coalesce = "100ms")]
            fn load(n: u64, mode: u8) -> Option<u64> {
                match mode {
                    0 => return None,
                    1 => assert!(n % 7 != 3, "on purpose"),
                    2 if n > 0 => return load(n - 1, 2).map(|value| value + 1),
                    3 => load::invalidate(n, mode),
                    4 => std::thread::yield_now(),
                    // Mutual recursion: threads that lead one and want the other.
                    5 if n < 2 => return load(n ^ 1, 6).map(|value| value ^ 1),
                    6 if n < 2 => return load(n, 7),
                    _ => {}
                }
                Some(n)
            }

            fn right(n: u64, mode: u8, value: Option<u64>) -> bool {
                value == (mode > 0).then_some(n)
            }

            #[test]
            fn everything() {
                let until = Instant::now() + Duration::from_millis(1200);
                let done = crowd(8, move |i| {
                    let (chance, mut steps) = (Chance::new(i), 0_u64);
                    while Instant::now() < until {
                        let (n, mode) = (chance.below(20) as u64, chance.below(9) as u8);
                        match chance.below(100) {
                            0 => load::clear(),
                            1..5 => load::invalidate(n, mode),
                            5..10 => load::set(n, mode, &(mode > 0).then_some(n)),
                            10..15 => drop(catch_unwind(|| assert!(right(n, mode, load::refresh(n, mode))))),
                            15..20 => assert!(load::get(n, mode).is_none_or(|value| right(n, mode, value))),
                            20..25 => assert!(load::stats().entries <= BOUND),
                            _ => match catch_unwind(|| load(n, mode)) {
                                Ok(value) => assert!(right(n, mode, value), "load({n}, {mode}) gave {value:?}"),
                                Err(panic) => assert_eq!(cached_tests::message(&*panic), "on purpose"),
                            },
                        }
                        steps += 1;
                    }
                    steps
                });
                assert!(done.iter().sum::<u64>() > 1000);
                // And it still works.
                load::clear();
                assert_eq!((load(5, 8), load(5, 8)), (Some(5), Some(5)));
            }
        }
    };
}

everything!(lru, 30, capacity = 30);
everything!(sieve, 30, capacity = 30, eviction = sieve);
everything!(unbounded, usize::MAX, capacity = unbounded);
// Each of the eight threads has thirty places.
everything!(local, 240, backend = local, capacity = 30);
