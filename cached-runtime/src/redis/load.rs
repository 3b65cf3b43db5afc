//! The way of a call that missed: local flight, lease, bounded wait, body, fenced fill. Must never wait without a bound,
//! never store a value whose ticket was not captured before the body began, and never run a body on the driver.
//!
//! ```text
//! read        a hit ends here
//! gate        another call of this process loads it, and may be waited for (see `flights`): wait
//! lease       base = what was seen. Won: the body. Lost: read again
//! wait        another process's placeholder: until it changes, at most the bound (`coalesce`, 10 s; 1 s inside of a body)
//! body
//! fill        base = the placeholder; whatever came between makes it change nothing
//! ```
//!
//! - Past the bound, the call takes over: it leases over the stamp that it waited for. That is what ends the wait cycle
//!   between processes (one leads a and needs b, the other leads b and needs a), which renewed leases would keep for ever.
//!   The renewal of the one that was taken over stops by itself, since its placeholder is gone.
//! - After *one* load of another process that brought nothing, the call runs its body at once, over whatever stands there
//!   by then: P processes that wait for an absent or failing value run it P times at the same time, never one after
//!   another.
//! - A placeholder of this very process that the call may not wait for (recursion, waves after a failure,
//!   `coalesce = false`) is shared: the first of its loads to end fills.
//! - A value that grew old is loaded under the lock of a renewal instead of a placeholder, and stays where it is: see
//!   [`super::windows`]. Where it is only good for errors, the call waits for another process's renewal as for a placeholder.
//! - Without the server (a read failed, its budget is spent, the breaker is open) the body runs without a ticket, and a
//!   load without a ticket doesn't fill. Calls of this process still share it.

use super::Budget;
use super::at::{is_pending, read};
use super::core::{After, Core, RemoteValue, Running, count};
use super::flights::{Account, Accounted};
use super::keys::Name;
use super::remote::{Leased, Locked, Renewal, Seen, Stored, Ticket, What};
use super::watched::{self, Renewing};
use super::windows::{self, Old, OldEntry};
use crate::error::{Error, ErrorKind};
use crate::events::What as Happened;
use crate::memory::MemoryCache;
use crate::miss::{Miss, RunAsync};
use crate::outcome::{CacheValue, Outcome, Shared, Verdict};
use crate::policy::Stage;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What keeps the gates of a process.
pub(crate) type Gates<V> = Arc<MemoryCache<Arc<str>, V>>;

/// The same call looks again this often at most, whatever the others do: then it runs its body.
const ROUNDS: u32 = 16;

/// What a guided load gives: what the function returns, and whether that is a failure.
pub struct Loaded<R> {
    ret: R,
    failed: bool,
    /// Whether it is an old value of which nobody could ask if it still stands: calls that joined can do without.
    doubtful: bool,
}

impl<R> Loaded<R> {
    fn good(ret: R) -> Self {
        Self { ret, failed: false, doubtful: false }
    }
}

/// Whether an old value is served in the place of a load that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Serves {
    No,
    /// To the call that ran the load, which knows of nothing newer.
    ItsOwnCall,
    /// To all who wait for it: it stood there after they had come.
    All,
}

/// The outcome of a function whose values the gates only pass on.
#[derive(Clone, Copy)]
pub struct Passing<O>(O);

impl<O> Passing<O> {
    pub(crate) fn new(outcome: O) -> Self {
        Self(outcome)
    }
}

impl<O: Outcome> Outcome for Passing<O> {
    type Ret = Loaded<O::Ret>;
    type Value = O::Value;

    fn judge(&self, ret: &Self::Ret) -> Verdict {
        if ret.failed || ret.doubtful { Verdict::Fail } else { Verdict::Skip }
    }

    fn value<'r>(&self, _: &'r Self::Ret) -> Option<&'r O::Value> {
        None
    }

    fn ret(&self, value: O::Value) -> Self::Ret {
        Loaded::good(self.0.ret(value))
    }

    fn share(&self, ret: &Self::Ret) -> Shared<O::Value> {
        if ret.doubtful { Shared::Nothing } else { self.0.share(&ret.ret) }
    }

    fn unshare(&self, shared: &Shared<O::Value>) -> Option<Self::Ret> {
        Some(Loaded::good(self.0.unshare(shared)?))
    }
}

