//! Tags: groups of entries that are invalidated together, in the whole process, whichever caches they are in. Must never
//! keep a list of entries: a tag is one number in a table of fixed size, and who asks compares.
//!
//! ```text
//! slot of a tag    the ticket of the tag's last invalidation; the slot is found by a hash of the tag's text
//! epoch            the ticket of the last invalidation of any tag
//! an entry or a load counts iff, for each of its tags, slot < its ticket
//! ```
//!
//! **Why this fences.** A load's ticket is drawn before its body begins, from the one sequence that invalidations draw
//! from too. An invalidation that returned before a call starts has stored its ticket in the slot; every load that began
//! before has a lower ticket, so it is not joined and what it stored is not served. Nobody has to find those entries.
//! Two tags may share a slot (one pair in 65,536): then one invalidates the other's entries too, which costs a load and
//! is never wrong.
//!
//! **Why a hit is cheap.** It compares one number with the epoch. An entry that was looked at tag by tag is marked as
//! *vetted* up to the epoch that was read **before** its slots were. That is sound because slot and epoch are written
//! under one mutex, the slot first, and each holder draws its ticket under it: so epochs only grow, and whoever reads an
//! epoch (acquire) sees the slots of all invalidations up to it (they were written before it was stored with release, by
//! this holder or by an earlier one). An entry that is vetted up to `e` was compared with every invalidation up to `e`;
//! one that comes later raises the epoch above `e` before it returns.

use crate::acting::Invalidation;
use crate::memory::shard::draw;
use crate::sync::{AtomicU64, Mutex, Ordering, process_wide};
use std::fmt::{self, Write};

/// The tags of a call: hands each of them to what it is given, as text. It is asked again whenever the tags are needed,
/// which with the memory stores is on a miss only.
pub type TagsOf<'t> = dyn Fn(&mut dyn FnMut(fmt::Arguments<'_>)) + 't;

