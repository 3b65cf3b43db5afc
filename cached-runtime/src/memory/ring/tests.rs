//! What the order of `sieve` keeps, and that its lists stay whole. It must never look at a clock or a map.

use super::*;
use std::collections::{HashMap, HashSet};

fn order(ring: &Ring) -> Vec<u64> {
    let mut tickets = Vec::new();
    ring.each(|_, ticket| tickets.push(ticket));
    tickets
}

#[test]
fn the_hand_spares_what_was_visited() {
    let mut ring = Ring::default();
    let slots: Vec<_> = (1..=4).map(|t| ring.push(t * 10, t).unwrap()).collect();
    let mut visited = HashSet::from([1, 3]);
    let mut evict = |ring: &mut Ring| {
        let Place { slot, ticket, .. } = ring.victim(|place| visited.remove(&place.ticket)).unwrap();
        assert_eq!(slot, slots[usize::try_from(ticket).unwrap() - 1]);
        ring.remove(slot, ticket);
        ticket
    };
    // 1 is spared, 2 goes; 3 is spared, 4 goes; the hand starts over: 1, 3.
    assert_eq!([evict(&mut ring), evict(&mut ring), evict(&mut ring), evict(&mut ring)], [2, 4, 1, 3]);
    assert_eq!(ring.len(), 0);
}

#[test]
fn removal_keeps_the_order_and_frees_the_slot() {
    let mut ring = Ring::default();
    let slots: Vec<_> = (1..=5).map(|t| ring.push(0, t).unwrap()).collect();
    ring.remove(slots[2], 3);
    ring.remove(slots[2], 3);
    ring.remove(slots[0], 1);
    assert_eq!(order(&ring), [2, 4, 5]);
    assert_eq!(ring.push(0, 6), Some(slots[0]));
    ring.remove(slots[0], 1);
    assert_eq!(order(&ring), [2, 4, 5, 6]);
    assert_eq!(ring.slots.len(), 5);
}

/// A cache of nothing but keys.
struct Keys {
    ring: Ring,
    capacity: usize,
    /// Slot, ticket, and whether it was read.
    held: HashMap<u64, (u32, u64, bool)>,
    tickets: u64,
}

impl Keys {
    fn new(capacity: usize) -> Self {
        Self { ring: Ring::default(), capacity, held: HashMap::new(), tickets: 0 }
    }

    /// As good as any hash, and one can go back from it.
    fn hash(key: u64) -> u64 {
        key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
    }

    /// Whether it was there.
    fn ask(&mut self, key: u64) -> bool {
        if let Some((_, _, read)) = self.held.get_mut(&key) {
            *read = true;
            return true;
        }
        if self.held.len() == self.capacity {
            let held = &mut self.held;
            let of = |place: Place| place.hash.rotate_right(32).wrapping_mul(0xF1DE_83E1_9937_733D);
            let victim = self.ring.victim(|place| std::mem::take(&mut held.get_mut(&of(place)).unwrap().2)).unwrap();
            self.ring.remove(victim.slot, victim.ticket);
            assert!(self.held.remove(&of(victim)).is_some());
        }
        self.tickets += 1;
        let slot = self.ring.push(Self::hash(key), self.tickets).unwrap();
        self.held.insert(key, (slot, self.tickets, false));
        assert_eq!(self.ring.len(), self.held.len());
        false
    }

    fn learn(&mut self, keys: impl IntoIterator<Item = u64>) {
        keys.into_iter().for_each(|key| _ = self.ask(key));
    }

    fn hits(&mut self, keys: impl IntoIterator<Item = u64>) -> usize {
        keys.into_iter().filter(|key| self.ask(*key)).count()
    }
}

/// SIEVE alone has no hit at all in these.
#[test]
fn a_part_of_a_loop_that_does_not_fit_stays() {
    for (keys, least) in [(1100, 800), (1500, 500), (3000, 200)] {
        let mut cache = Keys::new(1000);
        (0..9).for_each(|_| cache.learn(0..keys));
        let hits = cache.hits(0..keys);
        assert!(hits > least, "{hits} of {keys}");
    }
}

/// One in so many comes in unread, and those that then are read stay.
#[test]
fn of_a_loop_that_does_not_fit_a_part_comes_in_though_the_cache_was_full_of_others() {
    let mut cache = Keys::new(1000);
    cache.learn(10_000..11_000);
    (0..30).for_each(|_| cache.learn(0..3000));
    let hits = cache.hits(0..3000);
    assert!(hits > 300, "{hits} of 3000");
}

/// Nobody asks for what fills it.
#[test]
fn a_loop_that_fits_comes_in_though_the_cache_was_full_of_others() {
    for keys in [100, 300, 500, 800, 950] {
        let mut cache = Keys::new(1000);
        cache.learn(10_000..11_000);
        (0..4).for_each(|_| cache.learn(0..keys));
        let hits = cache.hits(0..keys) as u64;
        assert!(hits * 10 > keys * 9, "{hits} of {keys}");
    }
}

#[test]
fn a_scan_takes_nothing_that_was_read() {
    let mut cache = Keys::new(1000);
    cache.learn(0..1000);
    assert_eq!(cache.hits(0..900), 900);
    // SIEVE's hand alone would go around six times.
    cache.learn(10_000..16_000);
    assert_eq!(cache.hits(0..900), 900);
    assert_eq!(cache.ring.queued, 50);
}

