//! The steps of the protocol that talk to the server, each one round trip (two where the server lost something): read,
//! lease, fill, release, refresh. Must never know a value's type, run a body, or wait for anything but the server.

use super::bare::Bare;
use super::config::Settings;
use super::envelope::{self, Content, HEAD, Head, Meta, Nonce, Stamp};
use super::idle::Idle;
use super::keys::{Form, Name, Prefix};
use super::nonces;
use super::scripts::{self, Call};
use super::text::NoText;
use super::wire::bytes;
use super::{Budget, Client, Kind};
use crate::error::{Error, ErrorKind, Refusal};
use crate::policy::Policy;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use redis::{Cmd, Pipeline, Value};
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// How long a placeholder lives that nobody renews: after this the load of a process that died is taken over.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How often a load that goes on renews its placeholder: twice before it would end, and no more, since everybody who
/// waits for it is told of each renewal.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// How long the ticket of a writer lives that nobody prolongs: after this one that died contests nothing any more.
const TICKET_LIFE: Duration = Duration::from_mins(1);
/// How often the ticket of a writer that goes on is prolonged.
const KEEP_EVERY: Duration = Duration::from_secs(20);
/// So often at most: a writer that takes ten minutes, or was leaked, is one that only invalidates.
const KEEP_TIMES: u32 = 30;

/// One function's entries on one server, as bytes.
pub(crate) struct Remote {
    pub(crate) client: Client,
    pub(crate) cache: Arc<str>,
    version: u32,
    form: Form,
    /// How long its entries are there at most; `None`: without an end.
    lasts: Option<Duration>,
    /// Whether its entries are renewed, so that a read looks whether somebody does.
    renews: bool,
    /// Those whose reads keep them, where entries end when nobody reads them.
    pub(crate) idle: Option<Idle>,
    /// What the names begin with, for the namespace that was configured when it was last looked at.
    prefix: ArcSwapOption<(Arc<str>, Prefix)>,
    /// Operations that failed.
    pub(crate) errors: AtomicU64,
    /// As those who watch know it.
    pub(crate) source: Arc<crate::hooks::Source>,
}

/// What a read showed.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What stands at the key, whatever it is.
    pub(crate) head: Head,
    pub(crate) what: What,
    /// Whether it is being renewed.
    pub(crate) renewal: Renewal,
    /// The nonces that it should carry, in the order of [`Name::nonces`]; `None` for one that is missing.
    pub(crate) nonces: Vec<Option<Nonce>>,
    /// Of a bare entry: see [`Bare`].
    pub(crate) bare: Option<Box<Bare>>,
}

/// Whether an entry is being renewed, as far as a read of it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Nobody renews it, or it was not asked.
    None,
    /// Somebody does.
    Running,
    /// Somebody tried a moment ago.
    Failed,
}

/// What stands under a key's `:refresh` for a moment after a renewal has failed. A token has another length.
const FAILED: &[u8] = b"failed";

impl Renewal {
    fn of(value: Option<&[u8]>) -> Self {
        match value {
            None => Self::None,
            Some(FAILED) => Self::Failed,
            Some(_) => Self::Running,
        }
    }
}

/// What stands at a key, as far as a caller may use it.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Nothing, or nothing that counts: dead, damaged, foreign.
    Nothing,
    /// A load is under way.
    Placeholder,
    /// A value.
    Entry(Stored),
}

/// An entry as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) meta: Meta,
    payload: Bytes,
}

impl Stored {
    /// A bare entry: no more than its JSON.
    pub(crate) fn bare(payload: Bytes) -> Self {
        let meta = Meta { codec: super::codec::Codec::Json.id(), ..Meta::default() };
        Self { meta, payload }
    }

    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }
}

impl Seen {
    /// The same, after it turned out that the entry can't be decoded: a miss that is replaced over its stamp.
    pub(crate) fn unreadable(self) -> Self {
        match self.bare {
            Some(bare) => bare.unreadable(self.head),
            None => Self { what: What::Nothing, ..self },
        }
    }

    /// Nothing was read.
    pub(crate) fn nothing() -> Self {
        Self { head: Head::default(), what: What::Nothing, renewal: Renewal::None, nonces: Vec::new(), bare: None }
    }

