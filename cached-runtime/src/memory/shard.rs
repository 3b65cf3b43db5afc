//! One shard of a memory cache, as one thread sees it: the map, the loads under way, the counters. Must never lock,
//! wait, run a body or drop a user's value; who calls it holds the shard's lock (or owns it, for `local`).
//!
//! Everything that promise 3 depends on happens here, under that lock: a call either finds a valid entry, or joins or
//! begins a load (`begin`); a load ends by checking its ticket and storing its value in one step (`end`).

use super::bin::Bin;
use super::common::Floor;
use super::entry::{ByKey, Entry, Find, Same, Stored};
use super::expiry::{BLOCK, Expiry};
use super::gate::{Ask, Gate, How, Lead, Purpose};
use super::gates::Gates;
use super::loads::{Answer, BARE, FIRST_TICKET, Left, Loads};
use super::map::{Map, Removed};
use crate::clock::{NEVER, Nanos, Reading};
use crate::flight::Flight;
use crate::policy::{Life, Policy, Stage, Times};
use crate::pulse::Pulse;
use crate::stack::Inside;
use crate::stats::Counts;
use crate::sync::{AtomicU64, Ordering, process_wide};
use crate::tags::Tags;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

process_wide! {
    /// Tickets are drawn from one sequence for the whole process. Relaxed: two draws that happen one after the other are
    /// on one atomic, so the second is greater (read-write coherence), and that is all that is asked of them.
    static TICKETS: AtomicU64 = AtomicU64::new(FIRST_TICKET);
}

/// The next number of the process-wide sequence.
pub(crate) fn draw() -> u64 {
    TICKETS.fetch_add(1, Ordering::Relaxed)
}

/// In how many blocks a call that stores looks for expired entries besides its own work. It frees those of one of them.
const LOOK_A_CALL: usize = 8;

/// The bound of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    None,
    Entries(usize),
    Weight(u64),
}

impl Bound {
    /// How many entries there can be.
    pub(crate) fn entries(self) -> usize {
        match self {
            Self::Entries(most) => most,
            Self::None | Self::Weight(_) => usize::MAX,
        }
    }
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
        self.floor.outdates(entry)
    }

    /// Whether an entry may be served at this time to whoever does not load.
    pub(crate) fn is_live(&self, entry: &Entry<V>, time: Reading) -> bool {
        self.stage(entry, time).0.is_served_at_once()
    }

    /// What may be done with an entry at this time, and whether a failed load keeps calls from trying again.
    fn stage(&self, entry: &Entry<V>, time: Reading) -> (Stage, bool) {
        if self.is_outdated(entry) {
            return (Stage::Ended, false);
        }
        entry.stage(time.latest, self.times.policy.tti(), dice)
    }

    /// Whether an old value that is at hand may still be served.
    fn is_worth(&self, old: &Worth, time: Reading) -> bool {
        old.ticket > self.floor.cleared && old.tags.are_current(old.ticket) && time.latest < old.life.ends
    }

    /// Whether a hit is the end of a call now; notes the read where that prolongs the entry's life.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub(crate) fn serves(&self, entry: &Entry<V>) -> bool {
        let counts = self.floor.is_below(entry.ticket.get());
        // By value, not lent: see `At::call`.
        if counts && entry.is_timeless() { true } else { serves_in_time(self.times, self.floor, entry) }
    }

    /// What a look-up that never loads is given of an entry that is no plain hit; whether it is past its time to live.
    #[cold]
    fn read_aged(&self, entry: &Entry<V>) -> Option<(V, bool)>
    where
        V: Clone,
    {
        let time = self.times.reading();
        let (stage, _) = self.stage(entry, time);
        if !stage.is_served_at_once() {
            return None;
        }
        self.touch(entry, time);
        Some((entry.value.clone(), stage == Stage::StaleOk))
    }

    fn touch(&self, entry: &Entry<V>, time: Reading) {
        if self.times.policy.tti().is_some() {
            entry.touch(time);
        }
    }
}

/// [`Rules::serves`] for an entry that has an end, or must be looked at.
#[inline(never)]
fn serves_in_time<V>(times: &Times, floor: Floor, entry: &Entry<V>) -> bool {
    let time = times.reading();
    (floor.is_below(entry.ticket.get()) && entry.is_plain(time.latest)) || serves_closely(times, floor, entry, time)
}

/// The same where time has come to look, or something was invalidated since its load began.
#[cold]
fn serves_closely<V>(times: &Times, floor: Floor, entry: &Entry<V>, time: Reading) -> bool {
    let tti = times.policy.tti();
    // Before that there is nothing to decide, and so no chance to be asked twice.
    let fresh = time.latest < entry.life().refresh_at && time.latest < entry.ends(tti) && !floor.outdates(entry);
    if fresh && tti.is_some() {
        entry.touch(time);
    }
    fresh
}

