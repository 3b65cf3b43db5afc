//! Which loads of this process a call may wait for: single-flight within the process, beside the lease between processes.
//! Must never let a call join a load that an invalidation in another process has outdated.
//!
//! The calls of one key wait for one another as in memory: the gate, flights and hand-overs are those of a memory cache
//! that keeps no entries, under the name of the entry. What it can't know is what other processes invalidate. So each
//! load that this process runs says here what its value will be worth (an [`Account`]): the head it holds or waits for in
//! Redis, and since when. A call that missed may wait for it only
//!
//! - if the call began before that: whatever the load brings was then made (by its body) or read after the call's own
//!   beginning, so nothing that was invalidated before the call can be in it; or
//! - if the call's own read showed that very head, live: then nobody has invalidated it since the load began; or
//! - if neither the call nor the load can reach Redis: the call would run the body on its own, and what others invalidate
//!   neither can know. (Invalidations of this process detach the load at once.) A load that holds something in Redis is
//!   another matter: it may have been invalidated since, and the call's own body would not be.
//!
//! Else the load is detached: its own callers still get its value, new ones don't find it. Joining without this check was
//! stale in 100 of 100 runs in which another process invalidated during the load: the call reads nothing in Redis, finds
//! the local load from before, and returns its value.
//!
//! "Since when" is a number of one process-wide sequence, drawn before a body begins, and before each read by which a load
//! looks for another process's value; when a call began is looked up in it, before the call's own read is sent. Check and
//! detachment happen under one lock, after which the account is gone: of two calls that find one outdated load, the second
//! finds none, and joins the load that the first has begun.
//!
//! The same sequence tells what this process knows against an old value that is to be served on error while the server can't
//! be asked: when it last invalidated the key, or saw that what a load of it had found was gone. That counts for calls that
//! began before, whether they led a load then or waited for one. A call that merely finds the old value still there tells
//! nothing against it.

use super::at;
use super::envelope::Head;
use super::keys::Name;
use super::remote::{Seen, What};
use crate::error::Error;
use crate::key::Val;
use crate::memory::MemoryCache;
use crate::memory::entry::Find;
use crate::outcome::CacheValue;
use crate::store::Engine;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A place in the sequence of what happens in this process.
pub(crate) type Moment = u64;

static SEQUENCE: AtomicU64 = AtomicU64::new(1);

/// Now, after all that was drawn before.
fn now() -> Moment {
    SEQUENCE.fetch_add(1, Ordering::SeqCst)
}

/// When a call begins. It draws none of its own, as calls on all cores would wait for one another there: what it reads is the
/// next that will be drawn. So what was drawn before it is less, and what is drawn after it is not.
pub(crate) fn begins() -> Moment {
    SEQUENCE.load(Ordering::SeqCst)
}

/// A load that brings nothing that was made or read before any call yet to come.
const NOT_BEGUN: Moment = Moment::MAX;

/// The loads of one cache in this process.
pub(crate) struct Flights<V: 'static> {
    /// Keeps no entries, only gates and flights.
    pub(crate) gates: Arc<MemoryCache<Arc<str>, V>>,
    accounts: Mutex<HashMap<Arc<str>, Vec<Arc<Account>>>>,
    known: Known,
}

/// When something was last known to be outdated.
///
/// Names and tags share a few places, so that it doesn't grow. A stranger in the place of a name takes an old value from a
/// call only if it is invalidated during that very call, and then only while the server is away.
struct Known {
    all: AtomicU64,
    some: [AtomicU64; 1 << Self::BITS],
}

impl Known {
    const BITS: u32 = 6;

    fn new() -> Self {
        Self { all: AtomicU64::new(0), some: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        let at = usize::try_from(hash >> (u64::BITS - Self::BITS)).unwrap_or_default();
        self.some.get(at).unwrap_or(&self.all)
    }

    /// Whoever sees what came after this sees it as well: it is noted before an invalidation returns, or ceases to be
    /// pending.
    fn note(place: &AtomicU64) {
        place.fetch_max(now(), Ordering::AcqRel);
    }
}

/// What the value of a load will be worth.
pub(crate) struct Account {
    state: Mutex<State>,
    /// Whether the load's lease is renewed; shared with its ticket.
    renewed: Mutex<Option<Arc<AtomicBool>>>,
    /// The tags that its value will carry.
    tags: Box<[Arc<str>]>,
    /// Of the old value that its call has found, if that may be served on error.
    old: Option<Head>,
    /// When it began to lead, which is after it had found that.
    led: Moment,
}

struct State {
    /// What it holds or waits for.
    head: Option<Head>,
    since: Moment,
    /// Whether its body runs without a ticket: it can't reach Redis.
    ticketless: bool,
}

impl State {
    fn new(head: Option<&Head>, since: Moment) -> Self {
        Self { head: head.cloned(), since, ticketless: false }
    }
}

impl Account {
    /// From here on the load brings nothing that was there before.
    pub(crate) fn not_begun(&self) {
        *self.state.lock() = State::new(None, NOT_BEGUN);
    }

