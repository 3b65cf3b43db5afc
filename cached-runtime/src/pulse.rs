//! Notices an async leader that was woken and is polled no more (its future sits in a `select!` arm that nobody polls,
//! say), which no other single-flight cache does. Must never count a running poll, and must never keep a wake-up back.

use crate::clock::{self, Nanos};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use std::sync::Arc;
use std::task::{Wake, Waker};

/// How long a leader may stay woken and unpolled before its waiters give up on it.
const PATIENCE: Nanos = 1_000_000_000;

/// Stands between the executor's waker and a leader's body, and notes when the body was woken.
#[derive(Default)]
pub(crate) struct Pulse {
    /// In an `Arc`, so that no foreign code (a waker's clone or drop) runs under the lock.
    task: Mutex<Option<Arc<Waker>>>,
    polling: AtomicBool,
    /// When the body was woken and has not been polled since; 0 if it has.
    woken_at: AtomicU64,
}

impl Pulse {
    /// A poll begins: whatever woke the body is being answered. Ends when the guard is dropped.
    pub(crate) fn poll(&self, task: &Waker) -> Polling<'_> {
        let known = self.task.lock().clone();
        if !known.is_some_and(|known| known.will_wake(task)) {
            let new = Some(Arc::new(task.clone()));
            let old = std::mem::replace(&mut *self.task.lock(), new);
            drop(old);
        }
        // Relaxed is enough for both: they only time a suspicion out, a second later, and publish nothing.
        self.polling.store(true, Ordering::Relaxed);
        self.woken_at.store(0, Ordering::Relaxed);
        Polling(self)
    }

    /// Whether the body was woken a while ago and nobody has polled it since.
    pub(crate) fn is_stalled(&self) -> bool {
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        woken_at != 0 && !self.polling.load(Ordering::Relaxed) && clock::real().saturating_sub(woken_at) >= PATIENCE
    }
}

impl Wake for Pulse {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The first wake-up counts: later ones do not make the leader look livelier than it is.
        let now = clock::real().max(1);
        let _ = self.woken_at.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.wake_by_ref();
        }
    }
}

/// Ends a poll when dropped, also by a panic.
pub(crate) struct Polling<'a>(&'a Pulse);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.polling.store(false, Ordering::Relaxed);
    }
}