/// What a call finds.
pub enum Begun<V> {
    Hit(V),
    /// The same, with a value past its time to live.
    Aged(V),
    /// Wait for this flight.
    Join(Arc<Flight<V>>),
    /// Run the body.
    Lead(Lead),
    /// Run the body; there is an old value to fall back on.
    Stale(Lead, Box<Old<V>>),
}

/// An entry that a load is to replace.
pub struct Old<V> {
    pub(crate) value: V,
    pub(crate) worth: Worth,
    /// Whether it may be served at once, before the load has ended: the load is a renewal.
    pub(crate) at_once: bool,
}

/// What tells whether an old value may still be served. Its own ticket and tags, not those of the load: what was
/// invalidated between the look-up and the beginning of the load must not come back.
#[derive(Clone)]
pub struct Worth {
    pub(crate) ticket: u64,
    pub(crate) tags: Tags,
    pub(crate) life: Life,
}

impl<V> Begun<V> {
    /// To be held while what the look-up removed is dropped, after the lock is released: a value's `Drop` may call the
    /// function again, and where the look-up has begun a load, that call is inside of it and must not wait for it.
    #[inline]
    pub(crate) fn inside(&self) -> Option<Inside> {
        match self {
            Self::Lead(lead) | Self::Stale(lead, _) => Some(Inside::enter(lead.ticket)),
            Self::Hit(_) | Self::Aged(_) | Self::Join(_) => None,
        }
    }
}

/// How a load ended.
pub enum Ending<V> {
    /// With a value to keep.
    Keep(Keep<V>),
    /// With a success that is not kept: what stands there is outdated.
    Skip,
    /// With an error or a panic: what stands there may stay. With the worth of the old value that the load was to replace.
    Fail(Option<Worth>),
    /// Not at all: its future was dropped.
    Gone,
}

/// A value to keep. It stays here if it is not stored after all, for whoever holds the lock to drop it later.
pub struct Keep<V> {
    pub(crate) value: Option<V>,
    /// For so long, unless it is the cache's own ttl.
    pub(crate) ttl: Option<Duration>,
    /// Whether it is an error, which has no windows.
    pub(crate) failed: bool,
    /// How long its load took, where that matters.
    pub(crate) load_time: Nanos,
}

impl<V> Keep<V> {
    /// A value that is not a load's.
    pub(crate) fn given(value: V, ttl: Option<Duration>) -> Self {
        Self { value: Some(value), ttl, failed: false, load_time: 0 }
    }
}

impl<V> Ending<V> {
    /// Whether it counts as a failed load.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::Fail(_))
    }
}