/// What a call knows when it asks the gate: enough to lead, if it must.
pub(crate) struct Guide<V: 'static> {
    pub(crate) core: Arc<Core<V>>,
    pub(crate) name: Name,
    /// What its read showed.
    pub(crate) seen: Result<Seen, Error>,
    /// Whether it waits for others.
    pub(crate) coalesce: bool,
    /// Until when.
    pub(crate) deadline: Option<Instant>,
    /// Whether it loads whatever there is.
    pub(crate) anew: bool,
    /// What may be served if the load fails.
    pub(crate) old: Option<Old<V>>,
    /// The lock of a renewal, if the call was chosen for one.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) renewing: Option<Renewing>,
    pub(crate) budget: Budget,
    /// Set while it waits for another process's load.
    pub(crate) waits: Arc<AtomicBool>,
}

/// What the steps before the body end in.
enum Before {
    /// Another process's load brought a value.
    Found(Seen, Stored),
    /// A load of this value failed a moment ago: it is served without another try.
    Old(Seen, Stored),
    /// The body is to run, and may fill if there is a ticket.
    Load(Option<Ticket>),
}

/// The steps before the body, for callers of any kind. `seen` is what was last read.
struct Ahead<V: CacheValue> {
    core: Arc<Core<V>>,
    account: Arc<Account>,
    name: Name,
    seen: Result<Seen, Error>,
    coalesce: bool,
    deadline: Option<Instant>,
    anew: bool,
    budget: Budget,
    waits: Arc<AtomicBool>,
}

impl<V: CacheValue> Ahead<V> {
    async fn go(self) -> Before {
        // Why it failed is counted and logged; the function goes on without.
        self.steps().await.unwrap_or(Before::Load(None))
    }

