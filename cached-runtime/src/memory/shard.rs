//! One shard of a memory cache, as one thread sees it: the map, the loads under way, the counters. Must never lock,
//! wait, run a body or drop a user's value; who calls it holds the shard's lock (or owns it, for `local`).
//!
//! Everything that promise 3 depends on happens here, under that lock: a call either finds a valid entry, or joins or
//! begins a load (`begin`); a load ends by checking its ticket and storing its value in one step (`end`).

use super::bin::Bin;
use super::common::Floor;
use super::entry::{ByKey, Entry, Find, Same, Stored};
use super::expiry::{Expiry, Note};
use super::gate::{Answer, Ask, Gate, Lead, Left, Purpose};
use super::map::{Map, Removed};
use crate::clock::{NEVER, Reading};
use crate::flight::Flight;
use crate::policy::{Life, Times};
use crate::pulse::Pulse;
use crate::stack::Inside;
use crate::stats::Counts;
use crate::sync::{AtomicU64, Ordering, process_wide};
use crate::tags::Tags;
use hashbrown::HashTable;
use std::sync::Arc;
use std::time::Duration;

process_wide! {
    /// Tickets are drawn from one sequence for the whole process. Relaxed: two draws that happen one after the other are
    /// on one atomic, so the second is greater (read-write coherence), and that is all that is asked of them.
    static TICKETS: AtomicU64 = AtomicU64::new(1);
}

/// The next number of the process-wide sequence.
pub(crate) fn draw() -> u64 {
    TICKETS.fetch_add(1, Ordering::Relaxed)
}

/// How many expired entries a call frees besides its own work.
const SWEEP_A_CALL: usize = 2;

/// The bound of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    None,
    Entries(usize),
    Weight(u64),
}

/// What a shard is told about its cache at each call.
pub(crate) struct Rules<'a, K, V> {
    pub(crate) times: &'a Times,
    pub(crate) weigh: Option<&'a Weigh<K, V>>,
    /// What tickets are compared with: what a `clear` or the invalidation of a tag came after is gone.
    pub(crate) floor: Floor,
}

/// Gives the weight of an entry.
pub(crate) type Weigh<K, V> = dyn Fn(&K, &V) -> usize + Send + Sync;

impl<K, V> Rules<'_, K, V> {
    /// Whether an entry was invalidated, by a `clear` or by a tag of its.
    pub(crate) fn is_outdated(&self, entry: &Entry<V>) -> bool {
        !self.floor.is_below(entry.ticket)
            && (entry.ticket <= self.floor.cleared || !entry.has_current_tags(self.floor.epoch))
    }

    /// Whether an entry may be served at this time.
    pub(crate) fn is_live(&self, entry: &Entry<V>, time: Reading) -> bool {
        !self.is_outdated(entry) && time.latest < entry.ends(self.times.policy.tti())
    }

    /// Whether an entry may be served now; notes the read where that prolongs its life.
    #[inline]
    pub(crate) fn serves(&self, entry: &Entry<V>) -> bool {
        let time = self.times.reading();
        (self.floor.is_below(entry.ticket) && entry.is_plain(time.latest)) || self.serves_closely(entry, time)
    }

    /// The same for an entry that must be looked at: time has come to, or something was invalidated since its load began.
    #[cold]
    fn serves_closely(&self, entry: &Entry<V>, time: Reading) -> bool {
        let live = self.is_live(entry, time);
        if live && self.times.policy.tti().is_some() {
            entry.touch(time);
        }
        live
    }
}

/// What a call finds.
pub enum Begun<V> {
    Hit(V),
    /// Wait for this flight.
    Join(Arc<Flight<V>>),
    /// Run the body.
    Lead(Lead),
}

impl<V> Begun<V> {
    /// To be held while what the look-up removed is dropped, after the lock is released: a value's `Drop` may call the
    /// function again, and where the look-up has begun a load, that call is inside of it and must not wait for it.
    #[inline]
    pub(crate) fn inside(&self) -> Option<Inside> {
        match self {
            Self::Lead(lead) => Some(Inside::enter(lead.ticket)),
            Self::Hit(_) | Self::Join(_) => None,
        }
    }
}

