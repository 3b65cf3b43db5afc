//! One entry in Redis, and what can be asked of it: the way in for a call and for the companions. Must never hold a
//! user's reference across an await: keys become text before anything is sent.

use super::Budget;
use super::core::{Core, RemoteKey, RemoteValue, count};
use super::flights::{self, Moment};
use super::keys::Name;
use super::load::{self, Guide, How, Passing, RemoteMiss};
use super::remote::{Locked, Renewal, Seen, Ticket, What};
use super::watched::{self, Renewing};
use super::windows::{self, Old, OldEntry};
use super::{groups, retry, tags};
use crate::acting::Acting;
use crate::at::{At, Lookup};
use crate::builder::Coalesce;
use crate::error::{Error, ErrorKind};
use crate::events::What as Happened;
use crate::key::{Val, View};
use crate::leading::Leading;
use crate::memory::entry::Find;
use crate::memory::gate::{Ask, Purpose};
use crate::memory::shard::Begun;
use crate::miss::{Joining, Miss, Turn};
use crate::outcome::{CacheValue, KeptBy, Outcome};
use crate::policy::Stage;
use crate::scope::{Found as Saw, Mode};
use crate::stack;
use crate::store::{Engine, Home, Redis};
use crate::tags::Tags;
use crate::watched::is_past;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A call, from here on without anything of the user's but what tells how its value is kept.
pub(crate) struct Call<O: Outcome> {
    pub(crate) core: Arc<Core<O::Value>>,
    pub(crate) name: Name,
    pub(crate) outcome: O,
    coalesce: Coalesce,
    /// When it began: see [`flights`].
    start: Moment,
    deadline: Option<Instant>,
    /// Made when it is first needed: of many calls that read together, the first one's does for all.
    budget: OnceLock<Budget>,
}

/// Whether what stands at a key is known to be outdated: its invalidation, that of a tag, or one by a pattern is still to be
/// repeated.
pub(crate) fn is_pending<V: CacheValue>(core: &Core<V>, name: &Name) -> bool {
    if core.queue.len() != 0 {
        retry::tend(retry::Keys::new(&core.queue, &core.remote, &core.flights));
    }
    let client = core.remote.client;
    core.queue.is_pending(name) || tags::is_pending(client, name) || groups::is_pending(client, name)
}

/// What the server has; a key whose invalidation is pending has nothing that counts.
///
/// Whether it is pending is asked first: by the time that it no longer is, the server has nothing of it.
pub(crate) async fn read<V: CacheValue>(
    core: &Core<V>,
    name: &Name,
    tracked: bool,
    budget: &Budget,
) -> Result<Seen, Error> {
    let pending = is_pending(core, name);
    // It is read all the same: who can't reach Redis may wait for loads that can't either, and nobody else may.
    let seen = core.remote.read(name, tracked, budget).await?;
    if pending { Err(self::pending()) } else { Ok(seen) }
}

/// Why a read counts for nothing: what stands there is outdated.
const PENDING: &str = "its invalidation is still to be repeated";

pub(crate) fn pending() -> Error {
    Error::new(ErrorKind::Unreachable, PENDING)
}

/// Whether the server gave an answer, which only counts for nothing.
pub(crate) fn has_reached(seen: &Result<Seen, Error>) -> bool {
    seen.as_ref().map_or_else(|error| &**error.cause() == PENDING, |_| true)
}

/// A renewal that a call was chosen for.
type Renews = (Ticket, Renewing);

/// What a look-up gives.
pub(crate) type Found<O> = Lookup<<O as Outcome>::Ret, RemoteMiss<O>>;