    /// What stands at a key is live iff its nonces are there and equal: a `clear` removes the generation's and an
    /// `invalidate_tag` the tag's, the next load makes a new one, and everything that carries the old one is dead, loads
    /// under way included. A lost nonce (evicted, expired) is no worse: more misses.
    pub(crate) fn judge(value: Option<Bytes>, nonces: Vec<Option<Nonce>>) -> Self {
        let Some(bytes) = value else {
            return Self { head: Head::default(), what: What::Nothing, renewal: Renewal::None, nonces, bare: None };
        };
        let head = Head::of(&bytes);
        let live = |carried: &[Nonce]| carried.iter().copied().map(Some).eq(nonces.iter().copied());
        let what = match envelope::read(&bytes) {
            Some(Content::Placeholder { nonces }) if live(nonces) => What::Placeholder,
            Some(Content::Entry { meta, nonces, payload }) if live(nonces) => {
                What::Entry(Stored { meta, payload: bytes.slice(payload) })
            }
            _ => What::Nothing,
        };
        Self { head, what, renewal: Renewal::None, nonces, bare: None }
    }
}

/// What a load holds while its body runs, and gives back however it ends.
///
/// Dropped before it is settled (a panic, a cancelled future, a fill that failed), it removes its placeholder, so that
/// others need not wait for the lease to run out. The removal is handed to the driver: a drop can't wait.
pub(crate) struct Ticket {
    remote: Arc<Remote>,
    name: Name,
    head: Head,
    nonces: Vec<Nonce>,
    /// The server's clock when the lease was taken, and ours: what is created later is dated by the difference, so that
    /// no two clocks are ever compared.
    clock: (Option<u64>, Instant),
    /// What this load holds, and is still to be removed if the load brings nothing: its placeholder, or the lock of a
    /// renewal.
    own: Option<Box<Own>>,
    /// Whether that is to be prolonged.
    renewed: Arc<AtomicBool>,
}

/// What a load holds at the server: the key, and what stands there while it is still this load's.
#[derive(Clone)]
struct Own {
    key: Arc<str>,
    head: Head,
    /// Whether it is the lock of a renewal.
    lock: bool,
}

impl Ticket {
    /// Whether it is a renewal, whose old value stays where it is.
    pub(crate) fn is_renewal(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.lock)
    }

    /// What its fill is over, and what prolongs it while it is true: to be cleared when nobody waits for this load any more.
    pub(crate) fn held(&self) -> (&Head, Arc<AtomicBool>) {
        (&self.head, Arc::clone(&self.renewed))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.renewed.store(false, Ordering::Relaxed);
        if let Some(own) = self.own.take() {
            let (remote, name) = (Arc::clone(&self.remote), self.name.clone());
            self.remote.client.spawn(async move {
                let budget = remote.client.budget();
                let _ = remote.release_head(&name, &own.key, &own.head, &budget).await;
            });
        }
    }
}

/// What a writer holds between the moment before it changes anything and its commit.
pub(crate) struct WriteTicket {
    token: Stamp,
    /// What the nonces were when it was taken: a clear after that is newer than the write.
    nonces: Vec<Nonce>,
}

/// A writer's value on its way.
pub(crate) struct Commit {
    call: Call,
    short: Pipeline,
}

/// How a lease went.
pub(crate) enum Leased {
    /// The body may run.
    Won(Ticket),
    /// Something else stands there by now: read again.
    Lost,
}

/// How asking for the lock of a renewal went.
pub(crate) enum Locked {
    /// The body may run; the entry is served on meanwhile.
    Won(Ticket),
    /// Somebody else renews it.
    Running,
    /// Somebody tried a moment ago.
    Failed,
    /// Something else stands there by now: read again.
    Changed,
}

/// An entry to be written.
pub(crate) struct Fresh {
    pub(crate) codec: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) compressed: bool,
    pub(crate) ttl: Option<Duration>,
    /// How long it may be served past its ttl.
    pub(crate) stale: Duration,
    pub(crate) load: Duration,
    /// How long it lives without being read, if that ends it.
    pub(crate) idle: Option<Duration>,
    /// When the load ended: the ttl runs from here.
    pub(crate) made: Instant,
}

impl Fresh {
    /// How long it is there, stale or not, if nobody reads it.
    fn lasts(&self) -> Option<Duration> {
        self.ttl.map(|ttl| ttl.saturating_add(self.stale)).into_iter().chain(self.idle).min()
    }
}

