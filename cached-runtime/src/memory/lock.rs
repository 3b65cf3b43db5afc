//! The lock of a shard. Must never be held while a body runs or anything waits.
//!
//! Under it the user's `Hash`, `Eq` and `Clone` run, and they may call cached functions again: this one (waiting for a
//! lock that the thread itself holds would hang) or another (two threads that each hold one lock and want the other's
//! would hang together). So a thread that holds one of these locks never waits for any: it takes what is free, and
//! otherwise [`Lock::take`] gives `None` and the call goes past the cache. A thread that waits holds none, hence there
//! is no cycle.

use crate::sync::{ShortGuard, ShortMutex, thread_local};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

thread_local! {
    /// How many of these locks this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread holds one of these locks, so that it must not wait for anything.
#[inline]
pub(crate) fn is_held() -> bool {
    HELD.with(Cell::get) > 0
}

/// See the file's head. Aligned so that two shards never share a cache line (or the pair of lines that many CPUs fetch).
#[repr(align(128))]
pub(crate) struct Lock<T>(ShortMutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(ShortMutex::new(value))
    }

    /// Takes the lock; `None` if the thread may not wait for it.
    #[inline]
    pub(crate) fn take(&self) -> Option<Held<'_, T>> {
        if is_held() {
            let value = self.0.try_lock()?;
            return Some(Held { value, _holding: Holding::begin() });
        }
        Some(self.wait())
    }

    /// Takes the lock, waiting for it: only for a thread that holds none ([`is_held`]).
    #[inline]
    pub(crate) fn wait(&self) -> Held<'_, T> {
        Held { value: self.0.lock(), _holding: Holding::begin() }
    }
}

/// The lock is held until this is dropped.
pub(crate) struct Held<'a, T> {
    value: ShortGuard<'a, T>,
    _holding: Holding,
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// This thread holds one more lock, until this is dropped.
pub(crate) struct Holding(());

impl Holding {
    #[inline]
    pub(crate) fn begin() -> Self {
        HELD.with(|held| held.set(held.get() + 1));
        Self(())
    }
}

impl Drop for Holding {
    #[inline]
    fn drop(&mut self) {
        HELD.with(|held| held.set(held.get() - 1));
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use std::sync::Barrier;

    impl<T> Lock<T> {
        fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
            self.take().map(|mut value| f(&mut value))
        }
    }

    #[test]
    fn a_second_turn_on_one_thread_is_refused() {
        let lock = Lock::new(1);
        assert_eq!(lock.with(|_| lock.with(|value| *value)), Some(None));
        assert_eq!(lock.with(|value| *value), Some(1));
    }

    #[test]
    fn two_threads_that_want_each_others_lock_go_on() {
        let (a, b) = (Lock::new(()), Lock::new(()));
        let both = Barrier::new(2);
        let cross = |first: &Lock<()>, second: &Lock<()>| {
            first.with(|()| {
                both.wait();
                let got = second.with(|()| ());
                both.wait();
                got
            })
        };
        std::thread::scope(|s| {
            let one = s.spawn(|| cross(&a, &b));
            assert_eq!(cross(&b, &a), Some(None));
            assert_eq!(one.join().unwrap(), Some(None));
        });
    }

    #[test]
    fn a_panic_releases_it() {
        let lock = Lock::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lock.with(|_| panic!("on purpose"))));
        assert!(panicked.is_err() && !is_held());
        assert_eq!(std::thread::scope(|s| s.spawn(|| lock.with(|value| *value)).join().unwrap()), Some(1));
    }
}