impl<O: Outcome> Call<O>
where
    O::Value: RemoteValue,
{
    /// The same for a call that may load: where the value has grown old, it asks to be the one that renews it.
    async fn look(core: &Core<O::Value>, name: &Name, budget: &Budget) -> Result<(Seen, Option<Ticket>), Error> {
        let seen = read(core, name, false, budget).await?;
        let ticket = if Self::is_due(core, name, &seen) {
            Box::pin(Self::chosen(core, name, &seen, budget)).await
        } else {
            None
        };
        Ok((seen, ticket))
    }

    /// Whether what was seen wants to be renewed while it is served.
    fn is_due(core: &Core<O::Value>, name: &Name, seen: &Seen) -> bool {
        let (What::Entry(stored), Renewal::None) = (&seen.what, seen.renewal) else { return false };
        matches!(windows::stage(&core.policy, (&core.remote, name), stored), Stage::Refresh | Stage::StaleOk)
    }

    /// Asks to be the one that renews it. Whoever can't ask is not chosen; why is counted.
    async fn chosen(core: &Core<O::Value>, name: &Name, seen: &Seen, budget: &Budget) -> Option<Ticket> {
        match core.remote.lock(name, seen, budget).await {
            Ok(Locked::Won(lock)) => Some(lock),
            _ => None,
        }
    }

    /// The same for one key of many that were read together.
    pub(crate) fn renewing<'s>(
        &'s self,
        seen: &'s Seen,
    ) -> Option<impl Future<Output = Option<Ticket>> + Send + use<'s, O>> {
        Self::is_due(&self.core, &self.name, seen).then(|| Self::chosen(&self.core, &self.name, seen, self.budget()))
    }

    /// What the call may spend.
    pub(crate) fn budget(&self) -> &Budget {
        self.budget.get_or_init(|| self.core.remote.client.budget())
    }

    /// The same call with another way to look at what is returned.
    pub(crate) fn through<P: Outcome<Value = O::Value>>(self, outcome: impl FnOnce(O) -> P) -> Call<P> {
        let Self { core, name, outcome: was, coalesce, start, deadline, budget } = self;
        Call { core, name, outcome: outcome(was), coalesce, start, deadline, budget }
    }

    // Of the call's parts, not of itself: what tells how a value is kept need not be `Sync`.
    fn looking(&self) -> impl Future<Output = Result<(Seen, Option<Ticket>), Error>> + Send + use<'_, O> {
        Self::look(&self.core, &self.name, self.budget())
    }

    fn reading(&self) -> impl Future<Output = Result<Seen, Error>> + Send + use<'_, O> {
        read(&self.core, &self.name, false, self.budget())
    }

    /// The value, if there is one that can be read.
    fn hit(&self, seen: &Result<Seen, Error>) -> Option<O::Value> {
        match seen {
            Ok(Seen { what: What::Entry(stored), .. }) => {
                let (policy, remote) = (&self.core.policy, &self.core.remote);
                let at_once = windows::stage(policy, (remote, &self.name), stored).is_served_at_once();
                at_once.then(|| self.core.decode(stored)).flatten()
            }
            _ => None,
        }
    }

    /// The value of an entry that is not served at once, for the case that the load fails.
    fn old(&self, seen: &Result<Seen, Error>) -> Option<Old<O::Value>> {
        let Ok(Seen { head, what: What::Entry(stored), .. }) = seen else { return None };
        let (ends, throttle) = windows::times(&self.core.policy, stored)?;
        let value = if self.core.remote.clock(&self.name) < ends { self.core.decode(stored)? } else { return None };
        Some(Old { value, entry: OldEntry { head: head.clone(), start: self.start, ends, throttle } })
    }

    /// The value that was seen was read: where entries end when nobody does, this one lives on.
    fn touch(&self, seen: &Result<Seen, Error>) {
        if let Ok(Seen { head, what: What::Entry(stored), .. }) = seen {
            self.core.remote.touch(&self.name, head, &stored.meta);
        }
    }

    /// Counts a hit, which may be one past the ttl.
    fn count_hit(&self, seen: &Result<Seen, Error>) {
        self.touch(seen);
        count(&self.core.counts.hits);
        if let Ok(Seen { what: What::Entry(stored), .. }) = seen
            && windows::is_past(&self.core.policy, (&self.core.remote, &self.name), stored)
        {
            count(&self.core.counts.stale);
            self.looked(Saw::Stale);
            watched::tell(&self.core.remote.source, Some(&self.name), Happened::StaleServed);
        } else {
            self.looked(Saw::Hit);
        }
    }

    pub(crate) fn looked(&self, found: Saw) {
        watched::looked(&self.core.remote.source, &self.name, found);
    }

    /// What a call does without a read, in a scope that wants it so.
    fn scoped(self, asynchronous: bool) -> ControlFlow<RemoteMiss<O>, Self> {
        match watched::mode(&self.core.remote.source, &self.name) {
            Mode::Usual => ControlFlow::Continue(self),
            Mode::Bypass => ControlFlow::Break(self.past()),
            Mode::Fresh => ControlFlow::Break(self.anew(asynchronous)),
        }
    }

    /// A call that goes past the cache.
    pub(crate) fn past(self) -> RemoteMiss<O> {
        RemoteMiss(How::Past(self.core))
    }

    /// A load whatever there is. It reads nothing: what it replaces is the server's to see.
    pub(crate) fn anew(self, asynchronous: bool) -> RemoteMiss<O> {
        count(&self.core.counts.misses);
        self.miss(Ok(Seen::nothing()), asynchronous, Purpose::Anew, (None, None))
    }

    /// What `get` gives after its read.
    pub(crate) fn got(&self, seen: &Result<Seen, Error>) -> Option<O::Ret> {
        let hit = self.hit(seen);
        if hit.is_some() {
            self.count_hit(seen);
        } else {
            count(&self.core.counts.misses);
            self.looked(Saw::Miss);
        }
        hit.map(|value| self.outcome.ret(value))
    }

    /// What the call does after its look.
    pub(crate) fn found(self, seen: Result<(Seen, Option<Ticket>), Error>, asynchronous: bool) -> Found<O> {
        let (seen, ticket) = match seen {
            Ok((seen, ticket)) => (Ok(seen), ticket),
            Err(error) => (Err(error), None),
        };
        if ticket.is_some() {
            if let Some(old) = self.old(&seen) {
                self.touch(&seen);
                count(&self.core.counts.hits);
                count(&self.core.counts.refreshes);
                self.looked(Saw::Hit);
                let renewal = ticket.map(|lock| (lock, Renewing::begin(&self.core.remote.source, &self.name)));
                return Lookup::Miss(self.miss(seen, asynchronous, Purpose::Call, (Some(old), renewal)));
            }
        } else if let Some(value) = self.hit(&seen) {
            self.count_hit(&seen);
            return Lookup::Hit(self.outcome.ret(value));
        }
        count(&self.core.counts.misses);
        self.looked(Saw::Miss);
        let old = self.old(&seen);
        if old.is_some() {
            // Calls whose loads fail are served it.
            self.touch(&seen);
        }
        // An entry that is neither a hit nor good for errors is one that has ended or can't be read.
        let is_lost = |seen: &Seen| matches!(seen.what, What::Entry(_)) && old.is_none();
        let seen = seen.map(|seen| if is_lost(&seen) { seen.unreadable() } else { seen });
        Lookup::Miss(self.miss(seen, asynchronous, Purpose::Call, (old, None)))
    }

    fn miss(
        self,
        seen: Result<Seen, Error>,
        asynchronous: bool,
        purpose: Purpose,
        (old, renewal): (Option<Old<O::Value>>, Option<Renews>),
    ) -> RemoteMiss<O> {
        let Self { core, name, outcome, coalesce, start, deadline, budget } = self;
        let budget = budget.into_inner().unwrap_or_else(|| core.remote.client.budget());
        let (ticket, renewing) = renewal.unzip();
        // A renewal has its lock: it waits for nobody.
        let purpose = if ticket.is_some() { Purpose::Anew } else { purpose };
        let anew = purpose == Purpose::Anew && ticket.is_none();
        if purpose == Purpose::Call {
            core.flights.check(&name, start, &seen);
        }
        let gates = Arc::clone(&core.flights.gates);
        let view = Val::new(Arc::clone(name.text()));
        let hash = gates.hash(&view);
        let coalesces = coalesce.0.is_some();
        let ask = || Ask { purpose, coalesce: coalesces, asynchronous, ..Ask::default() };
        let find = Find { hash, view: &view };
        let begun = if purpose == Purpose::Anew {
            gates.anew(&find, || view.own(), &ask())
        } else {
            gates.look(&find, purpose, || view.own(), ask)
        };
        let home = Home::Own(gates);
        let turn = match begun {
            Some(Begun::Hit(value) | Begun::Aged(value)) => Turn::Hit(value),
            Some(Begun::Lead(lead)) => Turn::Lead(Leading::new(home, hash, lead, None)),
            // The gates keep no entries, so there are no old ones.
            Some(Begun::Stale(lead, old)) => Turn::Lead(Leading::new(home, hash, lead, Some(old))),
            Some(Begun::Join(flight)) => Turn::Join(Joining::new(home, (hash, view.own(), Tags::default()), flight)),
            None => Turn::Past(home),
        };
        let miss = Miss::new(Passing::new(outcome), turn, coalesce);
        let waits = Arc::default();
        let guide =
            Guide { core, name, seen, coalesce: coalesces, deadline, anew, old, ticket, renewing, budget, waits };
        let guide = Box::new(guide);
        RemoteMiss(How::Guarded { miss, guide, outcome })
    }
}