impl Remote {
    pub(crate) fn new(
        client: Client,
        source: Arc<crate::hooks::Source>,
        version: u32,
        form: Form,
        policy: &Policy,
    ) -> Arc<Self> {
        let cache: Arc<str> = source.name.as_ref().into();
        let (lasts, renews) = (policy.lasts(), policy.renews());
        let (prefix, errors) = (ArcSwapOption::empty(), AtomicU64::new(0));
        // Bare entries don't say how long they may idle.
        let idle = policy.tti().filter(|_| !matches!(form, Form::Bare(_))).map(|_| Idle::default());
        Arc::new(Self { client, cache, version, form, lasts, renews, idle, prefix, errors, source })
    }

    /// What the names begin with. The namespace may change with a new configuration, hence the look at each call.
    pub(crate) fn with_prefix<R>(&self, glance: impl FnOnce(&Prefix) -> R) -> R {
        let fits = |(of, prefix): &(Arc<str>, Prefix), settings: &Settings| {
            Arc::ptr_eq(of, &settings.namespace) && prefix.is_in_cluster() == settings.cluster
        };
        if let Some(known) = &*self.prefix.load()
            && self.client.with_settings(|settings| fits(known, settings))
        {
            return glance(&known.1);
        }
        let (namespace, cluster) =
            self.client.with_settings(|settings| (Arc::clone(&settings.namespace), settings.cluster));
        let prefix = Prefix::new(&namespace, &self.cache, self.version, self.form);
        let known = Arc::new((namespace, if cluster { prefix.in_cluster() } else { prefix }));
        self.prefix.store(Some(Arc::clone(&known)));
        glance(&known.1)
    }

    /// Whether its entries are bare JSON.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self.form, Form::Bare(_))
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The name of the entry of `key`.
    pub(crate) fn name<K: Serialize + ?Sized>(&self, key: &K) -> Result<Name, Error> {
        let problem = |NoText(problem)| {
            Error::new(ErrorKind::Codec, format!("the key has no text: {problem}")).of(&self.cache, None)
        };
        self.with_prefix(|prefix| prefix.name(key)).map_err(problem)
    }

    /// Counts an operation that failed, and says what it was about.
    pub(crate) fn failed(&self, error: Error, name: Option<&Name>) -> Error {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let error = error.of(&self.cache, name.map(|name| &**name.text()));
        super::watched::failed(&self.source, name, &error);
        error
    }

    /// Reads a key: value and generation with one command, so that a hit costs no more than a plain `GET`.
    ///
    /// A key of a wrong type is nil to `MGET`. With `tracked`, the read asks the server to tell of the next change.
    pub(crate) async fn read(&self, name: &Name, tracked: bool, budget: &Budget) -> Result<Seen, Error> {
        let refresh = (self.renews && name.lease().is_none()).then(|| name.refresh());
        // In the place of the mark of a renewal, which bare entries don't have.
        let last = name.lease().map(|lease| &**lease).or(refresh.as_deref()).map(str::as_bytes);
        let keys = || std::iter::once(name.as_bytes()).chain(name.nonces().map(str::as_bytes)).chain(last);
        let values = if self.client.with_settings(|settings| settings.cluster) {
            // Several nodes, perhaps. The order doesn't matter: a call that starts after a clear reads the new generation
            // whenever it reads it, and an entry is dead unless it carries that; so it is with tags.
            let gets = keys().map(|key| command(&[b"GET", key])).collect();
            Box::pin(self.replies(gets, tracked, budget)).await
        } else {
            let keys: Vec<&[u8]> = keys().collect();
            if tracked {
                // A change is told of on the connection that the read went over.
                let mut mget = command(&[b"MGET"]);
                for key in keys {
                    mget.arg(key);
                }
                Box::pin(self.replies(vec![mget], tracked, budget)).await
            } else {
                self.client.look(&keys, budget).await
            }
        };
        let mut values = values.map_err(|error| self.failed(error, Some(name)))?.into_iter();
        let value = values.next().flatten();
        let nonces =
            values.by_ref().take(name.nonces().count()).map(|bytes| Nonce::try_from(&bytes?[..]).ok()).collect();
        let last = values.next().flatten();
        if name.lease().is_some() {
            return Ok(Bare::judge(value, last.as_deref()));
        }
        let renewal = Renewal::of(last.as_deref());
        Ok(Seen { renewal, ..Seen::judge(value, nonces) })
    }

