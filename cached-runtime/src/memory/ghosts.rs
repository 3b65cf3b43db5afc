//! Which keys left a cache's queue unread: their hashes, as many as the cache holds entries. Must never know keys, and
//! never take more than four bytes for each entry, rounded up to a row.
//!
//! A table of small rows, each of which forgets its oldest when it is full. What it says is a hint: one that is forgotten
//! early, or taken for another of the same 32 bits, costs a little of the hit ratio and nothing else.

/// So many hashes make a row: a cache line of them, which a few instructions look through.
const WIDE: usize = 16;

/// See the file's head.
#[derive(Default)]
pub(crate) struct Ghosts {
    rows: Vec<Row>,
}

/// The newest first; zero is none.
type Row = [u32; WIDE];

impl Ghosts {
    /// Remembers a hash, of a cache that holds so many entries.
    pub(crate) fn add(&mut self, hash: u64, held: usize) {
        // Nothing is remembered before a cache is full, so the table is made once, in its size, but where the bound is a
        // weight: a few heavy entries may give way to many light ones. It begins anew then.
        let rows = held.div_ceil(WIDE);
        if rows > 2 * self.rows.len() || rows < self.rows.len() / 4 {
            self.rows = vec![[0; WIDE]; rows];
        }
        let hash = short(hash);
        let Some(row) = self.row(hash) else { return };
        // A free place or its own is the exception: it is only looked for where there is one.
        let end = if has(row, 0) || has(row, hash) { row.iter().position(|at| *at == 0 || *at == hash) } else { None };
        match end {
            Some(end) => row.copy_within(..end, 1),
            None => row.copy_within(..WIDE - 1, 1),
        }
        row[0] = hash;
    }

    /// Whether a hash is remembered; not any more, from here on.
    pub(crate) fn take(&mut self, hash: u64) -> bool {
        let hash = short(hash);
        let Some(row) = self.row(hash) else { return false };
        let found = has(row, hash);
        if found {
            row.iter_mut().filter(|at| **at == hash).for_each(|at| *at = 0);
        }
        found
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.rows.capacity() * WIDE
    }

    fn row(&mut self, hash: u32) -> Option<&mut Row> {
        // As the hash is to all hashes, the row is to all rows.
        let row = usize::try_from((u64::from(hash) * self.rows.len() as u64) >> 32).ok()?;
        self.rows.get_mut(row)
    }
}

/// Looks at all of them whatever it finds: that is one comparison of several at a time, and no branch.
fn has(row: &Row, hash: u32) -> bool {
    row.iter().map(|at| u32::from(*at == hash)).sum::<u32>() > 0
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
            assert!((held..held + WIDE).contains(&room), "{room} of {held}");
            let remembered = (0..10 * held as u64).filter(|key| ghosts.take(spread(*key))).count();
            assert!(remembered <= room && remembered * 10 >= held * 9, "{remembered} of {room}");
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
            let (rows, wanted) = (ghosts.rows.len(), held.div_ceil(WIDE));
            assert!(ghosts.take(7) && 2 * rows >= wanted && rows <= 4 * wanted + 3, "{rows} for {held}");
        }
        ghosts.add(7, 0);
        assert!(!ghosts.take(8));
    }

    #[test]
    fn a_hash_that_comes_again_takes_one_place() {
        let mut ghosts = Ghosts::default();
        (0..3).for_each(|_| (1..=8).for_each(|key| ghosts.add(key, 16)));
        assert_eq!((1..=8).filter(|key| ghosts.take(*key)).count(), 8);
        assert!(ghosts.rows.as_flattened().iter().all(|hash| *hash == 0));
    }
}
