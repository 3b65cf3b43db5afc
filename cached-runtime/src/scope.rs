//! Control of all caches for the length of a closure or future: go past them, load anew, or see what was hit. Must never
//! be touched by a hit while no scope is under way anywhere, and must never outlive its closure or future.
//!
//! For tests, and for requests such as one with `Cache-Control: no-cache`:
//!
//! ```
//! use cached_runtime::{cached, scope};
//!
//! #[cached]
//! fn price(item: &str) -> usize { item.len() }
//!
//! price("tea");
//! let (_, seen) = scope::observe(|| { price("tea"); price("coffee") });
//! assert_eq!((seen.hits(), seen.misses()), (1, 1));
//!
//! scope::bypass(|| price("tea"));              // runs the body; nothing is read or stored
//! assert_eq!(price::stats().hits, 1);
//! scope::fresh(|| price("tea"));               // runs the body, and stores what it gives
//! assert_eq!(price::stats().loads, 3);
//! ```
//!
//! - Scopes nest. Of `bypass` and `fresh` the innermost counts; of `observe` all see what happens inside of them.
//! - They reach everything that the closure calls on its thread, and everything that a future does when it is polled, on
//!   whichever thread. **A task or thread that is spawned inside does not inherit them.**
//! - They hold for all backends. They end with a panic, and with the drop of the future.
//! - While any scope is under way, hits in the whole process take a slower path (some tens of nanoseconds).

use crate::hooks::{Key, Source, Watching};
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A report keeps this many look-ups, and counts the rest.
const KEPT: usize = 10_000;

/// What a scope does.
enum Frame {
    Bypass,
    /// Which entries were loaded anew already, by source and key.
    Fresh(Mutex<HashSet<(usize, u64)>>),
    Observe(Mutex<Report>),
}

thread_local! {
    /// The scopes that this thread is inside of, outermost first.
    static STACK: RefCell<Vec<Arc<Frame>>> = const { RefCell::new(Vec::new()) };
}

/// A scope is on the stack until this is dropped, also by a panic.
struct Entered {
    pushed: bool,
}

impl Entered {
    fn enter(frame: &Arc<Frame>) -> Self {
        Self { pushed: STACK.try_with(|stack| stack.borrow_mut().push(Arc::clone(frame))).is_ok() }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.pushed {
            // The frame goes after the borrow: it is the last but one handle at most, but who knows.
            drop(STACK.try_with(|stack| stack.borrow_mut().pop()));
        }
    }
}

/// What a look-up is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Usual,
    Bypass,
    /// Load anew, and store.
    Fresh,
}

/// What a look-up of this key is to do. The first of a key in a fresh scope is to load anew, those after it find what
/// that brought: otherwise a recursive function would do its whole work again for each call.
pub(crate) fn mode(source: &Arc<Source>, key: Key<'_>) -> Mode {
    let decide = |stack: &RefCell<Vec<Arc<Frame>>>| {
        stack.borrow().iter().rev().find_map(|frame| match &**frame {
            Frame::Bypass => Some(Mode::Bypass),
            Frame::Fresh(done) => {
                let place = (Arc::as_ptr(source).addr(), key.hash.unwrap_or_default());
                Some(if done.lock().insert(place) { Mode::Fresh } else { Mode::Usual })
            }
            Frame::Observe(_) => None,
        })
    };
    STACK.try_with(decide).ok().flatten().unwrap_or(Mode::Usual)
}

/// Whether look-ups go past all caches here.
pub(crate) fn bypasses() -> bool {
    let innermost = |stack: &RefCell<Vec<Arc<Frame>>>| {
        stack.borrow().iter().rev().find_map(|frame| match &**frame {
            Frame::Bypass => Some(true),
            Frame::Fresh(_) => Some(false),
            Frame::Observe(_) => None,
        })
    };
    STACK.try_with(innermost).ok().flatten().unwrap_or(false)
}

