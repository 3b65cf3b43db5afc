//! Invalidations that failed and wait to be tried again (by [`super::retry`]). Must never grow without a bound, and must
//! never let one go for another: until one succeeds, other processes may serve the old value.
//!
//! - A key is in it once, however often it was invalidated: the newest request counts, and one attempt that began after
//!   it is enough. (An attempt removes the request that it read, by number; a newer one stays.)
//! - A `set` that failed is in it as an invalidation: the value is gone with its caller, and the old one must not stay.
//! - Too many keys become a request for all of them, where there is something that removes all: the function's generation,
//!   the nonces of all tags, a walk over all entries. Bare entries have nothing of the kind: of them far more are kept, and
//!   what doesn't fit even so is reported as lost.
//! - A key that is in it is a miss in this process: what stands in Redis is known to be outdated.
//!
//! A late attempt can only remove more than it should, never bring something back.

use super::keys::Name;
use super::retry::Reach;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::atomic::{AtomicU64, Ordering};

/// More keys than this become a request for all.
const MOST: usize = 1024;
/// More bare keys than this are not kept: some 20 MB.
const MOST_BARE: usize = 64 * 1024;

/// The invalidations of one cache that failed, or those of tags (`K` is then the name of a nonce) or of patterns.
pub(crate) struct Queue<K = Name> {
    waiting: Mutex<Waiting<K>>,
    /// As many as wait, so that a hit takes no lock.
    count: AtomicU64,
    most: usize,
    /// Whether what doesn't fit becomes a request for all.
    clears: bool,
}

struct Waiting<K> {
    keys: HashMap<K, u64>,
    /// The same by their requests, so that some can be had without the others.
    requested: BTreeMap<u64, K>,
    /// The request for all.
    clear: Option<u64>,
    requests: u64,
    /// The process in which somebody works on it: that of a forked child's parent doesn't work in the child.
    attended: Option<u32>,
    /// Whether something was lost since it was last empty.
    lost: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// Somebody works on it.
    Attended,
    /// The caller is to see to it that somebody works on it.
    Unattended,
    /// There is no room for it. With whether it is the first.
    Lost(bool),
}

/// All that waits, to be tried once.
pub(crate) struct Round {
    /// To be tried first: it settles the keys as well.
    pub(crate) clear: Option<u64>,
    /// The newest request: those of the keys up to here (see [`Queue::some`]).
    pub(crate) newest: u64,
}

impl<K> Waiting<K> {
    fn len(&self) -> u64 {
        u64::try_from(self.keys.len()).unwrap_or(u64::MAX) + u64::from(self.clear.is_some())
    }
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self::of(MOST, true)
    }
}

impl<K> Queue<K> {
    fn of(most: usize, clears: bool) -> Self {
        let (keys, requested) = (HashMap::new(), BTreeMap::new());
        let waiting = Waiting { keys, requested, clear: None, requests: 0, attended: None, lost: false };
        Self { waiting: Mutex::new(waiting), count: AtomicU64::new(0), most, clears }
    }

    /// One of which more than `most` become a request for all.
    pub(crate) fn up_to(most: usize) -> Self {
        Self::of(most, true)
    }

    /// One for what can't be removed as a whole.
    pub(crate) fn of_bare() -> Self {
        Self::of(MOST_BARE, false)
    }
}

