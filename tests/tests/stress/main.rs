//! Chance and many threads: the fence oracle, and everything at once. Seconds long, so a binary of its own.
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(
    clippy::pedantic,
    clippy::needless_borrow,
    clippy::useless_conversion,
    clippy::drop_non_drop,
    dropping_copy_types
)]

mod everything_at_once;
mod fence_oracle;
mod fence_oracle_async;
mod fence_oracle_groups;

use std::cell::Cell;

/// Chance that differs between threads and is the same in every run.
struct Chance(Cell<u64>);

impl Chance {
    fn new(seed: usize) -> Self {
        Self(Cell::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1)))
    }

    fn next(&self) -> u64 {
        let mut seed = self.0.get();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        self.0.set(seed);
        seed >> 8
    }

    fn below(&self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