    /// A read is about to be sent, whose answer may become the load's value.
    pub(crate) fn reads(&self) {
        *self.state.lock() = State::new(None, now());
    }

    /// The same for a load that waits for what will come after this head, which an earlier read of its own showed.
    ///
    /// A call whose own read shows that head, live, may still wait for it. No head ever comes back, so a read that shows
    /// another one is answered after the call's own, and with that after the call's beginning.
    pub(crate) fn reads_again(&self, head: &Head) {
        *self.state.lock() = State::new(Some(head), now());
    }

    /// The body begins, with what its ticket holds if it has one.
    pub(crate) fn begins(&self, ticket: Option<(&Head, Arc<AtomicBool>)>) {
        let (head, renewed) = ticket.unzip();
        *self.renewed.lock() = renewed;
        *self.state.lock() = State { ticketless: head.is_none(), ..State::new(head, now()) };
    }

    /// Whether a call that began at `start` and saw `seen` may have the load's value.
    fn serves(&self, start: Moment, seen: &Result<Seen, Error>) -> bool {
        let state = self.state.lock();
        match seen {
            Err(_) => start <= state.since || (state.ticketless && !at::has_reached(seen)),
            Ok(seen) => {
                start <= state.since || (!matches!(seen.what, What::Nothing) && state.head.as_ref() == Some(&seen.head))
            }
        }
    }

    fn new(tags: &[Arc<str>], old: Option<&Head>) -> Self {
        Self {
            state: Mutex::new(State::new(None, NOT_BEGUN)),
            renewed: Mutex::new(None),
            tags: tags.into(),
            old: old.cloned(),
            led: now(),
        }
    }

    /// Whether a read that was sent after its call's own shows that the old value is gone.
    fn has_lost_its_old(&self, seen: &Seen) -> bool {
        self.old.as_ref().is_some_and(|old| seen.head != *old || matches!(seen.what, What::Nothing))
    }

    /// Whether it is this load that stands at the key.
    fn holds(&self, head: &Head) -> bool {
        self.renewed.lock().is_some() && self.state.lock().head.as_ref() == Some(head)
    }

    /// Nobody waits for the load any more: its lease is left to run out.
    fn detach(&self) {
        if let Some(renewed) = &*self.renewed.lock() {
            renewed.store(false, Ordering::Relaxed);
        }
    }
}

/// Takes its account off the list when dropped. Must outlive the load's place in the gate: a call that finds the load but
/// no account takes it for one that has not begun.
pub(crate) struct Accounted<V: CacheValue> {
    flights: Arc<Flights<V>>,
    name: Arc<str>,
    pub(crate) account: Arc<Account>,
}

impl<V: CacheValue> Drop for Accounted<V> {
    fn drop(&mut self) {
        let mut accounts = self.flights.accounts.lock();
        if let Some(of_name) = accounts.get_mut(&self.name) {
            of_name.retain(|account| !Arc::ptr_eq(account, &self.account));
            if of_name.is_empty() {
                accounts.remove(&self.name);
            }
        }
    }
}

impl<V: CacheValue> Flights<V> {
    pub(crate) fn new(gates: Arc<MemoryCache<Arc<str>, V>>) -> Arc<Self> {
        Arc::new(Self { gates, accounts: Mutex::new(HashMap::new()), known: Known::new() })
    }

    /// A load of this process begins, whose call has found an `old` value with this head that may be served on error.
    pub(crate) fn account(self: &Arc<Self>, name: &Name, old: Option<&Head>) -> Accounted<V> {
        let account = Arc::new(Account::new(name.tags(), old));
        self.accounts.lock().entry(Arc::clone(name.text())).or_default().push(Arc::clone(&account));
        Accounted { flights: Arc::clone(self), name: Arc::clone(name.text()), account }
    }

