//! Who watches, and how they are told. Must never cost a plain hit more than one relaxed load, and must never call a
//! listener under a lock.
//!
//! One process-wide number counts all who watch: listeners of caches, subscriptions, scopes under way. While it is zero
//! nothing of this module runs. Relaxed is enough: a thread sees its own changes of the number in order, and who hands a
//! scope's future, a subscription or a cache to another thread synchronises with it by that. For anybody else "a moment
//! later" is as good.

use crate::events::{Event, What};
use crate::memory::lock;
use crate::scope::{self, Found};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
// Not `crate::sync`: no protocol depends on it.
use parking_lot::{Mutex, RwLock};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

static WATCHERS: AtomicUsize = AtomicUsize::new(0);

/// Whether anybody watches.
#[inline]
pub(crate) fn any() -> bool {
    WATCHERS.load(Ordering::Relaxed) != 0
}

/// Whether anybody wants to hear of what is rarer than a hit. Off the hit path only.
pub(crate) fn listening() -> bool {
    any() || crate::trace::listens()
}

/// Somebody watches, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watching(());

impl Watching {
    pub(crate) fn begin() -> Self {
        WATCHERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is told.
pub(crate) type Listener = dyn Fn(&Event<'_>) + Send + Sync;

/// A cache, as those who watch know it.
pub(crate) struct Source {
    pub(crate) name: Cow<'static, str>,
    pub(crate) backend: &'static str,
    /// Its events are told by somebody else: the cache in front of it, if there is one.
    silent: bool,
    front: Option<Arc<Self>>,
    listener: Option<(Arc<Listener>, Watching)>,
}

impl Source {
    pub(crate) fn new(name: Cow<'static, str>, backend: &'static str, listener: Option<Arc<Listener>>) -> Arc<Self> {
        let listener = listener.map(|listener| (listener, Watching::begin()));
        Arc::new(Self { name, backend, silent: false, front: None, listener })
    }

    /// Of what stands behind a cache, which tells its own events.
    pub(crate) fn silent(name: Cow<'static, str>, backend: &'static str) -> Arc<Self> {
        Arc::new(Self { name, backend, silent: true, front: None, listener: None })
    }

    /// Of the gates behind a cache on a server.
    #[cfg(feature = "redis")]
    pub(crate) fn behind(front: &Arc<Self>) -> Arc<Self> {
        let (name, front) = (front.name.clone(), Some(Arc::clone(front)));
        Arc::new(Self { name, backend: "redis", silent: true, front, listener: None })
    }

    /// The cache in front of it, or itself.
    pub(crate) fn front(self: &Arc<Self>) -> &Arc<Self> {
        self.front.as_ref().unwrap_or(self)
    }

    /// Tells what happened, now or, under a lock of this thread's, with the thread's next event.
    #[cold]
    pub(crate) fn tell(self: &Arc<Self>, key: Key<'_>, what: What) {
        if !self.silent {
            deliver(self.note(key, what));
        }
    }

    /// Something to tell once the lock is released.
    #[cold]
    pub(crate) fn note(self: &Arc<Self>, key: Key<'_>, what: What) -> Note {
        Note { source: Arc::clone(self), hash: key.hash, text: key.text.cloned(), what }
    }

    /// A look-up found something, or not.
    #[cold]
    pub(crate) fn looked(self: &Arc<Self>, key: Key<'_>, found: Found) {
        scope::record(self, key, found);
        match found {
            // That it was stale is told where it is counted.
            Found::Hit | Found::Stale => self.tell(key, What::Hit),
            Found::Miss => self.tell(key, What::Miss),
            Found::Bypassed => {}
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("backend", &self.backend).finish_non_exhaustive()
    }
}

/// A key, as far as events know it: nothing of it that could be secret but, in Redis, the text that stands there anyway.
#[derive(Clone, Copy, Default)]
pub(crate) struct Key<'k> {
    pub(crate) hash: Option<u64>,
    pub(crate) text: Option<&'k Arc<str>>,
}

impl Key<'_> {
    pub(crate) fn hash(hash: u64) -> Self {
        Self { hash: Some(hash), text: None }
    }
}

#[cfg(feature = "redis")]
impl<'k> Key<'k> {
    pub(crate) fn text(text: &'k Arc<str>) -> Self {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&**text);
        Self { hash: Some(hash), text: Some(text) }
    }
}

/// Something that happened, with all that is to be told of it.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) source: Arc<Source>,
    pub(crate) hash: Option<u64>,
    pub(crate) text: Option<Arc<str>>,
    pub(crate) what: What,
}

thread_local! {
    /// What happened under a lock of this thread's.
    static PENDING: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
    /// This thread is inside of a listener: what that causes is not told, or it would be told of for ever.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// More is not kept for a thread that never gets out of its locks.
const PENDING_MOST: usize = 1024;

/// Tells what happened under a lock, once it is released.
#[inline]
pub(crate) fn flush() {
    if listens_somebody() {
        flush_pending();
    }
}

#[inline]
fn listens_somebody() -> bool {
    if cfg!(any(feature = "tracing", feature = "metrics")) { listening() } else { any() }
}

#[cold]
fn flush_pending() {
    let telling = TELLING.try_with(Cell::get).unwrap_or(true);
    if telling || lock::is_held() {
        return;
    }
    let pending = PENDING.try_with(|pending| std::mem::take(&mut *pending.borrow_mut())).unwrap_or_default();
    pending.into_iter().for_each(deliver);
}

/// Tells a note, unless this thread holds a lock: then with its next one.
pub(crate) fn deliver(note: Note) {
    // A thread that is ending has no thread-locals any more, and tells nobody.
    let _ = TELLING.try_with(|telling| {
        if telling.get() {
            return;
        }
        if lock::is_held() {
            let _ = PENDING.try_with(|pending| {
                let mut pending = pending.borrow_mut();
                if pending.len() < PENDING_MOST {
                    pending.push(note);
                }
            });
            return;
        }
        #[cfg(feature = "redis")]
        let Some(note) = crate::redis::not_on_driver(note, hand_over) else { return };
        hand_over(note);
    });
}

/// Calls those who listen.
fn hand_over(note: Note) {
    let _telling = Telling::begin();
    let earlier = PENDING.try_with(|pending| std::mem::take(&mut *pending.borrow_mut())).unwrap_or_default();
    for note in earlier.into_iter().chain([note]) {
        crate::trace::event(&note);
        #[cfg(feature = "metrics")]
        crate::metrics::event(&note);
        let event = Event(Cow::Borrowed(&note));
        if let Some((listener, _)) = &note.source.listener {
            contained(|| listener(&event));
        }
        // Called outside of the list's lock, so that a listener may unsubscribe itself.
        let subscribers = SUBSCRIBERS.read().clone();
        for (_, subscriber) in subscribers.iter() {
            contained(|| subscriber(&event));
        }
    }
}

/// A listener that panics takes nothing with it. (The panic hook has reported it.)
fn contained(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

struct Telling(());

impl Telling {
    fn begin() -> Self {
        let _ = TELLING.try_with(|telling| telling.set(true));
        Self(())
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = TELLING.try_with(|telling| telling.set(false));
    }
}

type Subscribers = Arc<Vec<(u64, Arc<Listener>)>>;

/// Copied at each change, so that telling takes no more than a read lock for the length of a clone of the `Arc`.
static SUBSCRIBERS: std::sync::LazyLock<RwLock<Subscribers>> = std::sync::LazyLock::new(RwLock::default);
static CHANGING: Mutex<()> = Mutex::new(());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Adds one who listens to all caches, and gives the number to remove it by.
pub(crate) fn subscribe(listener: Arc<Listener>) -> u64 {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    change(|all| all.push((id, listener)));
    id
}

pub(crate) fn unsubscribe(id: u64) {
    change(|all| all.retain(|(known, _)| *known != id));
}

fn change(f: impl FnOnce(&mut Vec<(u64, Arc<Listener>)>)) {
    let one_at_a_time = CHANGING.lock();
    let mut all = SUBSCRIBERS.read().to_vec();
    f(&mut all);
    // What it replaces is dropped after the lock: a listener's captures are the user's.
    let old = std::mem::replace(&mut *SUBSCRIBERS.write(), Arc::new(all));
    drop(one_at_a_time);
    drop(old);
}
