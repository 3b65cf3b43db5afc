//! A timer of the crate's own, one thread for the process, started when first needed: limits of loads must hold on a
//! runtime without timers, where tokio's panic, and on no runtime at all. Must never run a waker under its lock.

// Not `crate::sync`: the alarms are no part of the models.
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// When, and which of those that are due then.
type Due = (Instant, u64);

static DUE: Mutex<BTreeMap<Due, Waker>> = Mutex::new(BTreeMap::new());
/// Told when the first of all is another.
static SOONER: Condvar = Condvar::new();

/// Goes off once, so long after it was made. In real time, whatever clock a test has paused.
pub(crate) struct Alarm {
    /// `None` if it lies beyond what a clock can tell.
    due: Option<Due>,
    set: bool,
}

impl Alarm {
    pub(crate) fn after(after: Duration) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        // Relaxed: the ids only have to differ.
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Self { due: Instant::now().checked_add(after).map(|at| (at, id)), set: false }
    }

    /// Whether it has gone off; if not, the task is woken when it does. Never, where no thread can be had for it.
    pub(crate) fn is_over(&mut self, cx: &Context<'_>) -> bool {
        let Some(due) = self.due else { return false };
        if Instant::now() >= due.0 {
            return true;
        }
        // A waker is the executor's: its clone and its drop run without our lock.
        let waker = cx.waker().clone();
        self.set = true;
        let mut all = DUE.lock();
        let before = all.insert(due, waker);
        let first = all.keys().next() == Some(&due);
        drop(all);
        if first && before.is_none() {
            SOONER.notify_one();
        }
        drop(before);
        start();
        false
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let (Some(due), true) = (self.due, self.set) {
            let gone = DUE.lock().remove(&due);
            drop(gone);
        }
    }
}

fn start() {
    static STARTED: OnceLock<bool> = OnceLock::new();
    STARTED.get_or_init(|| std::thread::Builder::new().name("cached-alarms".to_owned()).spawn(ring).is_ok());
}

fn ring() {
    let mut all = DUE.lock();
    loop {
        let later = all.split_off(&(Instant::now(), u64::MAX));
        let now = std::mem::replace(&mut *all, later);
        if !now.is_empty() {
            // Wakers are foreign code: a panic of theirs must not end the thread.
            MutexGuard::unlocked(&mut all, || {
                for waker in now.into_values() {
                    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
                }
            });
            continue;
        }
        match all.keys().next().copied() {
            None => SOONER.wait(&mut all),
            Some((at, _)) => {
                let _ = SOONER.wait_until(&mut all, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::Wake;
    use std::thread::{Thread, current, park};

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker's"));
        }
    }

    fn wait_for(mut alarm: Alarm) {
        let waker = Waker::from(Arc::new(Unpark(current())));
        while !alarm.is_over(&Context::from_waker(&waker)) {
            park();
        }
    }

    #[test]
    fn each_goes_off_in_its_order_and_no_waker_ends_the_thread() {
        let waker = Waker::from(Arc::new(Panics));
        let mut bad = Alarm::after(Duration::from_millis(5));
        assert!(!bad.is_over(&Context::from_waker(&waker)));
        let (begun, long) = (Instant::now(), Alarm::after(Duration::from_millis(60)));
        let short = std::thread::spawn(|| wait_for(Alarm::after(Duration::from_millis(20))));
        wait_for(long);
        assert!(begun.elapsed() >= Duration::from_millis(60));
        short.join().expect("no panic");
    }

    #[test]
    fn what_is_dropped_leaves_nothing_behind() {
        let mut alarm = Alarm::after(Duration::from_hours(1));
        assert!(!alarm.is_over(&Context::from_waker(Waker::noop())));
        let due = alarm.due.expect("in this century");
        assert!(DUE.lock().contains_key(&due));
        drop(alarm);
        assert!(!DUE.lock().contains_key(&due));
        assert!(!Alarm::after(Duration::MAX).is_over(&Context::from_waker(Waker::noop())));
    }
}