/// How a load ended.
pub enum Ending<V> {
    /// With a value to keep, for a time of its own or the cache's.
    Keep(V, Option<Duration>),
    /// With a success that is not kept: what stands there is outdated.
    Skip,
    /// With an error, a panic, or not at all: what stands there may stay.
    Fail,
}

pub(crate) struct Shard<K, V, M> {
    pub(super) map: M,
    pub(super) gates: HashTable<Gate<K, V>>,
    expiry: Expiry,
    weight: u64,
    bound: Bound,
    pub(crate) counts: Arc<Counts>,
}

impl<K, V, M> Shard<K, V, M>
where
    K: Eq + Clone,
    V: Clone,
    M: Map<K, V>,
{
    pub(crate) fn new(map: M, bound: Bound) -> Self {
        Self { map, gates: HashTable::new(), expiry: Expiry::default(), weight: 0, bound, counts: Arc::default() }
    }

    /// A look-up that never loads.
    pub(crate) fn read<P: Same<K>>(&mut self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> Option<V> {
        let value = self.map.hit(find, |entry| rules.serves(entry).then(|| entry.value.clone())).flatten();
        let count = if value.is_some() { &self.counts.hits } else { &self.counts.misses };
        count.add(1);
        value
    }

    /// A call: a hit, and with it the end of it; otherwise, still under the lock, a load to join or to run.
    #[inline]
    pub(crate) fn lookup<'a, P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        purpose: Purpose,
        (own, ask): (impl FnOnce() -> K, impl FnOnce() -> Ask<'a, V>),
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) -> Begun<V>
    where
        V: 'a,
    {
        let found = self.map.hit(find, |entry| rules.serves(entry).then(|| entry.value.clone()));
        if let Some(Some(value)) = found {
            self.counts.hits.add(u64::from(purpose == Purpose::Call));
            return Begun::Hit(value);
        }
        if found.is_some() {
            self.remove_ended(find, rules, bin);
        }
        self.begin(find, own, &ask(), rules)
    }

    /// Whether there is an entry that would be served; not a read.
    pub(crate) fn has<P: Same<K>>(&self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> bool {
        let time = rules.times.reading();
        self.map.peek(find, |entry| rules.is_live(entry, time)).unwrap_or(false)
    }

    /// A call that missed joins a load or begins one.
    #[inline(never)]
    pub(crate) fn begin<P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        own: impl FnOnce() -> K,
        ask: &Ask<'_, V>,
        rules: &Rules<'_, K, V>,
    ) -> Begun<V> {
        self.counts.misses.add(u64::from(ask.purpose == Purpose::Call));
        let lead = || {
            let ticket = draw();
            let pulse = ask.asynchronous.then(|| ask.pulse.map_or_else(Arc::<Pulse>::default, Arc::clone));
            Lead { ticket, pulse, timed: self.counts.times_load(ticket), wave: ask.wave }
        };
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            return match gate.ask(ask, rules.floor.cleared, lead) {
                Answer::Join(flight) => Begun::Join(flight),
                Answer::Lead(lead) => Begun::Lead(lead),
            };
        }
        let key = own();
        let lead = lead();
        self.gates.insert_unique(find.hash, Gate::new(find.hash, key, ask, &lead), |gate| gate.hash);
        Begun::Lead(lead)
    }

    /// An entry that was found but may not be served.
    #[cold]
    fn remove_ended<P: Same<K>>(&mut self, find: &Find<'_, P>, rules: &Rules<'_, K, V>, bin: &mut Bin<M::Dead>) {
        let outdated = self.map.peek(find, |entry| rules.is_outdated(entry)).unwrap_or(false);
        if let Some(removed) = self.map.remove(find) {
            self.counts.invalidations.add(u64::from(outdated));
            self.counts.expirations.add(u64::from(!outdated));
            self.bury(removed, bin);
        }
    }

    /// A load ends: leaves its gate, and stores its value if nothing newer came meanwhile.
    ///
    /// `left` gets the flight of those who wait for it, before any of the user's code runs: whatever panics in here,
    /// the caller can tell them.
    pub(crate) fn end(
        &mut self,
        (hash, ticket): (u64, u64),
        ending: Ending<V>,
        rules: &Rules<'_, K, V>,
        left: &mut Option<Left<V>>,
        bin: &mut Bin<M::Dead>,
    ) {
        let Ok(mut place) = self.gates.find_entry(hash, |gate| gate.has(ticket)) else { return };
        let gate = place.get_mut();
        let last = gate.has_only(ticket);
        let tags = gate.take_tags(ticket);
        *left = gate.leave(ticket);
        // A tag that is invalidated between this and the insertion is above this ticket, which every hit will notice.
        let current = ticket > gate.fence && ticket > rules.floor.cleared && tags.are_current(ticket);
        if current && !matches!(ending, Ending::Fail) {
            gate.fence = ticket;
        }
        let key = if last { place.remove().0.key } else { gate.key.clone() };
        let key = Stored { hash, ticket, key };
        match ending {
            Ending::Fail => {}
            _ if !current => self.counts.fenced.add(1),
            Ending::Keep(value, ttl) => self.store(key, (value, ttl, tags), rules, bin),
            Ending::Skip => {
                self.counts.rejected.add(1);
                self.remove_stored(&key, bin);
            }
        }
    }

    /// Stores a value that is not a load's: it is newer than all loads under way.
    pub(crate) fn set(
        &mut self,
        (hash, key): (u64, K),
        value: (V, Option<Duration>, Tags),
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let ticket = draw();
        if let Some(gate) = self.gates.find_mut(hash, |gate| gate.hash == hash && gate.key == key) {
            gate.raise(ticket);
        }
        self.store(Stored { hash, ticket, key }, value, rules, bin);
    }

    /// Forgets a key: its entry goes, and no load under way is stored or joined from here on.
    pub(crate) fn invalidate<P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            gate.raise(draw());
        }
        if let Some(removed) = self.map.remove(find) {
            self.counts.invalidations.add(1);
            self.bury(removed, bin);
            self.shrink(rules);
        }
    }

    /// Frees up to `budget` entries after a `clear`, which has made them invalid already. (Loads under way need no
    /// word: their tickets are below the clear's.) An entry that was stored meanwhile may go too: to anybody who looks,
    /// it went with the clear.
    pub(crate) fn drain(&mut self, budget: usize, bin: &mut Bin<M::Dead>) {
        for _ in 0..budget {
            let Some(removed) = self.map.pop() else { break };
            self.counts.invalidations.add(1);
            self.bury(removed, bin);
        }
        if self.map.len() == 0 {
            self.expiry.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Frees up to `budget` expired entries; whether there may be more.
    pub(crate) fn sweep(&mut self, rules: &Rules<'_, K, V>, budget: usize, bin: &mut Bin<M::Dead>) -> bool {
        let tti = rules.times.policy.tti();
        let now = rules.times.reading().earliest;
        for _ in 0..budget {
            let Some(note) = self.expiry.pop_due(now) else { return false };
            // Gone, ended, or read since the note was made.
            match self.map.peek_ticket(note.hash, note.ticket, |entry| entry.ends(tti)) {
                None => {}
                Some(ends) if ends > now => self.expiry.push(Note { at: ends, ..note }),
                Some(_) => {
                    if let Some(removed) = self.map.remove_ticket(note.hash, note.ticket) {
                        self.counts.expirations.add(1);
                        self.bury(removed, bin);
                    }
                }
            }
        }
        true
    }

    /// Copies of the keys that would be served now.
    pub(crate) fn keys(&self, rules: &Rules<'_, K, V>) -> Vec<K> {
        let time = rules.times.reading();
        let mut keys = Vec::with_capacity(self.map.len());
        self.map.for_each(|stored, entry| {
            if rules.is_live(entry, time) {
                keys.push(stored.key.clone());
            }
        });
        keys
    }

    pub(super) fn store(
        &mut self,
        key: Stored<K>,
        (value, ttl, tags): (V, Option<Duration>, Tags),
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let ticket = key.ticket;
        let weight = rules.weigh.map_or(0, |weigh| weigh(&key.key, &value) as u64);
        self.remove_stored(&key, bin);
        if let Some(ttl) = ttl {
            rules.times.note(ttl);
        }
        let timed = rules.times.any();
        if timed {
            self.sweep(rules, SWEEP_A_CALL, bin);
        }
        // The precise clock: an entry is stored once and read often, and its life is counted from here.
        let now = if timed { Reading::precise().latest } else { 0 };
        let deadline = rules.times.policy.deadline(now, ttl, mix(ticket));
        let Some(deadline) = deadline.filter(|_| self.make_room(weight, bin)) else {
            self.counts.rejected.add(1);
            return;
        };
        let tti = rules.times.policy.tti();
        let entry = Entry::new(value, ticket, Life::plain(deadline), (now, tti), (weight, tags));
        let ends = entry.ends(tti);
        self.counts.inserted(key.hash);
        if ends != NEVER {
            self.shrink(rules);
            self.expiry.push(Note { at: ends, hash: key.hash, ticket });
        }
        // Without a bound on it the sum is for people to read.
        self.weight = self.weight.saturating_add(weight);
        self.map.insert(key, entry);
        self.publish();
    }

    /// Rebuilds the notes of expiry once most are of entries that are gone: constant work for each on average.
    pub(super) fn shrink(&mut self, rules: &Rules<'_, K, V>) {
        if self.expiry.is_bloated(self.map.len()) {
            let mut notes = Vec::with_capacity(self.map.len());
            let tti = rules.times.policy.tti();
            self.map.for_each(|key, entry| {
                let at = entry.ends(tti);
                if at != NEVER {
                    notes.push(Note { at, hash: key.hash, ticket: entry.ticket });
                }
            });
            self.expiry.rebuild(notes);
        }
    }

    /// Evicts until one more entry of this weight fits; whether it ever will.
    fn make_room(&mut self, weight: u64, bin: &mut Bin<M::Dead>) -> bool {
        let fits = |shard: &Self| match shard.bound {
            Bound::None => true,
            Bound::Entries(most) => shard.map.len() < most,
            Bound::Weight(most) => shard.weight.checked_add(weight).is_some_and(|sum| sum <= most),
        };
        let never = match self.bound {
            Bound::None => false,
            Bound::Entries(most) => most == 0,
            Bound::Weight(most) => weight > most,
        };
        if never {
            return false;
        }
        while !fits(self) {
            let Some(removed) = self.map.evict() else { return false };
            self.counts.evictions.add(1);
            self.bury(removed, bin);
        }
        true
    }

    /// Whether there was anything.
    pub(super) fn remove_stored(&mut self, key: &Stored<K>, bin: &mut Bin<M::Dead>) -> bool {
        let removed = self.map.remove(&Find { hash: key.hash, view: &ByKey(&key.key) });
        removed.map(|removed| self.bury(removed, bin)).is_some()
    }

    pub(super) fn bury(&mut self, removed: Removed<M::Dead>, bin: &mut Bin<M::Dead>) {
        self.weight = self.weight.saturating_sub(removed.weight);
        bin.put(removed.dead);
        self.publish();
    }

    fn publish(&self) {
        // Relaxed: gauges for people to read.
        self.counts.entries.store(self.map.len(), Ordering::Relaxed);
        self.counts.weight.store(self.weight, Ordering::Relaxed);
    }
}

impl<K, V, M> Drop for Shard<K, V, M> {
    fn drop(&mut self) {
        // The counters outlive a thread's shard of a `local` cache; its entries don't.
        self.counts.entries.store(0, Ordering::Relaxed);
        self.counts.weight.store(0, Ordering::Relaxed);
    }
}

/// Spreads a ticket over all bits (`SplitMix64`'s finaliser, Steele et al., OOPSLA 2014): enough of a die for jitter.
fn mix(ticket: u64) -> u64 {
    let mut z = ticket.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