    async fn steps(self) -> Result<Before, Error> {
        let Self { core, account, name, seen, coalesce, deadline, anew, budget, waits } = self;
        let (remote, flights) = (&core.remote, &core.flights);
        let mut seen = seen?;
        if anew {
            return Ok(Before::Load(Some(remote.refresh(&name, &seen.nonces, &budget).await?)));
        }
        let (mut another_failed, mut read_here) = (false, false);
        for _ in 0..ROUNDS {
            flights.reads(&name, &account, &seen);
            if let What::Entry(stored) = &seen.what {
                let stored = stored.clone();
                match windows::stage(&core.policy, (remote, &name), &stored) {
                    Stage::Ended => seen = seen.unreadable(),
                    // It failed a moment ago, and the old value will do. Calls may have joined this load since the call's
                    // own look, and what they may be given is no older than they are: so the look is repeated for them.
                    Stage::OnlyOnError if seen.renewal == Renewal::Failed => {
                        if read_here {
                            return Ok(Before::Old(seen, stored));
                        }
                        account.reads();
                        seen = read(&core, &name, false, &budget).await?;
                        read_here = true;
                        continue;
                    }
                    Stage::OnlyOnError => {
                        account.not_begun();
                        read_here = false;
                        match remote.lock(&name, &seen, &budget).await? {
                            Locked::Won(ticket) => return Ok(Before::Load(Some(ticket))),
                            Locked::Failed => seen = Seen { renewal: Renewal::Failed, ..seen },
                            Locked::Running if !coalesce || is_over(deadline) || flights.is_ours(&name, &seen.head) => {
                                return Ok(Before::Load(Some(remote.share(&name, &seen, &budget).await?)));
                            }
                            Locked::Running => {
                                seen = wait_renewal(&core, &account, &name, &seen, deadline).await?;
                                read_here = true;
                            }
                            Locked::Changed => {
                                account.reads();
                                seen = read(&core, &name, false, &budget).await?;
                                read_here = true;
                            }
                        }
                        continue;
                    }
                    Stage::Fresh | Stage::Refresh | Stage::StaleOk => return Ok(Before::Found(seen, stored)),
                }
            }
            if matches!(seen.what, What::Placeholder) {
                if !coalesce || another_failed || flights.is_ours(&name, &seen.head) {
                    return Ok(Before::Load(Some(remote.share(&name, &seen, &budget).await?)));
                }
                if !is_over(deadline) {
                    let waited_for = seen.head.clone();
                    waits.store(true, Ordering::Relaxed);
                    let waited = wait(&core, &account, &name, &seen, deadline).await;
                    waits.store(false, Ordering::Relaxed);
                    seen = waited?;
                    another_failed = !matches!(seen.what, What::Entry(_)) && seen.head != waited_for;
                    continue;
                }
            }
            account.not_begun();
            if let Leased::Won(ticket) = remote.lease(&name, &seen, &budget).await? {
                return Ok(Before::Load(Some(ticket)));
            }
            account.reads();
            seen = read(&core, &name, false, &budget).await?.after(&seen);
        }
        Ok(Before::Load(None))
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// Waits until something else than the placeholder that was seen stands at the key, or the time is over.
///
/// Where the server can tell of changes, it is asked to with the read itself, so nothing is missed in between. A look now
/// and then finds the placeholder of a process that died. Elsewhere the key is read again and again, at growing and
/// random intervals, by one call of each process.
///
/// Each look has the time of a call: however many there are, they take nothing from what the call may spend on its own
/// steps. What bounds the wait is its deadline.
async fn wait<V: CacheValue>(
    core: &Core<V>,
    account: &Account,
    name: &Name,
    seen: &Seen,
    deadline: Option<Instant>,
) -> Result<Seen, Error> {
    const LOOK: Duration = Duration::from_millis(400);
    const LONGEST: Duration = Duration::from_millis(25);
    let client = core.remote.client;
    let mut watch = client.watch(name.placed().as_bytes());
    let mut pause = Duration::from_millis(1);
    loop {
        account.reads_again(&seen.head);
        let now = read(core, name, watch.is_some(), &client.budget()).await?.after(seen);
        if !matches!(now.what, What::Placeholder) || now.head != seen.head || is_over(deadline) {
            return Ok(now);
        }
        let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(watch) = &mut watch {
            race(watch.changed(), client.sleep(left.min(LOOK))).await;
        } else {
            client.sleep(left.min(jittered(pause))).await;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }
}

/// Waits until another process's renewal of the entry that was seen has ended, however it ended, or the time is over.
///
/// The key is read again and again, each time with the time of a call: a renewal that fails leaves the entry as it is, and
/// of that no push tells.
async fn wait_renewal<V: CacheValue>(
    core: &Core<V>,
    account: &Account,
    name: &Name,
    seen: &Seen,
    deadline: Option<Instant>,
) -> Result<Seen, Error> {
    const LONGEST: Duration = Duration::from_millis(25);
    let mut pause = Duration::from_millis(1);
    loop {
        account.reads_again(&seen.head);
        let now = read(core, name, false, &core.remote.client.budget()).await?;
        if now.head != seen.head || now.renewal != Renewal::Running || is_over(deadline) {
            return Ok(now);
        }
        core.remote.client.sleep(jittered(pause)).await;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

/// Between half of it and the whole.
fn jittered(pause: Duration) -> Duration {
    let dice = u32::from(super::envelope::stamp()[0]);
    pause / 2 + pause * dice / 512
}

/// Until either is done.
async fn race(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    std::future::poll_fn(
        |cx| if first.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { second.as_mut().poll(cx) },
    )
    .await;
}

/// What is left to do on the server after the body. Says whether the old value, if there is one, may be served.
async fn settle<V: CacheValue>(core: Arc<Core<V>>, name: Name, ticket: Option<Ticket>, done: Done) -> Serves {
    let Done { after, old, budget } = done;
    if let (After::Fail, Some(old)) = (&after, old) {
        return fails(&core, &name, ticket, &old, &budget).await;
    }
    let Some(mut ticket) = ticket else { return Serves::No };
    // Failures are counted and logged: they are none of the caller's.
    match after {
        After::Keep(fresh) => match core.remote.fill(&mut ticket, fresh, &budget).await {
            Ok(false) => {
                count(&core.counts.fenced);
                watched::tell(&core.remote.source, Some(&name), Happened::Fenced);
            }
            Err(error) if error.kind() == ErrorKind::TooLarge => count(&core.counts.rejected),
            Ok(true) => watched::tell(&core.remote.source, Some(&name), Happened::Inserted),
            Err(_) => {}
        },
        After::Skip => drop(core.remote.outdate(ticket, &budget).await),
        After::Fail => drop(core.remote.release(ticket, &budget).await),
    }
    Serves::No
}

/// What the steps after the body are told.
struct Done {
    after: After,
    old: Option<OldEntry>,
    budget: Budget,
}

/// A load failed for which there is an old value: whether that may be served.
async fn fails<V: CacheValue>(
    core: &Core<V>,
    name: &Name,
    ticket: Option<Ticket>,
    old: &OldEntry,
    budget: &Budget,
) -> Serves {
    // Before the server is asked: what it has shown may be removed and off the list by the time that it has answered.
    let waits = is_pending(core, name);
    let seen = match ticket {
        Some(ticket) if ticket.is_renewal() => Some(core.remote.fail(ticket, old.throttle, budget).await),
        Some(ticket) => {
            drop(core.remote.release(ticket, budget).await);
            Some(core.remote.read(name, false, budget).await)
        }
        None => None,
    };
    let (stands, serves) = match seen {
        Some(Ok(seen)) => (matches!(seen.what, What::Entry(_)) && seen.head == old.head, Serves::All),
        Some(Err(_)) | None => (true, Serves::ItsOwnCall),
    };
    // What the server has just shown needs no more than that no invalidation waits to be repeated.
    let known = if serves == Serves::All { is_good } else { is_good_unasked };
    let stands = stands && !waits && known(core, name, old);
    if stands {
        count(&core.counts.stale);
        watched::tell(&core.remote.source, Some(name), Happened::StaleServed);
    }
    if stands { serves } else { Serves::No }
}

/// Whether an old value is in its time, and no invalidation of it is still to be repeated.
fn is_good<V: CacheValue>(core: &Core<V>, name: &Name, old: &OldEntry) -> bool {
    !is_pending(core, name) && core.remote.clock(name) < old.ends
}

/// Whether an old value may be served that nobody has asked the server about since the call's own look.
///
/// In this order: an invalidation that was repeated with success is known before it ceases to be pending.
pub(crate) fn is_good_unasked<V: CacheValue>(core: &Core<V>, name: &Name, old: &OldEntry) -> bool {
    is_good(core, name, old) && core.flights.knows_nothing_against(name, old.start)
}

impl<V: RemoteValue> Guide<V> {
    /// The account of the load that this call leads.
    fn account(&self) -> Accounted<V> {
        self.core.flights.account(&self.name, self.old.as_ref().map(|old| &old.entry.head))
    }

    fn ahead(&self, account: &Arc<Account>, seen: Result<Seen, Error>) -> Ahead<V> {
        Ahead {
            core: Arc::clone(&self.core),
            account: Arc::clone(account),
            name: self.name.clone(),
            seen,
            coalesce: self.coalesce,
            deadline: self.deadline,
            anew: self.anew,
            budget: self.budget.clone(),
            waits: Arc::clone(&self.waits),
        }
    }

    /// What another process's load brought, or how to go on if nobody can read it.
    fn found<O: Outcome<Value = V>>(&self, outcome: O, stored: &Stored) -> Option<Loaded<O::Ret>> {
        let value = self.core.decode(stored)?;
        count(&self.core.counts.coalesced);
        Some(Loaded::good(outcome.ret(value)))
    }

    /// Leads the load of a sync function. The account goes to the caller, since it must outlive the gate's load.
    fn run<O: Outcome<Value = V>>(
        mut self,
        outcome: O,
        body: impl FnOnce() -> O::Ret,
        accounted: &mut Option<Accounted<V>>,
    ) -> Loaded<O::Ret> {
        let account = Arc::clone(&accounted.insert(self.account()).account);
        let client = self.core.remote.client;
        let mut seen = self.seen.clone();
        let lock = self.ticket.take();
        let ticket = if lock.is_some() {
            lock
        } else {
            loop {
                match client.block_on(self.ahead(&account, seen).go()) {
                    Before::Load(ticket) => break ticket,
                    Before::Found(read, stored) => match self.found(outcome, &stored) {
                        Some(loaded) => return loaded,
                        None => seen = Ok(read.unreadable()),
                    },
                    Before::Old(read, stored) => match self.spare(outcome, &stored) {
                        Some(loaded) => return loaded,
                        None => seen = Ok(read.unreadable()),
                    },
                }
            }
        };
        account.begins(ticket.as_ref().map(Ticket::held));
        let running = Running::new(&self.core.counts, Instant::now());
        let ret = body();
        let after = self.core.after(outcome, &ret, running.took(), self.old.is_some());
        let failed = matches!(after, After::Fail);
        self.ends(&after);
        let settles = ticket.is_some() || self.old.is_some();
        let serves = if settles { client.block_on(self.settling(ticket, after)) } else { Serves::No };
        self.renewing = None;
        self.settled(outcome, serves).unwrap_or(Loaded { ret, failed, doubtful: false })
    }

    /// The old value, if that is served.
    fn settled<O: Outcome<Value = V>>(&mut self, outcome: O, serves: Serves) -> Option<Loaded<O::Ret>> {
        let old = self.old.take().filter(|_| serves != Serves::No)?;
        Some(Loaded { ret: outcome.ret(old.value), failed: false, doubtful: serves == Serves::ItsOwnCall })
    }

    /// The body has returned.
    fn ends(&mut self, after: &After) {
        if let Some(renewing) = &mut self.renewing {
            renewing.ended = Some(after.load_end());
        }
    }

    /// Whether the old value is past its time to live.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_past(&self) -> bool {
        let Ok(Seen { what: What::Entry(stored), .. }) = &self.seen else { return false };
        windows::is_past(&self.core.policy, (&self.core.remote, &self.name), stored)
    }

    fn settling(&self, ticket: Option<Ticket>, after: After) -> impl Future<Output = Serves> + Send + use<V> {
        let old = self.old.as_ref().map(|old| old.entry.clone());
        let done = Done { after, old, budget: self.budget.clone() };
        settle(Arc::clone(&self.core), self.name.clone(), ticket, done)
    }

    /// An old value that is served without another try.
    fn spare<O: Outcome<Value = V>>(&self, outcome: O, stored: &Stored) -> Option<Loaded<O::Ret>> {
        let value = self.core.decode(stored)?;
        count(&self.core.counts.stale);
        watched::tell(&self.core.remote.source, Some(&self.name), Happened::StaleServed);
        Some(Loaded::good(outcome.ret(value)))
    }
}

type Going = Pin<Box<dyn Future<Output = Before> + Send>>;
type Settling = Pin<Box<dyn Future<Output = Serves> + Send>>;

/// How far a guided async load has come.
enum State<R> {
    New,
    Ahead(Going, Arc<Account>),
    Body(Option<Ticket>, Instant),
    Settling(Settling, Option<Loaded<R>>),
}

impl<R> State<R> {
    /// The steps before the body, from what was `seen` on.
    fn ahead<V: RemoteValue>(guide: &Guide<V>, account: Arc<Account>, seen: Result<Seen, Error>) -> Self {
        Self::Ahead(Box::pin(guide.ahead(&account, seen).go()), account)
    }
}

pin_project! {
    /// The load of an async function, led by this call. What goes over the network is boxed, the body is not.
    pub struct Guided<O, F>
    where
        O: Outcome,
        O::Value: RemoteValue,
    {
        guide: Box<Guide<O::Value>>,
        outcome: O,
        state: State<O::Ret>,
        // Dropped with the whole, which is after the gate's load has ended.
        accounted: Option<Accounted<O::Value>>,
        #[pin]
        body: F,
    }
}

impl<O, F> Future for Guided<O, F>
where
    O: Outcome,
    O::Value: RemoteValue,
    F: Future<Output = O::Ret>,
{
    type Output = Loaded<O::Ret>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Loaded<O::Ret>> {
        let mut this = self.project();
        let (guide, outcome) = (&mut **this.guide, *this.outcome);
        loop {
            match &mut *this.state {
                State::New => {
                    let account = Arc::clone(&this.accounted.insert(guide.account()).account);
                    if let Some(ticket) = guide.ticket.take() {
                        account.begins(Some(ticket.held()));
                        *this.state = State::Body(Some(ticket), Instant::now());
                        continue;
                    }
                    *this.state = State::ahead(guide, account, guide.seen.clone());
                }
                State::Ahead(ahead, account) => match ready!(ahead.as_mut().poll(cx)) {
                    Before::Load(ticket) => {
                        account.begins(ticket.as_ref().map(Ticket::held));
                        *this.state = State::Body(ticket, Instant::now());
                    }
                    Before::Found(read, stored) => match guide.found(outcome, &stored) {
                        None => *this.state = State::ahead(guide, Arc::clone(account), Ok(read.unreadable())),
                        Some(loaded) => return Poll::Ready(loaded),
                    },
                    Before::Old(read, stored) => match guide.spare(outcome, &stored) {
                        None => *this.state = State::ahead(guide, Arc::clone(account), Ok(read.unreadable())),
                        Some(loaded) => return Poll::Ready(loaded),
                    },
                },
                State::Body(ticket, since) => {
                    let running = Running::new(&guide.core.counts, *since);
                    let polled = this.body.as_mut().poll(cx);
                    let took = running.took();
                    let ret = ready!(polled);
                    let after = guide.core.after(outcome, &ret, took, guide.old.is_some());
                    let loaded = Loaded { failed: matches!(after, After::Fail), ret, doubtful: false };
                    guide.ends(&after);
                    let ticket = ticket.take();
                    if ticket.is_none() && guide.old.is_none() {
                        return Poll::Ready(loaded);
                    }
                    let settling = guide.settling(ticket, after);
                    *this.state = State::Settling(Box::pin(settling), Some(loaded));
                }
                State::Settling(settling, loaded) => {
                    let serves = ready!(settling.as_mut().poll(cx));
                    guide.renewing = None;
                    if let Some(old) = guide.settled(outcome, serves) {
                        return Poll::Ready(old);
                    }
                    return loaded.take().map_or(Poll::Pending, Poll::Ready);
                }
            }
        }
    }
}

/// A call that missed: [`run`](Self::run) it, or [`run_async`](Self::run_async).
pub struct RemoteMiss<O: Outcome>(pub(crate) How<O>)
where
    O::Value: RemoteValue;

/// How a call that missed goes on.
pub(crate) enum How<O: Outcome>
where
    O::Value: RemoteValue,
{
    /// Without the cache: its key has no text.
    Past(Arc<Core<O::Value>>),
    Guarded {
        miss: Miss<Arc<str>, Passing<O>, Gates<O::Value>>,
        guide: Box<Guide<O::Value>>,
        outcome: O,
    },
}

impl<O: Outcome> RemoteMiss<O>
where
    O::Value: RemoteValue,
{
    /// For a call of many ids: whether it waits for a load of this process, the ticket of the one that it leads, and what
    /// is set while it waits for one of another process.
    pub(crate) fn state(&self) -> (bool, Option<u64>, Arc<AtomicBool>) {
        match &self.0 {
            How::Past(_) => (false, None, Arc::default()),
            How::Guarded { miss, guide, .. } => (miss.joins(), miss.ticket(), Arc::clone(&guide.waits)),
        }
    }

    /// Whether there is an old value to fall back on.
    pub(crate) fn has_old(&self) -> bool {
        matches!(&self.0, How::Guarded { guide, .. } if guide.old.is_some())
    }

    /// Runs the body, or waits for the call that does.
    pub fn run(self, body: impl FnOnce() -> O::Ret) -> O::Ret {
        match self.0 {
            How::Past(core) => {
                count(&core.counts.bypassed);
                body()
            }
            How::Guarded { miss, guide, outcome } => {
                let mut accounted = None;
                // After the account, so that a panic of the body ends the load before it.
                let mut miss = miss;
                miss.run(|| guide.run(outcome, body, &mut accounted)).ret
            }
        }
    }

    /// The same for an async function. Where another call's load answers, the body's future is dropped unpolled.
    pub fn run_async<F: Future<Output = O::Ret>>(self, body: F) -> RunRemote<O, F> {
        match self.0 {
            How::Past(core) => {
                count(&core.counts.bypassed);
                RunRemote::Past { body }
            }
            How::Guarded { miss, guide, outcome } => {
                let guided = Guided { guide, outcome, state: State::New, accounted: None, body };
                RunRemote::Guarded { run: miss.run_async(guided) }
            }
        }
    }
}

pin_project! {
    /// The future of [`RemoteMiss::run_async`].
    #[project = RunRemoteProjection]
    #[must_use = "futures do nothing unless they are awaited"]
    pub enum RunRemote<O, F>
    where
        O: Outcome,
        O::Value: RemoteValue,
    {
        Past { #[pin] body: F },
        Guarded { #[pin] run: RunAsync<Arc<str>, Passing<O>, O::Value, Gates<O::Value>, Guided<O, F>> },
    }
}

impl<O, F> Future for RunRemote<O, F>
where
    O: Outcome,
    O::Value: RemoteValue,
    F: Future<Output = O::Ret>,
{
    type Output = O::Ret;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Ret> {
        match self.project() {
            RunRemoteProjection::Past { body } => body.poll(cx),
            RunRemoteProjection::Guarded { run } => run.poll(cx).map(|loaded| loaded.ret),
        }
    }
}

/// When a wait for other processes must end.
pub(crate) fn deadline(bound: Option<Duration>, inside: bool) -> Option<Instant> {
    const INSIDE: Duration = Duration::from_secs(1);
    let bound = bound.unwrap_or_default();
    // Inside of a load others wait for this call in turn.
    Instant::now().checked_add(if inside { bound.min(INSIDE) } else { bound })
}
