//! Two threads for the whole process, each started when first needed: one looks in on async waits, so that every one of
//! them ends without a runtime's timer; the other sweeps expired entries out of idle caches, and runs the values' drops,
//! which may take their time. Must never keep a cache or a flight alive.

use crate::flight::Bell;
// Not `crate::sync`: the watchdog is no part of the models.
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// What the sweeper sweeps.
pub(crate) trait Sweep: Send + Sync {
    /// Frees what has expired, a bounded number of entries for each hold of a lock.
    fn sweep(&self);
}

static WAITS: Rounds<Bell> = Rounds::new("cached-watchdog", Duration::from_millis(250), Bell::ring);
static SWEEPS: Rounds<dyn Sweep> = Rounds::new("cached-sweeper", Duration::from_millis(500), Sweep::sweep);

/// Rings `bell` a few times a second for as long as it lives. False if there is no thread to do it.
pub(crate) fn look_after(bell: &Arc<Bell>) -> bool {
    if bell.needs_watching() {
        WAITS.add(Arc::downgrade(bell));
    }
    WAITS.started()
}

/// Sweeps `cache` about twice a second for as long as it lives.
pub(crate) fn sweep(cache: Weak<dyn Sweep>) {
    SWEEPS.add(cache);
    // Without a thread, expired entries are still freed by the calls that come (see `memory::shard`).
    let _ = SWEEPS.started();
}

/// A thread that does one thing to each of many, again and again.
struct Rounds<T: ?Sized + 'static> {
    name: &'static str,
    every: Duration,
    act: fn(&T),
    all: Mutex<Vec<Weak<T>>>,
    /// Told when there is something after there was nothing.
    more: Condvar,
    started: OnceLock<bool>,
}

impl<T: ?Sized + Send + Sync> Rounds<T> {
    const fn new(name: &'static str, every: Duration, act: fn(&T)) -> Self {
        Self { name, every, act, all: Mutex::new(Vec::new()), more: Condvar::new(), started: OnceLock::new() }
    }

    fn add(&self, one: Weak<T>) {
        self.all.lock().push(one);
        self.more.notify_one();
    }

    /// Whether the thread runs, which it does from here on if it can be had.
    fn started(&'static self) -> bool {
        *self.started.get_or_init(|| {
            // A thread of our own would be no part of a model, in which no wait is ended by its bound.
            cfg!(shuttle) || std::thread::Builder::new().name(self.name.to_owned()).spawn(|| self.run()).is_ok()
        })
    }

    fn run(&self) {
        loop {
            for one in self.next_round() {
                // Wakers and values are foreign code: a panic of theirs must not end the thread. Moved in, since the
                // last handle of a cache may be the one dropped here.
                let _ = catch_unwind(AssertUnwindSafe(move || (self.act)(&one)));
            }
        }
    }

    /// Sleeps until it is time for the next round (without end while there is nothing to do).
    fn next_round(&self) -> Vec<Arc<T>> {
        let mut all = self.all.lock();
        while all.is_empty() {
            self.more.wait(&mut all);
        }
        // News must not shorten the round: a burst of new flights would ring all of them over and over.
        let next = Instant::now() + self.every;
        while !self.more.wait_until(&mut all, next).timed_out() {}
        let mut alive = Vec::with_capacity(all.len());
        all.retain(|weak| weak.upgrade().map(|one| alive.push(one)).is_some());
        alive
    }
}