/// The same tags as texts: for an entry that is handed to the caller and outlives the arguments.
pub fn rendered(tags: &TagsOf<'_>) -> Box<TagsOf<'static>> {
    let mut texts = Vec::new();
    tags(&mut |text| texts.push(text.to_string()));
    Box::new(move |tag| texts.iter().for_each(|text| tag(format_args!("{text}"))))
}

/// How many slots there are. The model checker makes them anew for each of its runs.
#[cfg(not(shuttle))]
const SLOTS: usize = 1 << 16;
#[cfg(shuttle)]
const SLOTS: usize = 1 << 4;

process_wide! {
    /// 512 KiB that are only touched where tags are in use.
    static TABLE: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
}

process_wide! {
    /// The ticket of the last invalidation of any tag.
    static EPOCH: AtomicU64 = AtomicU64::new(0);
}

process_wide! {
    /// Held while an invalidation draws its ticket and writes it: see the file's head. A leaf: nothing is locked under it.
    static WRITING: Mutex<()> = Mutex::new(());
}

/// The ticket of the last invalidation of any tag. Acquire: with it come the slots of all invalidations up to it.
#[inline]
pub(crate) fn epoch() -> u64 {
    EPOCH.load(Ordering::Acquire)
}

/// The slots of an entry's or a load's tags. None takes no memory.
#[derive(Clone, Debug, Default)]
pub struct Tags(Box<[u16]>);

impl Tags {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether none of these tags was invalidated after `ticket` was drawn.
    ///
    /// Acquire: a caller that sees an invalidation's mark also sees what its author wrote before.
    pub(crate) fn are_current(&self, ticket: u64) -> bool {
        self.0.iter().all(|slot| TABLE[usize::from(*slot)].load(Ordering::Acquire) < ticket)
    }
}

/// A list of tags: an array, a `Vec` or a slice of anything that can be displayed.
///
/// Sealed: these are what there is.
pub trait TagList: sealed::Sealed {
    #[doc(hidden)]
    fn each(&self, tag: &mut dyn FnMut(fmt::Arguments<'_>));
}

mod sealed {
    pub trait Sealed {}
    impl<T, const N: usize> Sealed for [T; N] {}
    impl<T> Sealed for Vec<T> {}
    impl<T> Sealed for &[T] {}
}

impl<T: fmt::Display, const N: usize> TagList for [T; N] {
    fn each(&self, tag: &mut dyn FnMut(fmt::Arguments<'_>)) {
        self.as_slice().each(tag);
    }
}

impl<T: fmt::Display> TagList for Vec<T> {
    fn each(&self, tag: &mut dyn FnMut(fmt::Arguments<'_>)) {
        self.as_slice().each(tag);
    }
}

impl<T: fmt::Display> TagList for &[T] {
    fn each(&self, tag: &mut dyn FnMut(fmt::Arguments<'_>)) {
        self.iter().for_each(|one| tag(format_args!("{one}")));
    }
}

/// Where a place of an entry gets its tags from.
#[derive(Default)]
pub(crate) enum TagSource<'c> {
    /// It has none.
    #[default]
    None,
    /// From a list.
    List(&'c dyn TagList),
    /// From the call's arguments.
    By(&'c TagsOf<'c>),
    /// The same, for an entry that was handed to the caller.
    Boxed(Box<TagsOf<'c>>),
    /// They were asked for before.
    Known(Tags),
}

impl TagSource<'_> {
    pub(crate) fn is_none(&self) -> bool {
        match self {
            Self::None => true,
            Self::Known(tags) => tags.is_empty(),
            _ => false,
        }
    }

    /// The text of each tag; of those that were asked for before, there is none any more.
    pub(crate) fn each(&self, tag: &mut dyn FnMut(fmt::Arguments<'_>)) {
        match self {
            Self::None | Self::Known(_) => {}
            Self::List(tags) => tags.each(tag),
            Self::By(tags) => tags(tag),
            Self::Boxed(tags) => tags(tag),
        }
    }

    /// Their slots. Runs the user's `Display`, and allocates where there are tags at all.
    #[cold]
    pub(crate) fn slots(&self) -> Tags {
        if let Self::Known(tags) = self {
            return tags.clone();
        }
        let mut slots = Vec::new();
        self.each(&mut |tag| slots.push(slot(tag)));
        Tags(slots.into_boxed_slice())
    }
}

/// The slot of a tag. A hash of its text as it is written, piece by piece: however the pieces are cut, one text has one
/// slot, and nothing is allocated. No secret seed: a tag may be invalidated before anything of that tag exists, and a
/// collision only costs a load.
fn slot(tag: fmt::Arguments<'_>) -> u16 {
    let mut text = Hashing(0xcbf2_9ce4_8422_2325);
    // A `Display` that gives up half-way gives up at the same place each time.
    let _ = text.write_fmt(tag);
    let hash = text.0 ^ (text.0 >> 32);
    let slot = (hash ^ (hash >> 16)) & (SLOTS as u64 - 1);
    u16::try_from(slot).unwrap_or(0)
}

/// FNV-1a (Fowler, Noll, Vo), byte by byte.
struct Hashing(u64);

impl Write for Hashing {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for byte in piece.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

/// Invalidates a tag in this process's memory.
fn forget_here(slots: &[u16]) {
    if slots.is_empty() {
        return;
    }
    let _writing = WRITING.lock();
    let ticket = draw();
    for slot in slots {
        // Relaxed would do for who comes by way of the epoch; `are_current` is also asked without it.
        TABLE[usize::from(*slot)].store(ticket, Ordering::Release);
    }
    EPOCH.store(ticket, Ordering::Release);
}

/// Invalidates all entries of a tag, in every cache of the application: in memory, on all threads, and in Redis for all
/// processes. The functions and caches that have such entries need not have been called yet.
///
/// A call that starts after this succeeded never gets a value of that tag whose load began before. It acts at once; await
/// the result, or call [`wait`](Invalidation::wait), to learn whether servers could be told. In memory it takes time in
/// proportion to nothing: what is outdated is noticed when it is asked for, or goes when there is no room.
///
/// # Errors
///
/// What kept a server from forgetting; it is tried again for as long as the process lives. None with the memory stores.
///
/// ```
/// use cached_runtime::{Cache, invalidate_tag};
///
/// let pages = Cache::builder().build();
/// pages.entry(1).tags(&["products", "lists"]).set("page one");
/// pages.entry(2).tags(&["users"]).set("page two");
/// invalidate_tag("products").wait()?;
/// assert_eq!((pages.get(&1), pages.get(&2)), (None, Some("page two")));
/// # Ok::<_, cached_runtime::Error>(())
/// ```
pub fn invalidate_tag(tag: impl AsRef<str>) -> Invalidation {
    invalidate_tags([tag])
}

/// As [`invalidate_tag`], for several tags in one go.
///
/// # Errors
///
/// As [`invalidate_tag`].
///
/// ```
/// use cached_runtime::{Cache, invalidate_tags};
///
/// let cache = Cache::builder().build();
/// cache.entry("a").tags(&["user:1"]).set(1);
/// cache.entry("b").tags(&["user:2"]).set(2);
/// invalidate_tags((1..=2).map(|id| format!("user:{id}"))).wait()?;
/// assert!(!cache.contains("a") && !cache.contains("b"));
/// # Ok::<_, cached_runtime::Error>(())
/// ```
pub fn invalidate_tags(tags: impl IntoIterator<Item: AsRef<str>>) -> Invalidation {
    // The caller's iterator first, then the mutex.
    let tags: Vec<String> = tags.into_iter().map(|tag| tag.as_ref().to_owned()).collect();
    let slots: Vec<u16> = tags.iter().map(|tag| slot(format_args!("{tag}"))).collect();
    forget_here(&slots);
    crate::watched::forgotten_everywhere(crate::events::InvalidationCause::Tag);
    #[cfg(feature = "redis")]
    return Invalidation::of(crate::redis::invalidate_tags(&tags));
    #[cfg(not(feature = "redis"))]
    Invalidation::default()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_text_has_one_slot_however_it_is_cut() {
        let (user, id) = ("user", 7);
        assert_eq!(slot(format_args!("user:7")), slot(format_args!("{user}:{id}")));
        assert_eq!(slot(format_args!("{}", "")), slot(format_args!("")));
        assert_ne!(slot(format_args!("user:7")), slot(format_args!("user:8")));
    }

    #[test]
    fn slots_are_spread() {
        let slots: BTreeSet<u16> = (0..1000).map(|id| slot(format_args!("product:{id}"))).collect();
        assert!(slots.len() > 950, "{} slots for 1000 tags", slots.len());
    }

    #[test]
    fn an_invalidation_dates_what_was_begun_before_it() {
        let tags = TagSource::List(&["dates", "dates too"]).slots();
        let other = TagSource::By(&|tag| tag(format_args!("dates {}", "not"))).slots();
        let before = draw();
        assert!(tags.are_current(before));
        let _ = invalidate_tag("dates too");
        assert!(!tags.are_current(before) && other.are_current(before) && epoch() > before);
        assert!(tags.are_current(draw()));
        assert!(Tags::default().are_current(0));
    }
}
