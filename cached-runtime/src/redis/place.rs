//! One of so many places, where nobody waits for one. Must never be kept by who has gone.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Given back when dropped.
pub(crate) struct Place<C: Deref<Target = AtomicUsize>>(C);

impl<C: Deref<Target = AtomicUsize>> Place<C> {
    /// One more of those that are `taken`, if that makes no more than `most`.
    pub(crate) fn among(taken: C, most: usize) -> Option<Self> {
        let place = Self(taken);
        // Relaxed: nothing but the number hangs on it.
        (place.0.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl<C: Deref<Target = AtomicUsize>> Drop for Place<C> {
    fn drop(&mut self) {
        // Whoever sees it given back sees what was done meanwhile.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_they_are_given_back() {
        let taken = AtomicUsize::new(0);
        let held: Vec<_> = (0..3).map(|_| Place::among(&taken, 3)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(Place::among(&taken, 3).is_none() && Place::among(&taken, 3).is_none());
        assert_eq!(taken.load(Ordering::Acquire), 3, "who got none holds none");
        drop(held);
        assert_eq!(taken.load(Ordering::Acquire), 0);
        assert!(Place::among(&taken, 3).is_some());
    }
}
