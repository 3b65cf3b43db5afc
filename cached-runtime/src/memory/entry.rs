//! What a map of the memory stores hold: a key with its hash, and an entry with what decides about its life. Must
//! never know a lock.

use crate::clock::{NEVER, Nanos, Reading};
use crate::key::View;
use crate::policy::{Life, Stage};
use crate::sync::{AtomicU64, Ordering};
use crate::tags::Tags;
use std::borrow::Borrow;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::num::NonZeroU64;

/// A key, stored with its hash: it is hashed once, at the call, and never again.
pub(crate) struct Stored<K> {
    pub(crate) hash: u64,
    /// The ticket of its entry, by which the sweeper and the hand of SIEVE find it: they know no keys.
    pub(crate) ticket: u64,
    pub(crate) key: K,
}

impl<K> Hash for Stored<K> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<K: PartialEq> PartialEq for Stored<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key == other.key
    }
}

impl<K: Eq> Eq for Stored<K> {}

/// What a look-up compares with stored keys.
pub trait Same<K> {
    /// Whether `key` is what is looked for.
    fn same(&self, key: &K) -> bool;

    /// Whether that may be asked of keys whose hash is another.
    fn is_plain(&self) -> bool {
        false
    }
}

impl<P: View> Same<P::Owned> for P {
    fn same(&self, key: &P::Owned) -> bool {
        View::same(self, key)
    }

    #[inline]
    fn is_plain(&self) -> bool {
        View::is_plain(self)
    }
}

/// A key by reference: for `Cache::get(&key)`.
pub(crate) struct ByKey<'a, Q: ?Sized>(pub(crate) &'a Q);

impl<Q: Eq + ?Sized, K: Borrow<Q>> Same<K> for ByKey<'_, Q> {
    fn same(&self, key: &K) -> bool {
        self.0 == key.borrow()
    }
}

/// Whatever a key is looked for by: what is off the way of a hit is compiled once for each cache's types with this, not
/// once for each kind of view as well.
pub(crate) struct Whichever<'a, K>(pub(crate) &'a dyn Same<K>);

impl<K> Same<K> for Whichever<'_, K> {
    fn same(&self, key: &K) -> bool {
        self.0.same(key)
    }
}

/// The key of a call: its hash and what compares with stored keys.
pub struct Find<'a, P> {
    pub(crate) hash: u64,
    pub(crate) view: &'a P,
}

impl<P> Find<'_, P> {
    pub(crate) fn is<K>(&self, hash: u64, key: &K) -> bool
    where
        P: Same<K>,
    {
        (self.view.is_plain() || self.hash == hash) && self.view.same(key)
    }
}

/// An entry by hash and ticket: for the sweeper and the hand of SIEVE, which know no keys. (The hash alone would not do:
/// a user's `Hash` may give one hash to all keys.)
pub(crate) struct ByTicket {
    pub(crate) hash: u64,
    pub(crate) ticket: u64,
}

/// Hands on the hash that the key was stored with.
#[derive(Default)]
pub(crate) struct Identity(u64);

pub(crate) type BuildIdentity = BuildHasherDefault<Identity>;

impl Hasher for Identity {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Never taken: the keys above write one `u64`. Folded in all the same, so that no byte would be lost.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A value and what decides about its life.
///
/// What nearly every hit reads stands in front: a hit is plain while the ticket counts and `soon` has not come. All else
/// is in `extra`, which most entries don't have.
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    /// The number of the load (or `set`) that made it. Unique, and greater than that of every load that began before:
    /// an entry counts only while its ticket is greater than that of the last `clear`.
    /// Never zero, so that an empty place of a map takes no more room than a full one.
    pub(crate) ticket: NonZeroU64,
    /// Until then a hit is no more than that; from then on it is looked at (see `policy`). `NEVER` without any time to
    /// live. Without `extra` the entry ends then.
    pub(crate) soon: AtomicU64,
    pub(crate) extra: Option<Box<Extra>>,
}

/// What only some entries have: a time to idle, a window, a weight, tags.
pub(crate) struct Extra {
    pub(crate) life: Life,
    /// When it was last read; kept only for a time to idle.
    pub(crate) read_at: AtomicU64,
    pub(crate) weight: u64,
    pub(crate) tags: Tags,
    /// The epoch up to which none of the tags was invalidated: see `tags`.
    pub(crate) vetted: AtomicU64,
    /// After a failed load: until then the old value is served without another try.
    pub(crate) retry_at: AtomicU64,
}