#[test]
fn what_comes_back_soon_goes_past_the_queue() {
    let mut cache = Keys::new(100);
    cache.learn(0..100);
    assert!(!cache.ask(200));
    // It waits for five others to come, and is evicted unread.
    cache.learn(201..=206);
    let queued = cache.ring.queued;
    assert!(!cache.held.contains_key(&200));
    assert!(!cache.ask(200));
    assert_eq!((cache.ring.queued, queued), (queued - 1, 5), "the next in the queue went for it");
    cache.learn(300..1000);
    assert!(cache.ask(200), "it was in SIEVE's part, whose hand does not move for a scan");
}

#[test]
fn what_was_read_in_the_queue_moves_over() {
    let mut cache = Keys::new(100);
    cache.learn(0..100);
    assert!(!cache.ask(200) && cache.ask(200));
    cache.learn(300..1000);
    assert!(cache.ask(200));
}

#[test]
fn small_ones() {
    for capacity in 1..=20 {
        let mut cache = Keys::new(capacity);
        for key in 0..200 {
            cache.ask(key);
            assert!(cache.ask(key), "what was inserted is there right after");
            assert_eq!(cache.held.len(), capacity.min(usize::try_from(key).unwrap() + 1));
            assert!(cache.ring.queued <= 1);
        }
        // A key that is asked for every third time stays.
        cache.learn((0..300).map(|n| if n % 3 == 0 { 7 } else { 1000 + n }));
        assert!(capacity < 3 || cache.ask(7), "{capacity}");
        // And so does a set that fits.
        (0..9).for_each(|_| cache.learn(0..capacity as u64 - 1));
        assert_eq!(cache.hits(0..capacity as u64 - 1), capacity - 1, "{capacity}");
    }
}

#[test]
fn nothing_is_remembered_before_something_had_to_go_and_nothing_after_the_last() {
    let mut cache = Keys::new(100);
    cache.learn(0..100);
    let room = |cache: &Keys| cache.ring.ghosts.room();
    assert_eq!(room(&cache), 0);
    cache.learn(100..300);
    assert!(room(&cache) > 0);
    cache.held.values().for_each(|(slot, ticket, _)| cache.ring.remove(*slot, *ticket));
    assert_eq!((room(&cache), cache.ring.slots.capacity()), (0, 0));
}

/// The same in three plain vectors.
#[derive(Default)]
struct Model {
    sieve: Vec<u64>,
    queue: Vec<u64>,
    hand: Option<u64>,
    full: bool,
    turn: u32,
}

impl Model {
    fn push(&mut self, ticket: u64) {
        if std::mem::take(&mut self.full) { self.queue.push(ticket) } else { self.sieve.push(ticket) }
    }

    fn after(&self, ticket: u64) -> Option<u64> {
        let at = self.sieve.iter().position(|other| *other == ticket)?;
        self.sieve.get(at + 1).copied()
    }

    fn remove(&mut self, ticket: u64) {
        if self.hand == Some(ticket) {
            self.hand = self.after(ticket);
        }
        self.sieve.retain(|other| *other != ticket);
        self.queue.retain(|other| *other != ticket);
        if self.sieve.len() + self.queue.len() == 0 {
            *self = Self::default();
        }
    }

    fn victim(&mut self, read: &mut HashSet<u64>) -> Option<u64> {
        self.turn += 1;
        self.full = !self.turn.is_multiple_of(64) || self.sieve.is_empty();
        let most = ((self.sieve.len() + self.queue.len()) / SHARE).max(1);
        while self.full && self.queue.len() >= most {
            if !read.remove(&self.queue[0]) {
                return Some(self.queue[0]);
            }
            self.sieve.push(self.queue.remove(0));
        }
        loop {
            let at = self.hand.or(self.sieve.first().copied())?;
            self.hand = self.after(at);
            if !read.remove(&at) {
                return Some(at);
            }
        }
    }
}

/// Pushes, reads, removals anywhere and evictions in any order; no hash comes twice.
#[test]
fn it_does_what_three_vectors_do() {
    for seed in 1..=60_u64 {
        let (mut ring, mut model, mut read) = (Ring::default(), Model::default(), [HashSet::new(), HashSet::new()]);
        let (mut slots, bound) = (HashMap::new(), usize::try_from(seed).unwrap());
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for ticket in 1..3000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let any = order(&ring).get(usize::try_from(random >> 32).unwrap() % (ring.len() + 1)).copied();
            match (random % 16, any) {
                (0..=6, _) if ring.len() <= bound => {
                    slots.insert(ticket, ring.push(ticket, ticket).unwrap());
                    model.push(ticket);
                }
                (7..=9, Some(any)) if !random.is_multiple_of(5) => {
                    for read in &mut read {
                        read.insert(any);
                    }
                }
                // Of some seeds it is emptied again and again.
                (10..=11, Some(any)) if seed % 2 == 0 || random % 3 == 0 => {
                    ring.remove(slots[&any], any);
                    model.remove(any);
                }
                (0..=6 | 12..=15, _) if ring.len() > bound || random.is_multiple_of(3) => {
                    let [ours, theirs] = &mut read;
                    let place = ring.victim(|place| ours.remove(&place.ticket));
                    assert_eq!(place.map(|place| place.ticket), model.victim(theirs));
                    let Some(place) = place else { continue };
                    assert_eq!(ring.at(place.slot), Some(place));
                    ring.remove(place.slot, place.ticket);
                    model.remove(place.ticket);
                }
                _ => {}
            }
            let all: Vec<u64> = model.sieve.iter().chain(&model.queue).copied().collect();
            assert_eq!((order(&ring), ring.queued), (all.clone(), model.queue.len()), "seed {seed}");
            let hand = ring.place(ring.hand).map(|place| place.ticket);
            assert_eq!(hand, model.hand, "seed {seed}");
            assert!(all.iter().all(|ticket| ring.at(slots[ticket]).is_some_and(|at| at.ticket == *ticket)));
        }
    }
}