impl<K: Eq + Hash + Clone> Queue<K> {
    /// How many wait.
    pub(crate) fn len(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Whether what stands at this key in Redis is known to be outdated.
    pub(crate) fn is_pending(&self, name: &K) -> bool {
        if self.len() == 0 {
            return false;
        }
        let waiting = self.waiting.lock();
        waiting.clear.is_some() || waiting.keys.contains_key(name)
    }

    /// Whether all wait, or one for which this holds.
    pub(crate) fn any(&self, is_meant: impl Fn(&K) -> bool) -> bool {
        if self.len() == 0 {
            return false;
        }
        let waiting = self.waiting.lock();
        waiting.clear.is_some() || waiting.keys.keys().any(is_meant)
    }

    /// One key, or `None` for all.
    pub(crate) fn add(&self, name: Option<K>) -> Added {
        let mut waiting = self.waiting.lock();
        waiting.requests += 1;
        let request = waiting.requests;
        match name {
            Some(name) if waiting.keys.len() < self.most || waiting.keys.contains_key(&name) => {
                let before = waiting.keys.insert(name.clone(), request);
                before.map(|before| waiting.requested.remove(&before));
                waiting.requested.insert(request, name);
            }
            _ if self.clears => waiting.clear = Some(request),
            _ => return Added::Lost(!std::mem::replace(&mut waiting.lost, true)),
        }
        self.changed(&waiting);
        if Self::take_on(&mut waiting) { Added::Unattended } else { Added::Attended }
    }

    /// Whether something waits and nobody of this process works on it: from here on the caller does.
    pub(crate) fn is_left(&self) -> bool {
        self.len() != 0 && Self::take_on(&mut self.waiting.lock())
    }

    fn take_on(waiting: &mut Waiting<K>) -> bool {
        let here = Some(std::process::id());
        waiting.len() != 0 && std::mem::replace(&mut waiting.attended, here) != here
    }

    /// Nobody works on it any more, whatever waits.
    pub(crate) fn leave(&self) {
        self.waiting.lock().attended = None;
    }

    fn changed(&self, waiting: &Waiting<K>) {
        self.count.store(waiting.len(), Ordering::Release);
    }

    /// All that waits. If that is nothing, nobody works on it from here on.
    pub(crate) fn round(&self) -> Option<Round> {
        let mut waiting = self.waiting.lock();
        if waiting.len() == 0 {
            (waiting.attended, waiting.lost) = (None, false);
            return None;
        }
        Some(Round { clear: waiting.clear, newest: waiting.requests })
    }

    /// The oldest of the requests for keys that came after `after`, up to `last`, no more than `most`.
    pub(crate) fn some(&self, after: u64, last: u64, most: usize) -> Vec<(K, u64)> {
        let waiting = self.waiting.lock();
        let range = waiting.requested.range((Excluded(after), Unbounded)).take_while(|(request, _)| **request <= last);
        range.take(most).map(|(request, name)| (name.clone(), *request)).collect()
    }

    /// An attempt that began when `request` was the newest for this key has succeeded.
    pub(crate) fn done(&self, name: Option<&K>, request: u64, reach: Reach) {
        let mut waiting = self.waiting.lock();
        if let Some(name) = name {
            if waiting.keys.get(name) == Some(&request) {
                waiting.keys.remove(name);
                waiting.requested.remove(&request);
            }
        } else {
            if waiting.clear == Some(request) {
                waiting.clear = None;
            }
            if reach == Reach::All {
                // It took along what was invalidated before.
                waiting.keys.retain(|_, of_key| *of_key > request);
                waiting.requested.retain(|of_key, _| *of_key > request);
            }
        }
        self.changed(&waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{Form, Prefix};
    use super::*;

    fn name(key: u32) -> Name {
        Prefix::new("", "f", 0, Form::Json).name(&key).unwrap()
    }

    fn one(queue: &Queue<Name>) -> (Name, u64) {
        let round = queue.round().unwrap();
        let mut keys = queue.some(0, round.newest, 2);
        assert!(round.clear.is_none() && keys.len() == 1);
        keys.pop().unwrap()
    }

    #[test]
    fn a_key_waits_once_and_the_newest_request_counts() {
        let queue = Queue::<Name>::default();
        assert_eq!(queue.add(Some(name(1))), Added::Unattended);
        assert_eq!(queue.add(Some(name(1))), Added::Attended);
        assert_eq!(queue.len(), 1);
        let (next, request) = one(&queue);
        queue.add(Some(name(1)));
        queue.done(Some(&next), request, Reach::All);
        assert!(queue.is_pending(&name(1)) && !queue.is_pending(&name(2)));
        assert!(queue.any(|name| name.text().ends_with("{1}")) && !queue.any(|name| name.text().ends_with("{2}")));
        let (next, request) = one(&queue);
        queue.done(Some(&next), request, Reach::All);
        assert!(queue.round().is_none() && queue.len() == 0);
        assert_eq!(queue.add(None), Added::Unattended, "nobody attends any more");
    }

    #[test]
    fn some_are_had_in_the_order_of_their_newest_requests() {
        let queue = Queue::<Name>::default();
        for key in [1, 2, 3, 1, 4] {
            queue.add(Some(name(key)));
        }
        let some =
            |after, most| -> Vec<_> { queue.some(after, 5, most).into_iter().map(|(_, request)| request).collect() };
        assert_eq!((some(0, 2), some(3, 9), some(5, 9)), (vec![2, 3], vec![4, 5], vec![]));
        assert_eq!(queue.some(3, 4, 9), [(name(1), 4)]);
        queue.done(Some(&name(1)), 1, Reach::All);
        assert_eq!(some(0, 9), [2, 3, 4, 5], "a newer one came");
        queue.done(Some(&name(1)), 4, Reach::All);
        assert_eq!(some(0, 9), [2, 3, 5]);
        queue.add(None);
        queue.done(None, 6, Reach::Here);
        assert_eq!(some(0, 9), [2, 3, 5], "not more than was to be done here");
        queue.done(None, 3, Reach::All);
        assert_eq!((some(0, 9), queue.len()), (vec![5], 1));
    }

    #[test]
    fn too_many_keys_become_a_clear() {
        let queue = Queue::<Name>::default();
        for key in 0..5000 {
            queue.add(Some(name(key)));
        }
        assert_eq!(queue.len(), MOST as u64 + 1);
        assert!(queue.is_pending(&name(9_999_999)));
        let request = queue.round().unwrap().clear.unwrap();
        queue.add(Some(name(7)));
        queue.done(None, request, Reach::All);
        assert_eq!(queue.len(), 1);
        assert!(queue.is_pending(&name(7)));
    }

    #[test]
    fn bare_keys_are_kept_one_by_one_and_what_does_not_fit_is_lost_loudly() {
        let queue = Queue::of_bare();
        let most = u32::try_from(MOST_BARE).unwrap();
        for key in 0..most {
            assert!(!matches!(queue.add(Some(name(key))), Added::Lost(_)), "{key}");
        }
        assert_eq!(queue.add(Some(name(most))), Added::Lost(true));
        assert_eq!(queue.add(Some(name(most + 1))), Added::Lost(false));
        assert_eq!(queue.add(Some(name(0))), Added::Attended, "it is there already");
        let round = queue.round().unwrap();
        assert!(round.clear.is_none());
        assert_eq!(queue.some(0, round.newest, usize::MAX).len(), MOST_BARE);
    }

    #[test]
    fn who_died_is_followed_by_another() {
        let queue = Queue::<Name>::default();
        assert!(!queue.is_left(), "nothing waits");
        queue.add(Some(name(1)));
        assert!(!queue.is_left());
        queue.leave();
        assert!(queue.is_left() && !queue.is_left());
        // As a forked child has it.
        queue.waiting.lock().attended = Some(std::process::id() + 1);
        assert_eq!(queue.add(Some(name(2))), Added::Unattended);
    }
}
