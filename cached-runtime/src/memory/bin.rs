//! Where removed values wait until the lock is released. Must be emptied outside of every lock: a value's `Drop` is
//! the user's code, and may call the cached function again.

use super::map::Dead;
use super::shard::Begun;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Removed entries. The first takes no allocation, as an eviction for each insertion is the common case.
pub(crate) struct Bin<D: Dead> {
    first: Option<D>,
    rest: Vec<D>,
}

impl<D: Dead> Default for Bin<D> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<D: Dead> Bin<D> {
    pub(crate) fn put(&mut self, dead: D) {
        if self.first.is_none() {
            self.first = Some(dead);
        } else {
            self.rest.push(dead);
        }
    }
}

impl<D: Dead> Bin<D> {
    /// Drops what a look-up removed, after the lock, and tells those who listen: where it has begun a load, both are inside
    /// of it, since a value's `Drop` or a listener may call the function again.
    pub(crate) fn empty<V>(self, begun: &Begun<V>) {
        if crate::hooks::listening() || (D::FOREIGN && self.first.is_some()) {
            let _inside = begun.inside();
            drop(self);
        }
    }
}

impl<D: Dead> Drop for Bin<D> {
    /// Drops each value on its own: one whose `Drop` panics takes neither the others nor the caller with it, who only
    /// happened to make room. (The panic hook has reported it.)
    fn drop(&mut self) {
        // Outside of every lock, as the drops are.
        crate::hooks::flush();
        if !D::FOREIGN {
            return;
        }
        for dead in self.first.take().into_iter().chain(self.rest.drain(..)) {
            drop_quietly(dead);
        }
    }
}

/// Drops something whose drop may run the user's code, and keeps a panic of it.
pub(crate) fn drop_quietly<T>(dead: T) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(dead)));
}