    /// The values that several reads give, one after the other.
    async fn replies(&self, reads: Vec<Cmd>, tracked: bool, budget: &Budget) -> Result<Vec<Option<Bytes>>, Error> {
        let mut work = Pipeline::with_capacity(1 + reads.len());
        if tracked {
            work.add_command(command(&[b"CLIENT", b"CACHING", b"YES"]));
        }
        for read in reads {
            work.add_command(read);
        }
        let replies = self.client.call_each(work, Kind::Read, budget).await?;
        let mut values = Vec::new();
        for reply in replies.into_iter().skip(usize::from(tracked)) {
            match reply {
                Ok(Value::Array(all)) => values.extend(all.into_iter().map(bytes)),
                Ok(one) => values.push(bytes(one)),
                Err(error) if error.kind() == ErrorKind::Server(Refusal::WrongType) => values.push(None),
                Err(error) => return Err(error),
            }
        }
        Ok(values)
    }

    /// The nonces of an entry: what was read, or else new ones, unless another process has made them meanwhile.
    ///
    /// A generation has no expiry: there is one for each function, and a `volatile-..` policy then never evicts it. Tags may
    /// be without number (`user:{id}`): see [`nonces`].
    async fn nonces(&self, name: &Name, read: &[Option<Nonce>], budget: &Budget) -> Result<Vec<Nonce>, Error> {
        let made = self.now(name).unwrap_or_else(millis_now);
        let mut nonces = Vec::with_capacity(1 + name.tags().len());
        let mut missing = Vec::new();
        let mut work = Pipeline::with_capacity(1);
        for (at, key) in name.nonces().enumerate() {
            let known = read.get(at).copied().flatten();
            nonces.push(known.unwrap_or_else(|| envelope::nonce(made)));
            if known.is_none() {
                let mut set = command(&[b"SET", key.as_bytes(), &nonces[at], b"NX", b"GET"]);
                if let (1.., Some(life)) = (at, nonces::life(self.lasts)) {
                    set.arg(b"PX").arg(scripts::millis(life));
                }
                work.add_command(set);
                missing.push(at);
            }
        }
        nonces::keep(self.client, name, &nonces, self.lasts, made);
        if missing.is_empty() {
            return Ok(nonces);
        }
        let replies = self.client.call(work, Kind::Write, budget).await.map_err(|error| self.failed(error, None))?;
        for (at, before) in missing.into_iter().zip(replies) {
            // Something else of that name is nothing of ours; entries that carry mine are then dead, which is safe.
            if let Some(before) = bytes(before).and_then(|bytes| Nonce::try_from(&bytes[..]).ok()) {
                nonces[at] = before;
            }
        }
        Ok(nonces)
    }

    /// Puts a placeholder over what was seen. Whoever wins runs the body; the ticket is captured before it begins.
    pub(crate) async fn lease(self: &Arc<Self>, name: &Name, seen: &Seen, budget: &Budget) -> Result<Leased, Error> {
        let nonces = self.nonces(name, &seen.nonces, budget).await?;
        let placeholder = envelope::placeholder(&envelope::stamp(), &nonces);
        let head = Head::of(&placeholder);
        let mut arguments = vec![seen.head.as_bytes().to_vec(), placeholder, scripts::millis(LEASE)];
        let call = match name.lease() {
            None => Call::new(&scripts::LEASE_SCRIPT, &[name.as_bytes()], arguments),
            Some(lease) => {
                arguments.push(seen.bare.as_ref().map(|bare| bare.head().as_bytes().to_vec()).unwrap_or_default());
                Call::new(&scripts::BARE_LEASE_SCRIPT, &[name.as_bytes(), lease.as_bytes()], arguments)
            }
        };
        let reply = self.run(call, Some(name), budget).await?;
        let Some((1, now)) = timed(&reply) else { return Ok(Leased::Lost) };
        let own = Own { key: Arc::clone(name.placed()), head: head.clone(), lock: false };
        Ok(Leased::Won(self.ticket(name, head, nonces, Some(now), Some(own))))
    }