impl<V> Entry<V> {
    /// An entry that is stored at `now`.
    pub(crate) fn new(
        value: V,
        ticket: u64,
        life: Life,
        (now, tti): (Nanos, Option<Nanos>),
        (weight, tags): (u64, Tags),
    ) -> Self {
        let plain = tti.is_none() && weight == 0 && tags.is_empty() && life.is_plain();
        let soon = if tti.is_some() { now } else { life.refresh_at };
        let extra = || {
            let (read_at, retry_at, vetted) = (AtomicU64::new(now), AtomicU64::new(0), AtomicU64::new(ticket));
            Box::new(Extra { life, read_at, weight, tags, vetted, retry_at })
        };
        Self {
            value,
            // The sequence begins above zero.
            ticket: NonZeroU64::new(ticket).unwrap_or(NonZeroU64::MIN),
            soon: AtomicU64::new(soon),
            extra: (!plain).then(extra),
        }
    }

    /// Whether a hit is no more than that at any time, so that no clock need be read.
    #[inline]
    pub(crate) fn is_timeless(&self) -> bool {
        self.soon.load(Ordering::Relaxed) == NEVER
    }

    /// Whether a hit at this time is no more than that.
    #[inline]
    pub(crate) fn is_plain(&self, now: Nanos) -> bool {
        // Relaxed: a time, that publishes nothing.
        now < self.soon.load(Ordering::Relaxed)
    }

    /// The times that it was stored with.
    pub(crate) fn life(&self) -> Life {
        match &self.extra {
            None => Life::plain(self.soon.load(Ordering::Relaxed)),
            Some(extra) => extra.life,
        }
    }

    /// Whether none of its tags was invalidated since its load began, as far as `epoch` knows.
    ///
    /// The slots are read after the epoch that the caller has read, so what is found holds up to that epoch, and is noted.
    /// Relaxed: the note is a fact that needs nothing else to be seen with it; one that is lost costs another look.
    pub(crate) fn has_current_tags(&self, epoch: u64) -> bool {
        let Some(extra) = &self.extra else { return true };
        if extra.tags.is_empty() || extra.vetted.load(Ordering::Relaxed) >= epoch {
            return true;
        }
        let current = extra.tags.are_current(self.ticket.get());
        if current {
            extra.vetted.store(epoch, Ordering::Relaxed);
        }
        current
    }

    pub(crate) fn tags(&self) -> Tags {
        self.extra.as_ref().map_or_else(Tags::default, |extra| extra.tags.clone())
    }

    pub(crate) fn weight(&self) -> u64 {
        self.extra.as_ref().map_or(0, |extra| extra.weight)
    }

    /// When it ends if nobody reads it any more.
    pub(crate) fn ends(&self, tti: Option<Nanos>) -> Nanos {
        let ends = self.life().ends;
        match (tti, &self.extra) {
            (Some(tti), Some(extra)) => ends.min(extra.read_at.load(Ordering::Relaxed).saturating_add(tti)),
            _ => ends,
        }
    }

    /// What may be done with it at this time, and whether a failed load keeps calls from trying again.
    pub(crate) fn stage(&self, now: Nanos, tti: Option<Nanos>, dice: impl FnOnce() -> u64) -> (Stage, bool) {
        let stage = if now < self.ends(tti) { self.life().stage(now, dice) } else { Stage::Ended };
        // Relaxed: a time, that publishes nothing; it is only written under the shard's lock.
        let throttled = self.extra.as_ref().is_some_and(|extra| now < extra.retry_at.load(Ordering::Relaxed));
        (stage, throttled)
    }

    /// A load that was to replace it has failed.
    pub(crate) fn throttle(&self, now: Nanos) {
        if let Some(extra) = &self.extra {
            extra.retry_at.store(now.saturating_add(extra.life.throttle()), Ordering::Relaxed);
        }
    }

    /// Notes a read. Only a cache with a time to idle calls this: until its clock ticks again, hits are plain ones.
    pub(crate) fn touch(&self, time: Reading) {
        let Some(extra) = &self.extra else { return };
        if extra.read_at.load(Ordering::Relaxed) < time.earliest {
            extra.read_at.store(time.earliest, Ordering::Relaxed);
        }
        // Two readers that store one after the other leave one of their times, and either is right.
        self.soon.store(time.latest.saturating_add(1).min(extra.life.refresh_at), Ordering::Relaxed);
    }
}