/// A call, or one whose key has no text, which goes past the cache.
pub(crate) type Begins<O> = Result<Call<O>, Arc<Core<<O as Outcome>::Value>>>;

/// A call of async code before its read: the key is text already.
pub struct Asked<O: Outcome>(pub(crate) Begins<O>);

impl<O: Outcome> Asked<O>
where
    O::Value: RemoteValue,
{
    /// As [`At::lookup_async`].
    pub async fn lookup(self) -> Found<O> {
        match self.0 {
            Err(core) => Lookup::Miss(RemoteMiss(How::Past(core))),
            Ok(call) => match call.scoped(true) {
                ControlFlow::Break(miss) => Lookup::Miss(miss),
                ControlFlow::Continue(call) => {
                    let seen = call.looking().await;
                    call.found(seen, true)
                }
            },
        }
    }

    /// As [`At::get_async`].
    pub async fn get(self) -> Option<O::Ret> {
        let call = self.0.ok().filter(|_| !is_past())?;
        let seen = call.reading().await;
        call.got(&seen)
    }

    /// As [`At::contains_async`].
    pub async fn contains(self) -> bool {
        let Ok(call) = self.0 else { return false };
        if is_past() {
            return false;
        }
        let seen = call.reading().await;
        call.hit(&seen).is_some()
    }
}

