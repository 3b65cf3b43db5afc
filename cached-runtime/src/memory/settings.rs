//! What a cache was built with. Must never change once it is built.

use super::common::Floor;
use super::shard::{Bound, Rules, Weigh};
use crate::builder::Coalesce;
use crate::matching::TextOf;
use crate::policy::Times;
use foldhash::quality::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

/// See the file's head.
pub(crate) struct Settings<K, V> {
    /// Seeded at random, so that collisions can't be prepared without knowing the process. (Fast, and no defence against
    /// somebody who can measure it: no hasher of this speed is.)
    ///
    /// The `quality` variant, which multiplies once more, for a hit that costs the same. Of 1,500 processes with the `fast` one, 18
    /// drew a seed with which the numbers from 0 to 999 crowd together, so that a look-up took up to 4.8 groups of the table
    /// instead of one; with other regular keys (multiples of 8, of 4,096) it was up to 33. With this one no look-up took 1.01.
    pub(crate) hasher: RandomState,
    pub(crate) bound: Bound,
    pub(crate) times: Times,
    pub(crate) weigh: Option<Box<Weigh<K, V>>>,
    pub(crate) coalesce: Coalesce,
    pub(crate) soft_timeout: Option<Duration>,
    /// The text of a key, where it is a template.
    pub(crate) text: Option<TextOf<K>>,
}

impl<K, V> Settings<K, V> {
    /// One hasher, fed field by field: a view and the key it stands for give the same hash.
    #[inline]
    pub(crate) fn hash(&self, feed: impl FnOnce(&mut <RandomState as BuildHasher>::Hasher)) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        feed(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn hash_key<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hash(|hasher| key.hash(hasher))
    }

    #[inline]
    pub(crate) fn rules(&self, floor: Floor) -> Rules<'_, K, V> {
        Rules { times: &self.times, weigh: self.weigh.as_deref(), floor }
    }
}
