//! What changes a shard from outside of a load, besides `set` and `invalidate`: writers, and invalidation by what entries
//! are. Must never let a load that began before go on as if nothing had happened: each of these raises the gates.

use super::bin::Bin;
use super::entry::{Find, Same, Stored};
use super::gate::Gate;
use super::map::Map;
use super::shard::{Keep, Rules, Shard, draw};
use crate::tags::Tags;
use std::time::Duration;

/// How a writer ended.
pub enum Written<V> {
    /// Its value is to be the entry, for a time of its own or the cache's.
    Stores(V, Option<Duration>, Tags),
    /// It wrote, or nobody knows whether it did: what stands there is outdated.
    Forgets,
    /// It did not write.
    Nothing,
}

impl<K, V, M> Shard<K, V, M>
where
    K: Eq + Clone,
    V: Clone,
    M: Map<K, V>,
{
    /// A writer of a key begins: its ticket.
    pub(crate) fn begin_write<P: Same<K>>(&mut self, find: &Find<'_, P>, own: impl FnOnce() -> K) -> u64 {
        let ticket = draw();
        if let Some(gate) = self.gates.find_mut(find.hash, |gate| find.is(gate.hash, &gate.key)) {
            gate.write(ticket);
        } else {
            let gate = Gate::for_writer(find.hash, own(), ticket);
            self.gates.insert_unique(find.hash, gate, |gate| gate.hash);
        }
        ticket
    }

    /// A writer ends. Its value becomes the entry only if it was alone from its ticket on; otherwise there is none.
    ///
    /// The entry counts from the writer's ticket, not from now: a `clear` or the invalidation of a tag that came in
    /// between may be of what the body had read by then. The gate is raised to a number of now: loads that are under way
    /// may have read what was there before the body wrote.
    pub(crate) fn end_write(
        &mut self,
        (hash, ticket): (u64, u64),
        written: Written<V>,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let Ok(mut place) = self.gates.find_entry(hash, |gate| gate.has_writer(ticket)) else { return };
        let gate = place.get_mut();
        let last = gate.has_only(ticket);
        let alone = gate.written(ticket);
        if !matches!(written, Written::Nothing) {
            gate.raise(draw());
        }
        let key = if last { place.remove().0.key } else { gate.key.clone() };
        let key = Stored { hash, ticket, key };
        let current = alone && ticket > rules.floor.cleared;
        match written {
            Written::Nothing => {}
            Written::Stores(value, ttl, tags) if current && tags.are_current(ticket) => {
                self.store(key, (Keep { value, ttl, failed: false, load_time: 0 }, tags), rules, bin);
            }
            Written::Stores(..) | Written::Forgets => {
                if self.remove_stored(&key, bin) {
                    self.counts.invalidations.add(1);
                }
            }
        }
    }

    /// No load or writer that is under way is stored or joined from here on, and the entries that `chosen` says yes to
    /// are listed, by place and ticket.
    pub(crate) fn fence_where(&mut self, mut chosen: impl FnMut(&K, &V) -> bool) -> Vec<(u32, u64)> {
        let fence = draw();
        for gate in &mut self.gates {
            gate.raise(fence);
        }
        let mut taken = Vec::new();
        self.map.for_each(|place, key, entry| {
            if chosen(key, &entry.value) {
                taken.push((place, entry.ticket.get()));
            }
        });
        taken
    }

    /// Forgets entries by place and ticket; those that were replaced meanwhile stay.
    pub(crate) fn forget(&mut self, taken: &[(u32, u64)], bin: &mut Bin<M::Dead>) {
        for (place, ticket) in taken {
            if self.map.peek_place(*place, |entry| entry.ticket.get()) == Some(*ticket)
                && let Some(removed) = self.map.remove_place(*place)
            {
                self.counts.invalidations.add(1);
                self.bury(removed, bin);
            }
        }
    }
}