impl<P, O> At<'_, P, O, Redis>
where
    P: View<Owned: RemoteKey>,
    O: Outcome<Value: RemoteValue>,
{
    pub(crate) fn core(&self) -> &Arc<Core<O::Value>> {
        &self.cache.handle
    }

    /// The name of the entry alone: enough for an invalidation.
    pub(crate) fn bare_name(&self) -> Result<Name, Error> {
        self.cache.handle.name(&self.view)
    }

    /// The name, with the tags that the entry carries.
    pub(crate) fn name(&self) -> Result<Name, Error> {
        tags::carried(&self.core().remote, self.bare_name()?, &self.tags)
    }

    fn call(self) -> Begins<O> {
        let core = Arc::clone(self.core());
        let Ok(name) = self.name() else { return Err(core) };
        let coalesce = self.coalesce.unwrap_or(core.coalesce);
        let deadline = load::deadline(coalesce.0, stack::is_inside_any());
        Ok(Call {
            core,
            name,
            outcome: self.outcome,
            coalesce,
            start: flights::begins(),
            deadline,
            budget: OnceLock::new(),
        })
    }

    /// Whether and how long this function's calls wait, whatever the cache says.
    #[must_use]
    pub fn coalesce(mut self, coalesce: impl Into<Coalesce>) -> Self {
        self.coalesce = Some(coalesce.into());
        self
    }

    /// A call of a sync function.
    pub fn lookup(self) -> Found<O> {
        match self.call() {
            Err(core) => Lookup::Miss(RemoteMiss(How::Past(core))),
            Ok(call) => match call.scoped(false) {
                ControlFlow::Break(miss) => Lookup::Miss(miss),
                ControlFlow::Continue(call) => {
                    let seen = call.core.remote.client.block_on(call.looking());
                    call.found(seen, false)
                }
            },
        }
    }

    /// A call of an async function.
    pub fn lookup_async(self) -> impl Future<Output = Found<O>> + use<P, O> {
        self.ask().lookup()
    }

    /// A call of an async function, or a look of async code, that holds nothing of the caller's any more.
    pub fn ask(self) -> Asked<O> {
        Asked(self.call())
    }

    /// A load whatever there is (`refresh`) of a sync function.
    pub fn miss(self) -> RemoteMiss<O> {
        self.anew(false)
    }

    /// A load whatever there is (`refresh`) of an async function.
    pub fn miss_async(self) -> RemoteMiss<O> {
        self.anew(true)
    }

    fn anew(self, asynchronous: bool) -> RemoteMiss<O> {
        match self.call() {
            Err(core) => RemoteMiss(How::Past(core)),
            Ok(call) => call.anew(asynchronous),
        }
    }

    /// The entry, if there is one and the server can be reached; never loads. Counts as a hit or a miss.
    pub fn get(self) -> Option<O::Ret> {
        let call = self.call().ok().filter(|_| !is_past())?;
        let seen = call.core.remote.client.block_on(call.reading());
        call.got(&seen)
    }

    /// As [`get`](Self::get), for async code.
    pub fn get_async(self) -> impl Future<Output = Option<O::Ret>> + use<P, O> {
        self.ask().get()
    }

    /// Whether there is an entry that can be read; not a read.
    pub fn contains(self) -> bool {
        let Ok(call) = self.call() else { return false };
        if is_past() {
            return false;
        }
        let seen = call.core.remote.client.block_on(call.reading());
        call.hit(&seen).is_some()
    }

    /// As [`contains`](Self::contains), for async code.
    pub fn contains_async(self) -> impl Future<Output = bool> + use<P, O> {
        self.ask().contains()
    }

    /// Stores a value; one that the function would not keep removes what is there.
    ///
    /// # Errors
    ///
    /// What kept the server from it; it is tried again as an invalidation.
    pub fn set<T: KeptBy<O::Ret>>(self, value: &T) -> Result<(), Error> {
        self.set_async(value).wait()
    }

    /// As [`set`](Self::set), for async code.
    pub fn set_async<T: KeptBy<O::Ret>>(self, value: &T) -> Acting {
        match self.name() {
            Ok(name) => self.core().set(name, self.outcome, &value.to_ret(), None),
            Err(error) => Acting::failed(error),
        }
    }

    /// Forgets the entry; loads of it that are under way, in any process, are not stored and not joined any more.
    ///
    /// # Errors
    ///
    /// What kept the server from it; it is tried again.
    pub fn invalidate(self) -> Result<(), Error> {
        self.invalidate_async().wait()
    }

    /// As [`invalidate`](Self::invalidate), for async code.
    pub fn invalidate_async(self) -> Acting {
        match self.bare_name() {
            Ok(name) => self.core().invalidate(name),
            Err(error) => Acting::failed(error),
        }
    }

    /// Counts a call that goes past the cache (`bypass_if`).
    pub fn bypass(self) {
        count(&self.core().counts.bypassed);
    }
}