    /// Before a call asks the gate: detaches loads that it may not wait for.
    pub(crate) fn check(&self, name: &Name, start: Moment, seen: &Result<Seen, Error>) {
        let mut accounts = self.accounts.lock();
        let Some(of_name) = accounts.get(name.text()) else { return };
        if let Ok(seen) = seen
            && of_name.iter().any(|account| start > account.led && account.has_lost_its_old(seen))
        {
            self.note(name.text());
        }
        if !of_name.iter().all(|account| account.serves(start, seen)) {
            self.remove(&mut accounts, name.text());
        }
    }

    /// What a load's own reads show, its call's first one included.
    pub(crate) fn reads(&self, name: &Name, account: &Account, seen: &Seen) {
        if account.has_lost_its_old(seen) {
            self.note(name.text());
        }
    }

    /// Whether all that this process knows of was outdated before `start`: what a call that began then has found may still
    /// be served, as far as this process can tell.
    pub(crate) fn knows_nothing_against(&self, name: &Name, start: Moment) -> bool {
        let of = |text: &Arc<str>| self.place(text).load(Ordering::Acquire);
        let all = self.known.all.load(Ordering::Acquire);
        all < start && of(name.text()) < start && name.tags().iter().all(|tag| of(tag) < start)
    }

    fn place(&self, text: &str) -> &AtomicU64 {
        self.known.place(self.gates.hash_key(text))
    }

    fn note(&self, text: &str) {
        Known::note(self.place(text));
    }

    /// Whether the placeholder is that of a load of this process.
    pub(crate) fn is_ours(&self, name: &Name, head: &Head) -> bool {
        self.accounts.lock().get(name.text()).is_some_and(|of_name| of_name.iter().any(|account| account.holds(head)))
    }

    /// New calls don't find the loads of this key that are under way.
    pub(crate) fn detach(&self, name: &Name) {
        self.note(name.text());
        self.remove(&mut self.accounts.lock(), name.text());
    }

    fn remove(&self, accounts: &mut HashMap<Arc<str>, Vec<Arc<Account>>>, name: &Arc<str>) {
        for account in accounts.remove(name).unwrap_or_default() {
            account.detach();
        }
        let view = Val::new(Arc::clone(name));
        let hash = self.gates.hash(&view);
        self.gates.invalidate(&Find { hash, view: &view });
    }

    /// The same for the loads of the names that are meant.
    pub(crate) fn detach_where(&self, is_meant: impl Fn(&[u8]) -> bool) {
        // Of those who wait the names aren't known here.
        Known::note(&self.known.all);
        let mut accounts = self.accounts.lock();
        let names: Vec<Arc<str>> = accounts.keys().filter(|name| is_meant(name.as_bytes())).cloned().collect();
        for name in names {
            self.remove(&mut accounts, &name);
        }
    }

    /// The same for the loads whose values will carry one of these tags. They are few: only what is under way is looked at.
    pub(crate) fn detach_tags(&self, tags: &[Arc<str>]) {
        for tag in tags {
            self.note(tag);
        }
        let mut accounts = self.accounts.lock();
        let carries = |account: &Arc<Account>| account.tags.iter().any(|tag| tags.contains(tag));
        let of = accounts.iter().filter(|(_, of_name)| of_name.iter().any(carries));
        let names: Vec<Arc<str>> = of.map(|(name, _)| Arc::clone(name)).collect();
        for name in names {
            self.remove(&mut accounts, &name);
        }
    }

    /// One key, or all.
    pub(crate) fn detach_any(&self, name: Option<&Name>) {
        match name {
            Some(name) => self.detach(name),
            None => self.detach_all(),
        }
    }

