//! Which keys left a cache's queue unread: their hashes, as many as the cache holds entries. Must never know keys, and
//! never take more than four bytes for each of them.
//!
//! A table of small rows, each of which forgets its oldest when it is full. What it says is a hint: one that is forgotten
//! early, or taken for another of the same 32 bits, costs a little of the hit ratio and nothing else.

/// So many hashes a row at most: a row is the size of a cache line.
const WIDE: usize = 16;

/// See the file's head.
#[derive(Default)]
pub(crate) struct Ghosts {
    /// Row by row, in each the newest first; zero is none.
    hashes: Vec<u32>,
    /// How long a row is.
    row: usize,
}

impl Ghosts {
    /// Remembers a hash, of a cache that holds so many entries.
    pub(crate) fn add(&mut self, hash: u64, held: usize) {
        // Nothing is remembered before a cache is full, so the table is made once, in its size, but where the bound is a
        // weight: a few heavy entries may give way to many light ones. It begins anew then.
        if held > 2 * self.hashes.len() || held < self.hashes.len() / 4 {
            let rows = held.div_ceil(WIDE);
            self.row = held / rows.max(1);
            self.hashes = vec![0; rows * self.row];
        }
        let hash = short(hash);
        let Some(row) = self.row_of(hash) else { return };
        let end = row.iter().position(|at| *at == 0 || *at == hash).unwrap_or(row.len() - 1);
        row.copy_within(..end, 1);
        row[0] = hash;
    }

    /// Whether a hash is remembered; not any more, from here on.
    pub(crate) fn take(&mut self, hash: u64) -> bool {
        let hash = short(hash);
        let Some(row) = self.row_of(hash) else { return false };
        let found = row.iter().position(|at| *at == hash);
        if let Some(at) = found {
            row[at] = 0;
        }
        found.is_some()
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.hashes.capacity()
    }

    fn row_of(&mut self, hash: u32) -> Option<&mut [u32]> {
        let rows = self.hashes.len().checked_div(self.row)?;
        let row = usize::try_from((u64::from(hash) * rows as u64) >> 32).ok()?;
        self.hashes.chunks_exact_mut(self.row).nth(row)
    }
}

/// The low half of a hash, of which the shards take none.
fn short(hash: u64) -> u32 {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    /// As good as any hash.
    fn spread(key: u64) -> u64 {
        key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
    }

    #[test]
    fn what_was_added_last_is_remembered_once() {
        for held in [1, 2, 15, 16, 17, 31, 100, 1000, 16_384] {
            let mut ghosts = Ghosts::default();
            (0..10 * held as u64).for_each(|key| ghosts.add(spread(key), held));
            let last = spread(10 * held as u64 - 1);
            assert!(ghosts.take(last), "of {held}");
            assert!(!ghosts.take(last), "of {held}");
        }
    }

    #[test]
    fn no_more_than_are_held_and_nearly_as_many() {
        for held in [1, 2, 15, 16, 17, 31, 33, 100, 1000, 16_384] {
            let mut ghosts = Ghosts::default();
            assert_eq!(ghosts.room(), 0);
            (0..10 * held as u64).for_each(|key| ghosts.add(spread(key), held));
            let room = ghosts.room();
            assert!((held - held / WIDE..=held).contains(&room), "{room} of {held}");
            let remembered = (0..10 * held as u64).filter(|key| ghosts.take(spread(*key))).count();
            assert!(remembered <= held && remembered * 10 >= room * 9, "{remembered} of {room}");
        }
    }

    #[test]
    fn old_ones_are_forgotten() {
        let mut ghosts = Ghosts::default();
        (0..5000).for_each(|key| ghosts.add(spread(key), 1000));
        assert_eq!((0..2000).filter(|key| ghosts.take(spread(*key))).count(), 0);
        let young = (4500..5000).filter(|key| ghosts.take(spread(*key))).count();
        assert!(young > 450, "{young} of the last 500");
    }

    #[test]
    fn the_table_follows_the_entries() {
        let mut ghosts = Ghosts::default();
        for held in [3, 1000, 1100, 100, 1] {
            ghosts.add(7, held);
            let room = ghosts.hashes.len();
            assert!(ghosts.take(7) && room >= held / 2 && room <= 4 * held + 3, "{room} for {held}");
        }
        ghosts.add(7, 0);
        assert!(!ghosts.take(8));
    }

    #[test]
    fn a_hash_that_comes_again_takes_one_place() {
        let mut ghosts = Ghosts::default();
        (0..3).for_each(|_| (1..=8).for_each(|key| ghosts.add(key, 16)));
        assert_eq!((1..=8).filter(|key| ghosts.take(*key)).count(), 8);
        assert!(ghosts.hashes.iter().all(|hash| *hash == 0));
    }
}