/// Notes a look-up in all reports that are open here.
pub(crate) fn record(source: &Arc<Source>, key: Key<'_>, found: Found) {
    let _ = STACK.try_with(|stack| {
        for frame in stack.borrow().iter() {
            if let Frame::Observe(report) = &**frame {
                let mut report = report.lock();
                if report.seen.len() < KEPT {
                    let source = Arc::clone(source);
                    report.seen.push(Seen { source, hash: key.hash, text: key.text.cloned(), found });
                } else {
                    report.more += 1;
                }
            }
        }
    });
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Found {
    /// An entry.
    Hit,
    /// None, or one that a [`fresh`] scope did not want: the function ran, or another call's run was waited for.
    Miss,
    /// An entry past its time, within its stale window.
    Stale,
    /// It did not look: the scope is inside of a [`bypass`].
    Bypassed,
}

/// A look-up of a [`Report`].
#[derive(Clone)]
pub struct Seen {
    source: Arc<Source>,
    hash: Option<u64>,
    text: Option<Arc<str>>,
    found: Found,
}

impl Seen {
    /// The name of the cache; for a function, its path.
    pub fn cache(&self) -> &str {
        &self.source.name
    }

    /// Where its entries live: as [`CacheInfo::backend`](crate::CacheInfo::backend).
    pub fn backend(&self) -> &'static str {
        self.source.backend
    }

    /// A hash of the key: the same for the same key of the same cache. In memory its seed is the cache's own.
    pub fn key_hash(&self) -> Option<u64> {
        self.hash
    }

    /// The key's text, for caches in Redis.
    pub fn key_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// What it found.
    pub fn found(&self) -> Found {
        self.found
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("cache", &self.cache())
            .field("key_hash", &self.hash)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

/// What was looked up in a scope, in the order in which it was.
#[derive(Clone, Debug, Default)]
pub struct Report {
    seen: Vec<Seen>,
    more: usize,
}

impl Report {
    /// The look-ups: of those beyond the first 10,000 only their [number](Self::more) is known.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// How many look-ups there were beyond those in [`seen`](Self::seen).
    pub fn more(&self) -> usize {
        self.more
    }

    /// How many of [`seen`](Self::seen) found an entry, a stale one included.
    pub fn hits(&self) -> usize {
        self.seen.iter().filter(|seen| matches!(seen.found, Found::Hit | Found::Stale)).count()
    }

    /// How many of [`seen`](Self::seen) found none.
    pub fn misses(&self) -> usize {
        self.seen.iter().filter(|seen| seen.found == Found::Miss).count()
    }

    /// Whether everything that was looked up was there.
    pub fn all_hit(&self) -> bool {
        self.more == 0 && self.hits() == self.seen.len()
    }

    /// What was found in the cache of this name, in order.
    pub fn of(&self, cache: &str) -> Vec<Found> {
        self.seen.iter().filter(|seen| seen.cache() == cache).map(Seen::found).collect()
    }
}

/// Runs `f` as if there were no cache: bodies run, nothing is read, stored or waited for. `get` gives `None`, `contains`
/// `false`. Writes (`set`, `invalidate`, `clear`) act as ever. Counted in
/// [`Stats::bypassed`](crate::Stats::bypassed).
pub fn bypass<R>(f: impl FnOnce() -> R) -> R {
    within(&Arc::new(Frame::Bypass), f)
}

/// As [`bypass`], for a future.
pub fn bypass_async<F: Future>(future: F) -> Scoped<F> {
    Scoped::new(Frame::Bypass, future)
}

/// Runs `f` with fresh values: each entry that it asks for is loaded anew and stored, once; asked for again, it is a hit.
/// A load that fails leaves the old value where it is. `get` and `contains` look as ever.
pub fn fresh<R>(f: impl FnOnce() -> R) -> R {
    within(&Arc::new(Frame::Fresh(Mutex::default())), f)
}

/// As [`fresh`], for a future.
pub fn fresh_async<F: Future>(future: F) -> Scoped<F> {
    Scoped::new(Frame::Fresh(Mutex::default()), future)
}

/// Runs `f`, and tells which entries it looked up, and what it found.
pub fn observe<R>(f: impl FnOnce() -> R) -> (R, Report) {
    let frame = Arc::new(Frame::Observe(Mutex::default()));
    let ret = within(&frame, f);
    (ret, report(&frame))
}

/// As [`observe`], for a future.
///
/// ```
/// use cached_runtime::{cached, scope};
///
/// #[cached]
/// async fn price(item: &str) -> usize { item.len() }
///
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # fn run<F: Future>(future: F) -> F::Output {
/// #     let ready = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
/// #     if let Poll::Ready(ret) = ready { ret } else { unreachable!("nothing waits") }
/// # }
/// # run(async {
/// let (_, seen) = scope::observe_async(async { price("tea").await + price("tea").await }).await;
/// assert_eq!((seen.hits(), seen.misses()), (1, 1));
/// # });
/// ```
pub fn observe_async<F: Future>(future: F) -> Observed<F> {
    Observed { scoped: Scoped::new(Frame::Observe(Mutex::default()), future) }
}

fn within<R>(frame: &Arc<Frame>, f: impl FnOnce() -> R) -> R {
    let _watching = Watching::begin();
    let _entered = Entered::enter(frame);
    f()
}

fn report(frame: &Frame) -> Report {
    match frame {
        Frame::Observe(report) => std::mem::take(&mut *report.lock()),
        Frame::Bypass | Frame::Fresh(_) => Report::default(),
    }
}

pin_project! {
    /// A future inside of a scope, which is entered around each poll.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Scoped<F> {
        frame: Arc<Frame>,
        watching: Watching,
        #[pin]
        future: F,
    }
}

impl<F> Scoped<F> {
    fn new(frame: Frame, future: F) -> Self {
        Self { frame: Arc::new(frame), watching: Watching::begin(), future }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::enter(this.frame);
        this.future.poll(cx)
    }
}

pin_project! {
    /// A future whose look-ups are reported with its result.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Observed<F> {
        #[pin]
        scoped: Scoped<F>,
    }
}

impl<F: Future> Future for Observed<F> {
    type Output = (F::Output, Report);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut scoped = self.project().scoped;
        let ret = ready!(scoped.as_mut().poll(cx));
        Poll::Ready((ret, report(&scoped.frame)))
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scoped")
    }
}

impl<F> fmt::Debug for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observed")
    }
}