    /// The same for all keys.
    pub(crate) fn detach_all(&self) {
        Known::note(&self.known.all);
        let mut accounts = self.accounts.lock();
        for account in accounts.drain().flat_map(|(_, of_name)| of_name) {
            account.detach();
        }
        self.gates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope;
    use super::super::keys::{Form, Prefix};
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn who_waits_is_joined_by_those_who_saw_what_it_waits_for() {
        let account = Account::new(&[], None);
        let placeholder = || envelope::placeholder(&envelope::stamp(), &[]);
        let (waited_for, other) = (placeholder(), placeholder());
        let sees = |bytes: &Vec<u8>| Ok(Seen::judge(Some(bytes.clone().into()), Vec::new()));
        let early = begins();
        assert!(account.serves(early, &sees(&other)), "nothing is read yet");
        account.reads();
        assert!(account.serves(early, &sees(&other)) && !account.serves(begins(), &sees(&waited_for)));
        // Each look, as well as the time between two of them.
        account.reads_again(&Head::of(&waited_for));
        let late = begins();
        assert!(account.serves(late, &sees(&waited_for)) && !account.serves(late, &sees(&other)));
        assert!(!account.serves(late, &Ok(Seen::nothing())));
    }

    #[test]
    fn who_cannot_read_joins_what_holds_nothing() {
        let account = Account::new(&[], None);
        let failed = || Err(Error::new(ErrorKind::TimedOut, "on purpose"));
        assert!(account.serves(begins(), &failed()), "it has not begun");
        let early = begins();
        account.reads();
        assert!(account.serves(early, &failed()));
        assert!(!account.serves(begins(), &failed()), "what it reads may be older than the call");
        account.begins(None);
        assert!(account.serves(begins(), &failed()), "it can't reach Redis either");
        assert!(!account.serves(begins(), &Err(at::pending())), "whoever could look saw what others did");
        let early = begins();
        account.begins(Some((&Head::of(&envelope::placeholder(&envelope::stamp(), &[])), Arc::default())));
        assert!(account.serves(early, &failed()) && !account.serves(begins(), &failed()));
    }

    fn flights() -> Arc<Flights<u64>> {
        Flights::new(Arc::clone(&crate::Cache::<Arc<str>, u64>::builder().capacity(0).build().handle))
    }

    fn name(key: u64) -> Name {
        Prefix::new("known", "flights", 0, Form::Json).name(&key).unwrap().tagged(vec![Arc::from(format!("tag {key}"))])
    }

    #[test]
    fn an_invalidation_is_known_to_calls_that_began_before_it_and_to_no_others() {
        let flights = flights();
        let invalidations: [&dyn Fn(); 6] = [
            &|| flights.detach(&name(1)),
            &|| flights.detach_any(Some(&name(1))),
            &|| flights.detach_any(None),
            &|| flights.detach_all(),
            &|| flights.detach_tags(name(1).tags()),
            &|| flights.detach_where(|name| name.ends_with(b"1")),
        ];
        for invalidate in invalidations {
            let before = begins();
            assert!(flights.knows_nothing_against(&name(1), before));
            invalidate();
            assert!(!flights.knows_nothing_against(&name(1), before));
            assert!(flights.knows_nothing_against(&name(1), begins()));
        }
        // One of a tag or of a key is nothing to nearly all others.
        let before = begins();
        flights.detach(&name(1));
        flights.detach_tags(name(2).tags());
        let spared = (10..1010).filter(|key| flights.knows_nothing_against(&name(*key), before)).count();
        assert!(spared > 800, "{spared}");
    }

    #[test]
    fn what_a_load_found_is_lost_where_a_later_read_shows_something_else() {
        let flights = flights();
        let entry = || envelope::entry(&envelope::stamp(), &envelope::Meta::default(), &[], None, b"1").unwrap();
        let (old, other) = (entry(), entry());
        let sees = |bytes: &Vec<u8>| Ok(Seen::judge(Some(bytes.clone().into()), Vec::new()));
        // Its nonce is gone.
        let dead = Ok(Seen::judge(Some(old.clone().into()), vec![None]));
        for (shown, lost) in [(sees(&old), false), (sees(&other), true), (dead, true), (Ok(Seen::nothing()), true)] {
            let (began, slow) = (begins(), begins());
            let accounted = flights.account(&name(1), Some(&Head::of(&old)));
            flights.check(&name(1), slow, &shown);
            assert!(flights.knows_nothing_against(&name(1), began), "that may have been read before");
            // Also by a call that waits for the load.
            flights.check(&name(1), begins(), &shown);
            assert_ne!(flights.knows_nothing_against(&name(1), began), lost);
            let again = begins();
            if let Ok(shown) = &shown {
                flights.reads(&name(1), &accounted.account, shown);
            }
            assert_ne!(flights.knows_nothing_against(&name(1), again), lost, "its own read");
        }
        let (began, ticketless) = (begins(), flights.account(&name(1), Some(&Head::of(&old))));
        ticketless.account.begins(None);
        flights.check(&name(1), begins(), &sees(&old));
        assert!(flights.knows_nothing_against(&name(1), began), "detached, and still there");
    }
}