pub(crate) struct Shard<K, V, M> {
    pub(super) map: M,
    pub(super) gates: Gates<K, V>,
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
        Self { map, gates: Gates::default(), expiry: Expiry::default(), weight: 0, bound, counts: Arc::default() }
    }

    /// A look-up that never loads.
    pub(crate) fn read<P: Same<K>>(&mut self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> Option<V> {
        let found = self.map.hit(find, |entry| {
            if rules.serves(entry) { Some((entry.value.clone(), false)) } else { rules.read_aged(entry) }
        });
        let Some((value, stale)) = found.flatten() else {
            self.counts.misses.add(1);
            return None;
        };
        self.counts.hits.add(1);
        self.counts.stale.add(u64::from(stale));
        Some(value)
    }

    /// What a call may be given in the place of a load that failed or takes too long.
    pub(crate) fn stale<P: Same<K>>(&mut self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> Option<V> {
        let time = rules.times.reading();
        let found = self.map.peek(find, |entry| {
            let (stage, _) = rules.stage(entry, time);
            (stage != Stage::Ended).then(|| (entry.value.clone(), time.latest >= entry.life().fresh_until))
        });
        let (value, stale) = found.flatten()?;
        self.counts.stale.add(u64::from(stale));
        Some(value)
    }

    /// Whether the old value that a load is to replace may be served: nothing was invalidated or stored meanwhile.
    pub(crate) fn is_worth(&self, (hash, ticket): (u64, u64), old: &Worth, rules: &Rules<'_, K, V>) -> bool {
        let gate = self.gates.find(hash, |gate| gate.loads.has(ticket));
        rules.is_worth(old, Reading::precise())
            && gate.is_some_and(|gate| gate.loads.is_current(ticket, rules.floor.cleared))
    }

    /// The value of a call's entry, if it may be served; otherwise whether there is one. All that a hit does under the
    /// lock.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub(crate) fn hit<P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        purpose: Purpose,
        rules: &Rules<'_, K, V>,
    ) -> Result<V, bool> {
        // No closure in a closure: not all of them are put in line.
        let found = self.map.hit(find, |entry| if rules.serves(entry) { Some(entry.value.clone()) } else { None });
        let value = found.ok_or(false)?.ok_or(true)?;
        self.counts.hits.add(u64::from(purpose == Purpose::Call));
        Ok(value)
    }

    /// A call that was not answered by [`hit`](Self::hit): still under the lock, a load to join or to run. Only what is
    /// `there` can be removed.
    pub(crate) fn miss<P: Same<K>>(
        &mut self,
        (find, there): (&Find<'_, P>, bool),
        own: impl FnOnce() -> K,
        ask: &Ask<'_, V>,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) -> Begun<V> {
        if there {
            return self.aged(find, own, ask, rules, bin);
        }
        self.begin((find, true), own, ask, rules)
    }

    /// A call that found an entry at which time has come to look: a hit all the same, a renewal, or a miss.
    #[cold]
    pub(crate) fn aged<P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        own: impl FnOnce() -> K,
        ask: &Ask<'_, V>,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) -> Begun<V> {
        let time = rules.times.reading();
        let seen = self.map.peek(find, |entry| {
            let (stage, throttled) = rules.stage(entry, time);
            let value = (stage != Stage::Ended).then(|| {
                rules.touch(entry, time);
                entry.value.clone()
            });
            let worth = Worth { ticket: entry.ticket.get(), tags: entry.tags(), life: entry.life() };
            (stage, throttled, worth, value)
        });
        let Some((stage, throttled, worth, Some(value))) = seen else {
            self.remove_ended(find, rules, bin);
            return self.begin((find, true), own, ask, rules);
        };
        let at_once = stage.is_served_at_once();
        if !at_once && !throttled {
            return match self.begin((find, false), own, ask, rules) {
                Begun::Lead(lead) => Begun::Stale(lead, Box::new(Old { value, worth, at_once })),
                begun => begun,
            };
        }
        self.counts.hits.add(u64::from(ask.purpose == Purpose::Call));
        if stage != Stage::Fresh && !throttled && !self.is_loading(find, rules) {
            let lead = self.renew(find, own, ask, rules);
            return Begun::Stale(lead, Box::new(Old { value, worth, at_once }));
        }
        if time.latest < worth.life.fresh_until {
            return Begun::Hit(value);
        }
        self.counts.stale.add(1);
        Begun::Aged(value)
    }

    /// Whether a load of this key is under way that will do.
    fn is_loading<P: Same<K>>(&self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> bool {
        let gate = self.gates.find(find.hash, |gate| find.is(gate.hash, &gate.key));
        gate.is_some_and(|gate| gate.loads.will_do(rules.floor.cleared))
    }

    /// Begins a load that renews an entry.
    fn renew<P: Same<K>>(
        &mut self,
        find: &Find<'_, P>,
        own: impl FnOnce() -> K,
        ask: &Ask<'_, V>,
        rules: &Rules<'_, K, V>,
    ) -> Lead {
        let lead = lead(ask, &self.counts, &rules.times.policy);
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            gate.loads.renew(&lead, ask);
        } else {
            let mut gate = Gate::empty(find.hash, own());
            gate.loads.renew(&lead, ask);
            self.gates.insert(gate);
        }
        self.counts.refreshes.add(1);
        lead
    }

    /// Whether there is an entry that would be served; not a read.
    pub(crate) fn has<P: Same<K>>(&self, find: &Find<'_, P>, rules: &Rules<'_, K, V>) -> bool {
        let time = rules.times.reading();
        self.map.peek(find, |entry| rules.is_live(entry, time)).unwrap_or(false)
    }

    /// A call that missed joins a load or begins one. `bare` says that there is no entry of its key.
    #[inline(never)]
    pub(crate) fn begin<P: Same<K>>(
        &mut self,
        (find, bare): (&Find<'_, P>, bool),
        own: impl FnOnce() -> K,
        ask: &Ask<'_, V>,
        rules: &Rules<'_, K, V>,
    ) -> Begun<V> {
        self.counts.misses.add(u64::from(ask.purpose == Purpose::Call));
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            return match gate.loads.ask(ask, rules.floor.cleared) {
                Answer::Join(flight) => Begun::Join(flight),
                Answer::Lead { recursive } => {
                    let lead = lead(ask, &self.counts, &rules.times.policy);
                    gate.loads.lead(&lead, ask, recursive);
                    Begun::Lead(lead)
                }
            };
        }
        let key = own();
        let lead = lead(ask, &self.counts, &rules.times.policy);
        self.gates.insert(Gate { hash: find.hash, key, loads: Loads::new(bare, ask, &lead) });
        Begun::Lead(lead)
    }

    /// An entry that was found but may not be served.
    #[cold]
    fn remove_ended<P: Same<K>>(&mut self, find: &Find<'_, P>, rules: &Rules<'_, K, V>, bin: &mut Bin<M::Dead>) {
        let Some(outdated) = self.map.peek(find, |entry| rules.is_outdated(entry)) else { return };
        if let Some(removed) = self.map.remove(find) {
            self.counts.invalidations.add(u64::from(outdated));
            self.counts.expirations.add(u64::from(!outdated));
            self.bury(removed, bin);
        }
    }

    /// A load ends: leaves its gate, and stores its value if nothing newer came meanwhile.
    ///
    /// `left` gets the flight of those who wait for it, before any of the user's code runs: whatever panics in here,
    /// the caller can tell them. Says whether the old value that a failed load was to replace may be served: nothing was
    /// invalidated or stored since the load began, and the value has not ended.
    pub(crate) fn end(
        &mut self,
        (hash, ticket): (u64, u64),
        ending: &mut Ending<V>,
        rules: &Rules<'_, K, V>,
        left: &mut Option<Left<V>>,
        bin: &mut Bin<M::Dead>,
    ) -> bool {
        let Some(mut place) = self.gates.find_place(hash, |gate| gate.loads.has(ticket)) else { return false };
        let Some(gate) = place.get_mut() else { return false };
        let (fence, last) = (gate.loads.fence, gate.loads.has_only(ticket));
        // A tag that is invalidated between this and the insertion is above this ticket, which every hit will notice.
        let is_current = |tags: &Tags| ticket > fence && ticket > rules.floor.cleared && tags.are_current(ticket);
        let (key, tags, current) = if last {
            // Taken as it is, in one go: nobody else looks at it.
            let Some((key, leave)) = place.take().and_then(|gate| Loads::end(gate, ticket)) else { return false };
            *left = leave.left;
            let current = is_current(&leave.tags);
            (key, leave.tags, current)
        } else {
            let Some(leave) = gate.loads.leave(ticket) else { return false };
            *left = leave.left;
            let current = is_current(&leave.tags);
            if current && !matches!(ending, Ending::Fail(_) | Ending::Gone) {
                gate.loads.fence = ticket;
            }
            (gate.key.clone(), leave.tags, current)
        };
        let bare = fence == BARE;
        let stored = |key| Stored { hash, ticket, key };
        match ending {
            Ending::Gone => {}
            Ending::Fail(old) => return current && self.fail(&stored(key), old.as_ref(), rules),
            _ if !current => self.counts.fenced.add(1),
            Ending::Keep(keep) if bare => self.store_first(stored(key), keep, tags, rules, bin),
            Ending::Keep(keep) => self.store(stored(key), keep, tags, rules, bin),
            Ending::Skip => {
                self.counts.rejected.add(1);
                self.remove_stored(&stored(key), bin);
            }
        }
        false
    }

    /// A load has failed: for a while nobody else tries. Whether the old value may be served.
    fn fail(&mut self, key: &Stored<K>, old: Option<&Worth>, rules: &Rules<'_, K, V>) -> bool {
        let windows = &rules.times.policy.windows;
        if windows.refresh_ahead.is_none() && !rules.times.policy.has_stale() {
            return false;
        }
        let time = Reading::precise();
        self.map.peek(&Find { hash: key.hash, view: &ByKey(&key.key) }, |entry| entry.throttle(time.latest));
        let Some(old) = old.filter(|old| rules.is_worth(old, time)) else { return false };
        self.counts.stale.add(u64::from(time.latest >= old.life.fresh_until));
        true
    }

    /// Stores a value that is not a load's: it is newer than all loads under way.
    pub(crate) fn set(
        &mut self,
        (hash, key): (u64, K),
        (keep, tags): (&mut Keep<V>, Tags),
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let ticket = draw();
        if let Some(gate) = self.gates.find_mut(hash, |gate| gate.hash == hash && gate.key == key) {
            gate.loads.raise(ticket);
        }
        self.store(Stored { hash, ticket, key }, keep, tags, rules, bin);
    }

    /// Forgets a key: its entry goes, and no load under way is stored or joined from here on.
    pub(crate) fn invalidate<P: Same<K>>(&mut self, find: &Find<'_, P>, bin: &mut Bin<M::Dead>) {
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            gate.loads.raise(draw());
        }
        if let Some(removed) = self.map.remove(find) {
            self.counts.invalidations.add(1);
            self.bury(removed, bin);
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
            self.map.reset();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Looks for expired entries in so many blocks and frees them, of up to `budget` blocks; whether there may be more.
    pub(crate) fn sweep(
        &mut self,
        rules: &Rules<'_, K, V>,
        (look, budget): (usize, usize),
        bin: &mut Bin<M::Dead>,
    ) -> bool {
        let now = rules.times.reading().earliest;
        for _ in 0..budget {
            match self.expiry.take_due(now, look) {
                Ok(first) => self.sweep_block(first, rules.times.policy.tti(), now, bin),
                Err(more) => return more,
            }
        }
        true
    }

    fn sweep_block(&mut self, first: u32, tti: Option<Nanos>, now: Nanos, bin: &mut Bin<M::Dead>) {
        for place in first..first.saturating_add(BLOCK) {
            match self.map.peek_place(place, |entry| entry.ends(tti)) {
                None => {}
                Some(ends) if ends > now => self.expiry.note(place, ends),
                Some(_) => {
                    if let Some(removed) = self.map.remove_place(place) {
                        self.counts.expirations.add(1);
                        self.bury(removed, bin);
                    }
                }
            }
        }
    }

    /// Copies of the keys that would be served now.
    pub(crate) fn keys(&self, rules: &Rules<'_, K, V>) -> Vec<K> {
        let time = rules.times.reading();
        let mut keys = Vec::with_capacity(self.map.len());
        self.map.for_each(|_, key, entry| {
            if rules.is_live(entry, time) {
                keys.push(key.clone());
            }
        });
        keys
    }

    pub(super) fn store(
        &mut self,
        key: Stored<K>,
        keep: &mut Keep<V>,
        tags: Tags,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        self.remove_stored(&key, bin);
        self.store_first(key, keep, tags, rules, bin);
    }

    /// Stores a value where there is none.
    pub(super) fn store_first(
        &mut self,
        key: Stored<K>,
        keep: &mut Keep<V>,
        tags: Tags,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let &mut Keep { ref value, ttl, failed, load_time } = keep;
        let ticket = key.ticket;
        let weigh = |weigh: &Weigh<K, V>| value.as_ref().map_or(0, |value| weigh(&key.key, value) as u64);
        let weight = rules.weigh.map_or(0, weigh);
        if let Some(ttl) = ttl {
            rules.times.note(ttl);
        }
        let timed = rules.times.any();
        if timed {
            self.sweep(rules, (LOOK_A_CALL, 1), bin);
        }
        // The precise clock: an entry is stored once and read often, and its life is counted from here.
        let now = if timed { Reading::precise().latest } else { 0 };
        let policy = &rules.times.policy;
        let life = match (timed, failed) {
            (false, _) => Some(Life::plain(NEVER)),
            (true, true) => policy.deadline(now, ttl, mix(ticket)).map(Life::plain),
            (true, false) => policy.life(now, ttl, mix(ticket), load_time),
        };
        let life = life.filter(|_| self.make_room(weight, bin));
        let (Some(life), Some(value)) = (life, if life.is_some() { keep.value.take() } else { None }) else {
            self.counts.rejected.add(1);
            return;
        };
        let tti = policy.tti();
        let entry = Entry::new(value, ticket, life, (now, tti), (weight, tags));
        let ends = entry.ends(tti);
        let hash = key.hash;
        if let Some(place) = self.map.insert(key, entry) {
            self.counts.inserted(hash);
            self.expiry.note(place, ends);
            // Without a bound on it the sum is for people to read.
            self.weight = self.weight.saturating_add(weight);
        }
        self.publish();
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

/// A load to run.
#[inline]
fn lead<V>(ask: &Ask<'_, V>, counts: &Counts, policy: &Policy) -> Lead {
    let ticket = draw();
    let pulse = ask.asynchronous.then(|| ask.pulse.map_or_else(Arc::<Pulse>::default, Arc::clone));
    let clocked = policy.wants_load_time();
    let (timed, nth) = counts.begin_load();
    Lead { ticket, pulse, how: How::new(timed, clocked, nth, ask.wave) }
}

/// A random number, for chance that nobody can gain by guessing. Only where `xfetch` is chosen.
#[cold]
fn dice() -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(draw())
}

/// Spreads a ticket over all bits (`SplitMix64`'s finaliser, Steele et al., OOPSLA 2014): enough of a die for jitter.
fn mix(ticket: u64) -> u64 {
    let mut z = ticket.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
