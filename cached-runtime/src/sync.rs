//! The locks, atomics and thread-locals of the crate, in one place so that a model checker can stand in for them
//! (`--cfg shuttle`). Must never hold logic: only names.

#[cfg(not(shuttle))]
mod real {
    use std::time::Instant;

    pub(crate) use parking_lot::{Mutex, MutexGuard};
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::thread_local;

    /// A lock that is held for some nanoseconds: see `patience`.
    pub(crate) type ShortMutex<T> = lock_api::Mutex<spinning_top::RawSpinlock<crate::patience::Patience>, T>;
    pub(crate) type ShortGuard<'a, T> =
        lock_api::MutexGuard<'a, spinning_top::RawSpinlock<crate::patience::Patience>, T>;

    /// A condition variable whose waits end at a deadline.
    #[derive(Default)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        /// Waits for a notification until `deadline`; spurious wake-ups are the caller's to handle.
        pub(crate) fn wait_until<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            deadline: Option<Instant>,
        ) -> MutexGuard<'a, T> {
            match deadline {
                Some(deadline) => {
                    self.0.wait_until(&mut guard, deadline);
                }
                None => self.0.wait(&mut guard),
            }
            guard
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

/// Under the model checker time stands still: a wait with a deadline is a wait. A protocol that leans on the deadline
/// shows up as a deadlock, which is what the models are for.
#[cfg(shuttle)]
mod model {
    use std::time::Instant;

    pub(crate) use shuttle::sync::MutexGuard;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use shuttle::thread_local;

    pub(crate) type ShortMutex<T> = Mutex<T>;
    pub(crate) type ShortGuard<'a, T> = MutexGuard<'a, T>;

    #[derive(Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(std::sync::TryLockError::Poisoned(e)) => Some(e.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            }
        }
    }

    #[derive(Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn wait_until<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            _deadline: Option<Instant>,
        ) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

/// A static that the model checker makes anew for each run.
#[cfg(not(shuttle))]
macro_rules! process_wide {
    ($(#[$doc:meta])* static $name:ident: $ty:ty = $init:expr;) => {
        $(#[$doc])*
        static $name: $ty = $init;
    };
}

#[cfg(shuttle)]
macro_rules! process_wide {
    ($(#[$doc:meta])* static $name:ident: $ty:ty = $init:expr;) => {
        shuttle::lazy_static! {
            $(#[$doc])*
            static ref $name: $ty = $init;
        }
    };
}

pub(crate) use process_wide;

#[cfg(shuttle)]
pub(crate) use model::*;
#[cfg(not(shuttle))]
pub(crate) use real::*;
