//! What may be done with an entry in Redis now: its age, by the server's clock, against the windows of its cache. Must never
//! compare the clocks of two machines.
//!
//! The times of an entry are in its envelope: when its load ended (server time), its ttl, and how long past that the server
//! keeps it. They bound what the reader's own options allow: a version of the program with longer windows serves what an
//! older one stored no longer than that one promised.
//!
//! One renewal of a key runs at a time, in all processes: whoever takes the lock beside the entry (`:refresh`). It works over
//! the entry's stamp, and so changes nothing if the entry was invalidated or replaced meanwhile. The entry stays where it is
//! and is served, so a renewal never blocks its expiry. A holder that dies leaves the lock to its end (5 s, prolonged while
//! the load runs); one that fails leaves a mark for the throttle time, during which nobody tries.
//!
//! An old value is served after a failed load only after a look whether its entry still stands at the key with live nonces.
//! If the server can't be asked at that moment, what was read at the call's beginning counts: nothing that this process
//! knows to be outdated is served (what it invalidated since, or saw gone: see [`super::flights`]; what it failed to
//! invalidate waits in the queue), and of what others invalidate, who can't reach the server can't know.

use super::envelope::Head;
use super::flights::Moment;
use super::keys::Name;
use super::remote::{Remote, Stored};
use crate::clock;
use crate::policy::{Life, Policy, Stage};
use std::time::Duration;

/// The old value of an entry that is being loaded anew, for the case that the load fails.
pub(crate) struct Old<V> {
    pub(crate) value: V,
    pub(crate) entry: OldEntry,
}

/// What its entry is known by.
#[derive(Clone)]
pub(crate) struct OldEntry {
    pub(crate) head: Head,
    /// When the call began that read it.
    pub(crate) start: Moment,
    /// Until when it may be served.
    pub(crate) ends: Duration,
    /// What is to pass after a failure before the next try.
    pub(crate) throttle: Duration,
}

/// The life of an entry, in server time; `None` if it has no end or no windows that anybody knows of: then the server ends
/// it.
fn life(policy: &Policy, stored: &Stored) -> Option<Life> {
    let meta = &stored.meta;
    if meta.stale.is_zero() && !policy.renews() {
        return None;
    }
    let created = clock::nanos(Duration::from_millis(meta.created));
    // Its jitter was subtracted when it was stored: dice of 0 subtract nothing.
    let life = policy.life(created, Some(meta.ttl?), 0, clock::nanos(meta.load))?;
    let ends = life.ends.min(life.fresh_until.saturating_add(clock::nanos(meta.stale)));
    if ends == life.fresh_until && policy.has_stale() {
        return Some(Life::plain(ends));
    }
    Some(Life { ends, stale_until: life.stale_until.min(ends), ..life })
}

/// What may be done with it now.
pub(crate) fn stage(policy: &Policy, (remote, name): (&Remote, &Name), stored: &Stored) -> Stage {
    let dice = || u64::from_le_bytes(super::envelope::stamp()[..8].try_into().unwrap_or_default());
    life(policy, stored).map_or(Stage::Fresh, |life| life.stage(clock::nanos(remote.clock(name)), dice))
}

/// Whether its time to live is over.
pub(crate) fn is_past(policy: &Policy, (remote, name): (&Remote, &Name), stored: &Stored) -> bool {
    life(policy, stored).is_some_and(|life| clock::nanos(remote.clock(name)) >= life.fresh_until)
}

/// Until when it may be served where a load fails, and what is to pass then before the next try.
pub(crate) fn times(policy: &Policy, stored: &Stored) -> Option<(Duration, Duration)> {
    let life = life(policy, stored)?;
    Some((Duration::from_nanos(life.ends), Duration::from_nanos(life.throttle())))
}