    /// Asks for the lock of a renewal of the entry that was seen. Its base is that entry's stamp: whatever comes between
    /// makes the fill change nothing.
    pub(crate) async fn lock(self: &Arc<Self>, name: &Name, seen: &Seen, budget: &Budget) -> Result<Locked, Error> {
        let (key, token) = (name.refresh(), envelope::stamp());
        let arguments = vec![seen.head.as_bytes().to_vec(), token.to_vec(), scripts::millis(LEASE)];
        let call = Call::new(&scripts::LOCK_SCRIPT, &[name.as_bytes(), key.as_bytes()], arguments);
        let reply = self.run(call, Some(name), budget).await?;
        let Some((how, now)) = timed(&reply) else { return Err(self.failed(odd_answer(), Some(name))) };
        Ok(match how {
            1 => {
                let own = Own { key: key.into(), head: Head::of(&token), lock: true };
                // Live, as it was read: none is missing.
                let nonces = seen.nonces.iter().copied().flatten().collect();
                Locked::Won(self.ticket(name, seen.head.clone(), nonces, Some(now), Some(own)))
            }
            2 => Locked::Running,
            3 => Locked::Failed,
            _ => Locked::Changed,
        })
    }

    /// A renewal has failed: for `throttle` nobody tries again. Gives what stands at the key now: an old value that was
    /// invalidated meanwhile is not to be served.
    pub(crate) async fn fail(&self, mut ticket: Ticket, throttle: Duration, budget: &Budget) -> Result<Seen, Error> {
        let Some(own) = &ticket.own else { return self.read(&ticket.name, false, budget).await };
        let mut work = Pipeline::with_capacity(1);
        let pause = scripts::millis(throttle);
        // Only where a lock still is: an invalidation took it along, and what is loaded after it may be renewed.
        work.add_command(command(&[b"SET", own.key.as_bytes(), FAILED, b"XX", b"PX", &pause]));
        if self.client.call(work, Kind::Write, budget).await.map_err(|error| self.failed(error, None)).is_ok() {
            ticket.own = None;
        }
        self.read(&ticket.name, false, budget).await
    }

    /// A ticket over a placeholder of somebody else: of all loads that share it, the first to end fills.
    pub(crate) async fn share(self: &Arc<Self>, name: &Name, seen: &Seen, budget: &Budget) -> Result<Ticket, Error> {
        let nonces = self.nonces(name, &seen.nonces, budget).await?;
        Ok(self.ticket(name, seen.head.clone(), nonces, self.now(name), None))
    }

