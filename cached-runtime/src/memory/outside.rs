//! What changes a shard from outside of a load, besides `set` and `invalidate`: writers, and invalidation by what entries
//! are. Must never let a load that began before go on as if nothing had happened: each of these raises the gates.

use super::bin::Bin;
use super::entry::{ByKey, Find, Same, Stored};
use super::gate::Gate;
use super::map::Map;
use super::shard::{Keep, Rules, Shard, draw};
use crate::tags::Tags;

/// How a writer ended.
pub enum Written<V> {
    /// Its value is to be the entry.
    Stores(Keep<V>, Tags),
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
            gate.loads.write(ticket);
        } else {
            let mut gate = Gate::empty(find.hash, own());
            gate.loads.write(ticket);
            self.gates.insert(gate);
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
        written: &mut Written<V>,
        rules: &Rules<'_, K, V>,
        bin: &mut Bin<M::Dead>,
    ) {
        let Some(mut place) = self.gates.find_place(hash, |gate| gate.loads.has_writer(ticket)) else { return };
        let Some(gate) = place.get_mut() else { return };
        let last = gate.loads.has_only(ticket);
        let alone = gate.loads.written(ticket);
        let (mut stores, mut forgotten) = (false, None);
        if !matches!(written, Written::Nothing) {
            gate.loads.raise(draw());
            // Before any of the user's code that could panic: whatever becomes of the value, the old one has had its time.
            // (By the gate's own key, since a clone of it is such code.)
            let removed = self.map.remove(&Find { hash, view: &ByKey(&gate.key) });
            let current = alone && ticket > rules.floor.cleared;
            stores = matches!(written, Written::Stores(_, tags) if current && tags.are_current(ticket));
            self.counts.invalidations.add(u64::from(removed.is_some() && !stores));
            forgotten = removed;
        }
        let key = match (stores, last) {
            (true, true) => place.take().map(|gate| gate.key),
            (true, false) => Some(gate.key.clone()),
            (false, true) => {
                place.take();
                None
            }
            (false, false) => None,
        };
        if let Some(removed) = forgotten {
            self.bury(removed, bin);
        }
        if let (Some(key), Written::Stores(keep, tags)) = (key, written) {
            self.store_first(Stored { hash, ticket, key }, keep, std::mem::take(tags), rules, bin);
        }
    }

    /// No load or writer that is under way is stored or joined from here on, and the entries that `chosen` says yes to
    /// are listed, by place and ticket.
    pub(crate) fn fence_where(&mut self, mut chosen: impl FnMut(&K, &V) -> bool) -> Vec<(u32, u64)> {
        self.fence_all();
        let mut taken = Vec::new();
        self.map.for_each(|place, key, entry| {
            if chosen(key, &entry.value) {
                taken.push((place, entry.ticket.get()));
            }
        });
        taken
    }

    fn fence_all(&mut self) {
        let fence = draw();
        for gate in self.gates.iter_mut() {
            gate.loads.raise(fence);
        }
    }

    /// Forgets entries by place and ticket; those that were replaced meanwhile stay.
    ///
    /// Loads are fenced once more: one that began since [`fence_where`](Self::fence_where) may have found the entry that
    /// goes now, and hold its value for the case that it fails. Its own call began before the invalidation ended and may
    /// have that; a call that comes later must not join it.
    pub(crate) fn forget(&mut self, taken: &[(u32, u64)], bin: &mut Bin<M::Dead>) {
        self.fence_all();
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