    /// A ticket for a load whatever there is: see [`scripts`].
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        name: &Name,
        read: &[Option<Nonce>],
        budget: &Budget,
    ) -> Result<Ticket, Error> {
        let nonces = self.nonces(name, read, budget).await?;
        let stamp = envelope::stamp();
        let placeholder = envelope::placeholder(&stamp, &nonces);
        let entry = entry_head(&stamp);
        let kind = entry.as_bytes()[..5].to_vec();
        let placed = Head::of(&placeholder);
        let arguments = vec![kind, stamp.to_vec(), placeholder, scripts::millis(LEASE)];
        // A bare entry is served on in any case: its placeholder stands beside it.
        let call = Call::new(&scripts::REFRESH_SCRIPT, &[name.placed().as_bytes()], arguments);
        let reply = self.run(call, Some(name), budget).await?;
        match timed(&reply) {
            // The entry is served on, also if the load fails.
            Some((1, now)) => Ok(self.ticket(name, entry, nonces, Some(now), None)),
            Some((_, now)) => {
                let own = Own { key: Arc::clone(name.placed()), head: placed.clone(), lock: false };
                Ok(self.ticket(name, placed, nonces, Some(now), Some(own)))
            }
            None => Err(self.failed(odd_answer(), Some(name))),
        }
    }

    fn ticket(
        self: &Arc<Self>,
        name: &Name,
        head: Head,
        nonces: Vec<Nonce>,
        now: Option<u64>,
        own: Option<Own>,
    ) -> Ticket {
        let own = own.map(Box::new);
        let renewed = Arc::new(AtomicBool::new(true));
        let ticket = Ticket {
            remote: Arc::clone(self),
            name: name.clone(),
            head,
            nonces,
            clock: (now, Instant::now()),
            own,
            renewed,
        };
        self.keep_renewing(&ticket);
        ticket
    }

    /// Renews a placeholder for as long as its load goes on and nobody has taken it over. It runs on the driver, so it
    /// goes on while the body blocks its thread; it ends with the process.
    fn keep_renewing(self: &Arc<Self>, ticket: &Ticket) {
        let (renewed, remote) = (Arc::downgrade(&ticket.renewed), Arc::clone(self));
        let Some(own) = ticket.own.clone() else { return };
        let name = ticket.name.clone();
        self.client.spawn(async move {
            loop {
                remote.client.sleep(RENEW_EVERY).await;
                if !renewed.upgrade().is_some_and(|renewed| renewed.load(Ordering::Relaxed)) {
                    return;
                }
                let arguments = vec![own.head.as_bytes().to_vec(), scripts::millis(LEASE)];
                let call = Call::new(&scripts::RENEW_SCRIPT, &[own.key.as_bytes()], arguments);
                let reply = remote.run(call, Some(&name), &remote.client.budget()).await;
                // A failure says nothing about the lease: the next round finds out.
                if matches!(reply, Ok(Value::Int(0))) {
                    return;
                }
            }
        });
    }

    /// Stores what a load gave, if the ticket still stands at the key. `false`: something newer came first.
    pub(crate) async fn fill(&self, ticket: &mut Ticket, fresh: Fresh, budget: &Budget) -> Result<bool, Error> {
        let (then, since) = ticket.clock;
        let elapsed = u64::try_from(fresh.made.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
        let created = then.map(|then| then.saturating_add(elapsed));
        let [how, until] = scripts::ends(fresh.lasts(), created);
        let entry = self.entry(&ticket.name, &ticket.nonces, fresh, created)?;
        let mut arguments = vec![ticket.head.as_bytes().to_vec(), entry, how, until];
        let mut keys = vec![ticket.name.as_bytes()];
        let script = match ticket.name.lease() {
            Some(lease) => {
                keys.push(lease.as_bytes());
                &scripts::BARE_FILL_SCRIPT
            }
            None => &scripts::FILL_SCRIPT,
        };
        if let Some(own) = ticket.own.as_ref().filter(|own| own.lock) {
            keys.push(own.key.as_bytes());
            arguments.push(own.head.as_bytes().to_vec());
        }
        let call = Call::new(script, &keys, arguments);
        let reply = self.run(call, Some(&ticket.name), budget).await?;
        ticket.own = None;
        Ok(matches!(reply, Value::Int(1)))
    }

    /// The bytes of a new entry.
    fn entry(&self, name: &Name, nonces: &[Nonce], fresh: Fresh, created: Option<u64>) -> Result<Vec<u8>, Error> {
        let Fresh { codec, payload, compressed, ttl, stale, load, idle, made: _ } = fresh;
        let created = created.unwrap_or_else(millis_now);
        let meta = Meta { codec, compressed, created, ttl, stale, load, idle };
        let limit = self.client.settings().max_value;
        let too_large = |bytes: usize| {
            let cause = format!("a value of {bytes} bytes, where {limit} are the most");
            Error::new(ErrorKind::TooLarge, cause).of(&self.cache, Some(name.text()))
        };
        if payload.len() > limit {
            return Err(too_large(payload.len()));
        }
        if name.lease().is_some() {
            return Ok(payload);
        }
        envelope::entry(&envelope::stamp(), &meta, nonces, name.hashed(), &payload)
            .ok_or_else(|| too_large(payload.len()))
    }

    /// Gives back what a load held that has nothing to store.
    pub(crate) async fn release(&self, mut ticket: Ticket, budget: &Budget) -> Result<(), Error> {
        let Some(own) = &ticket.own else { return Ok(()) };
        let released = self.release_head(&ticket.name, &own.key, &own.head, budget).await;
        // If it failed, the drop tries once more, beyond this call's budget.
        if released.is_ok() {
            ticket.own = None;
        }
        released
    }

    /// Removes what a load found outdated without having something better: a success that isn't kept.
    pub(crate) async fn outdate(&self, ticket: Ticket, budget: &Budget) -> Result<(), Error> {
        if let (Some(lease), Some(_)) = (ticket.name.lease(), &ticket.own) {
            let keys = [ticket.name.as_bytes(), lease.as_bytes()];
            let call = Call::new(&scripts::BARE_OUTDATE_SCRIPT, &keys, vec![ticket.head.as_bytes().to_vec()]);
            self.run(call, Some(&ticket.name), budget).await?;
        }
        // What it shares with others is theirs to end.
        let entry = ticket.head.as_bytes().get(..5) == Some(&entry_head(&[0; 16]).as_bytes()[..5]);
        if entry {
            self.release_head(&ticket.name, ticket.name.text(), &ticket.head, budget).await?;
        }
        self.release(ticket, budget).await
    }

    async fn release_head(&self, name: &Name, key: &str, head: &Head, budget: &Budget) -> Result<(), Error> {
        let call = Call::new(&scripts::RELEASE_SCRIPT, &[key.as_bytes()], vec![head.as_bytes().to_vec()]);
        self.run(call, Some(name), budget).await.map(drop)
    }

    /// Takes a writer's ticket: to be taken before it changes what the entry is made of.
    pub(crate) async fn take_ticket(&self, name: &Name, budget: &Budget) -> Result<WriteTicket, Error> {
        let token = envelope::stamp();
        let call = of_writer(&scripts::TICKET_SCRIPT, name, &token, Some(TICKET_LIFE));
        self.run(call, Some(name), budget).await?;
        let nonces = self.nonces(name, &[], budget).await?;
        Ok(WriteTicket { token, nonces })
    }

    /// Prolongs a writer's ticket for as long as `held` is: on the driver, so it goes on while a body blocks its thread, and
    /// ends with the process.
    pub(crate) fn keep_ticket(self: &Arc<Self>, name: &Name, ticket: &WriteTicket, mut held: oneshot::Receiver<()>) {
        let (remote, name, token) = (Arc::clone(self), name.clone(), ticket.token);
        self.client.spawn(async move {
            for _ in 0..KEEP_TIMES {
                let mut pause = std::pin::pin!(remote.client.sleep(KEEP_EVERY));
                let ended = std::future::poll_fn(|cx| match Pin::new(&mut held).poll(cx) {
                    Poll::Ready(_) => Poll::Ready(true),
                    Poll::Pending => pause.as_mut().poll(cx).map(|()| false),
                });
                if ended.await {
                    return;
                }
                let call = of_writer(&scripts::KEEP_TICKET_SCRIPT, &name, &token, Some(TICKET_LIFE));
                // A failure says nothing about the ticket: the next round finds out.
                if matches!(remote.run(call, Some(&name), &remote.client.budget()).await, Ok(Value::Int(0))) {
                    return;
                }
            }
        });
    }

    /// Gives a writer's ticket back: it wrote nothing. What it contested meanwhile stays contested.
    pub(crate) async fn return_ticket(&self, name: &Name, ticket: WriteTicket, budget: &Budget) -> Result<(), Error> {
        let call = of_writer(&scripts::RETURN_TICKET_SCRIPT, name, &ticket.token, None);
        self.run(call, Some(name), budget).await.map(drop)
    }

    /// What [`commit`](Self::commit) sends. The value is copied several times for it.
    pub(crate) fn prepare(&self, name: &Name, ticket: &WriteTicket, fresh: Fresh) -> Result<Commit, Error> {
        let created = self.now(name);
        let [how, until] = scripts::ends(fresh.lasts(), created);
        let entry = self.entry(name, &ticket.nonces, fresh, created)?;
        let arguments = vec![ticket.token.to_vec(), entry, how, until];
        let writer = name.writer();
        let keys: Vec<&[u8]> = [writer.as_bytes(), name.as_bytes()]
            .into_iter()
            .chain(name.lease().map(|lease| lease.as_bytes()))
            .collect();
        let call = Call::new(&scripts::COMMIT_SCRIPT, &keys, arguments);
        Ok(Commit { short: call.short(), call })
    }

    /// Stores what a writer wrote. `false`: another writer was or is under way, and the entry was removed instead.
    ///
    /// Two steps, with the ticket between them, even where there is nothing to do in between: an invalidation removes the
    /// ticket, so a commit that a thawed connection executes after it finds none, and stores nothing.
    pub(crate) async fn commit(&self, name: &Name, commit: Commit, budget: &Budget) -> Result<bool, Error> {
        let Commit { call, short } = commit;
        Ok(matches!(self.send(short, &call, Some(name), budget).await?, Value::Int(1)))
    }

    /// Removes an entry or placeholder, and what its writers and refreshers left. Waits for the acknowledgement.
    pub(crate) async fn unlink(&self, name: &Name, budget: &Budget) -> Result<u64, Error> {
        self.remove(name, budget).await.map_err(|error| self.failed(error, Some(name)))
    }

    /// The same, without counting a failure.
    pub(crate) async fn remove(&self, name: &Name, budget: &Budget) -> Result<u64, Error> {
        let writer = name.writer();
        let refresh = name.lease().map_or_else(|| name.refresh(), ToString::to_string);
        let mut work = Pipeline::with_capacity(1);
        work.add_command(command(&[b"UNLINK", name.as_bytes(), writer.as_bytes(), refresh.as_bytes()]));
        let reply = self.client.call(work, Kind::Invalidate, budget).await?;
        Ok(matches!(reply.first(), Some(Value::Int(1..))).into())
    }

    /// Ends the generation (in a cluster, all of them): all entries and loads under way are dead from here on. `UNLINK` also
    /// works on a server that is full.
    pub(crate) async fn unlink_generation(&self, budget: &Budget) -> Result<(), Error> {
        self.remove_generation(budget).await.map_err(|error| self.failed(error, None))
    }

    /// The same, without counting a failure.
    pub(crate) async fn remove_generation(&self, budget: &Budget) -> Result<(), Error> {
        let mut work = Pipeline::with_capacity(1);
        self.with_prefix(|prefix| {
            for generation in prefix.generations() {
                work.add_command(command(&[b"UNLINK", generation.as_bytes()]));
            }
        });
        self.client.call(work, Kind::Invalidate, budget).await.map(drop)
    }

    /// The time since the epoch of the server that has this entry, or else this machine's.
    pub(crate) fn clock(&self, name: &Name) -> Duration {
        self.client.server_now(name.as_bytes()).unwrap_or_else(|| Duration::from_millis(millis_now()))
    }

    /// The same as far as known, in ms.
    fn now(&self, name: &Name) -> Option<u64> {
        self.client.server_now(name.as_bytes()).map(|now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }

    /// Runs a script, in full where the server doesn't know it (it was restarted, or another node answers).
    async fn run(&self, call: Call, name: Option<&Name>, budget: &Budget) -> Result<Value, Error> {
        self.send(call.short(), &call, name, budget).await
    }

    async fn send(&self, short: Pipeline, call: &Call, name: Option<&Name>, budget: &Budget) -> Result<Value, Error> {
        let unknown = |error: &Error| error.kind() == ErrorKind::Server(Refusal::NoScript);
        let reply = match self.client.call(short, Kind::Write, budget).await {
            Err(error) if unknown(&error) => self.client.call(call.full(), Kind::Write, budget).await,
            reply => reply,
        };
        reply.map(|replies| replies.into_iter().next().unwrap_or(Value::Nil)).map_err(|error| self.failed(error, name))
    }
}

/// What a writer asks of its ticket.
fn of_writer(script: &'static scripts::Lua, name: &Name, token: &Stamp, life: Option<Duration>) -> Call {
    let arguments = std::iter::once(token.to_vec()).chain(life.map(scripts::millis)).collect();
    Call::new(script, &[name.writer().as_bytes()], arguments)
}

/// The head that an entry with this stamp has.
fn entry_head(stamp: &Stamp) -> Head {
    let bytes = envelope::entry(stamp, &Meta::default(), &[], None, &[]).unwrap_or_default();
    debug_assert!(bytes.len() > HEAD);
    Head::of(&bytes)
}

fn command(words: &[&[u8]]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

/// `[flag, seconds, microseconds]` as the flag and milliseconds.
fn timed(reply: &Value) -> Option<(i64, u64)> {
    let Value::Array(parts) = reply else { return None };
    let [Value::Int(flag), seconds, micros] = parts.as_slice() else { return None };
    let number =
        |value: &Value| bytes(value.clone()).and_then(|text| std::str::from_utf8(&text).ok()?.parse::<u64>().ok());
    Some((*flag, number(seconds)?.saturating_mul(1000).saturating_add(number(micros)? / 1000)))
}

fn millis_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn odd_answer() -> Error {
    Error::new(ErrorKind::Server(Refusal::Other), "the server gave an answer that no Redis gives")
}
