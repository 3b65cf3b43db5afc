//! Many entries in one round trip: what `many` gives, and the first look of a bulk load. Must never let one key that can't
//! be read, or one node of a cluster that is down, take the others along.
//!
//! One `MGET` is one step for the server, in which nobody else is served, and one reply that is held in memory as a whole:
//! so it is split after [`AT_ONCE`] keys. All of them go out as one pipeline.

use super::Budget;
use super::Kind;
use super::at::{Asked, Call, is_pending};
use super::core::RemoteValue;
use super::envelope::Nonce;
use super::keys::Name;
use super::remote::{Remote, Seen};
use super::wire::bytes;
use crate::error::{Error, ErrorKind, Refusal};
use crate::outcome::Outcome;
use crate::scope::Found;
use crate::watched::is_past;
use bytes::Bytes;
use redis::{Cmd, Pipeline, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// So many keys are read with one command.
const AT_ONCE: usize = 256;

/// What was read at each of several names, in their order.
pub(crate) type SeenAll = Vec<Result<Seen, Error>>;

impl Remote {
    /// Reads keys, each as [`read`](Self::read) does, in one round trip; in a cluster one to each node, and those at one
    /// time.
    pub(crate) async fn read_many(&self, names: &[&Name], budget: &Budget) -> SeenAll {
        if names.is_empty() {
            return Vec::new();
        }
        if self.is_bare() {
            return self.read_many_bare(names, AT_ONCE, budget).await;
        }
        if self.client.with_settings(|settings| settings.cluster) {
            return self.read_parts(names, budget).await;
        }
        // The nonces with each: another order could take an entry of before a `clear` for one of after it.
        let parts: Vec<Part<'_>> = names.chunks(AT_ONCE).map(Part::of).collect();
        if let [part] = &parts[..] {
            let keys: Vec<&[u8]> = part.keys().collect();
            let reply = self.client.look(&keys, budget).await.map(|values| vec![values]);
            return self.judge_all(&parts, names.len(), reply);
        }
        let mut work = Pipeline::with_capacity(parts.len());
        for part in &parts {
            work.add_command(command(b"MGET", part.keys()));
        }
        let replies = self.client.call(work, Kind::Read, budget).await;
        let values = |reply| match reply {
            Value::Array(values) => values.into_iter().map(bytes).collect(),
            _ => Vec::new(),
        };
        self.judge_all(&parts, names.len(), replies.map(|replies| replies.into_iter().map(values).collect()))
    }

    /// The answers to one `MGET` for each part of `count` names.
    fn judge_all(&self, parts: &[Part<'_>], count: usize, replies: Result<Vec<Vec<Option<Bytes>>>, Error>) -> SeenAll {
        let mut seen = Vec::with_capacity(count);
        match replies {
            Ok(replies) => {
                for (part, reply) in parts.iter().zip(replies) {
                    judge_all(part, reply, &mut seen);
                }
            }
            Err(error) => {
                let error = self.failed(error, None);
                seen.resize_with(count, || Err(error.clone()));
            }
        }
        // A reply of another length is no Redis's: what is lacking counts as not read.
        seen.resize_with(count, || Err(odd()));
        seen
    }

    /// The same in a cluster, where keys of several slots can't be read with one command: what each node has goes to it, at
    /// one time, and a node that is down costs its own keys only.
    async fn read_parts(&self, names: &[&Name], budget: &Budget) -> SeenAll {
        let part = Part::of(names);
        let mut work = Pipeline::with_capacity(part.nonces.len() + names.len());
        for key in part.nonces().chain(names.iter().map(|name| name.as_bytes())) {
            work.add_command(command(b"GET", [key].into_iter()));
        }
        let replies = match self.client.call_each(work, Kind::Read, budget).await {
            Ok(replies) => replies,
            Err(error) => {
                let error = self.failed(error, None);
                return names.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let mut failed: Option<Error> = None;
        let mut values = replies.into_iter().map(|reply| match reply {
            Ok(value) => Ok(bytes(value)),
            Err(error) if error.kind() == ErrorKind::Server(Refusal::WrongType) => Ok(None),
            // One operation: it counts once.
            Err(error) => Err(failed.get_or_insert_with(|| self.failed(error, None)).clone()),
        });
        let read: Vec<_> = values.by_ref().take(part.nonces.len()).map(|value| value.map(nonce)).collect();
        // Without its nonces nobody knows whether an entry is live.
        let judge = |(value, nonces): (Result<_, Error>, Vec<_>)| {
            Ok(Seen::judge(value?, nonces.into_iter().collect::<Result<_, Error>>()?))
        };
        let mut seen: SeenAll = values.zip(part.of_each(&read)).map(judge).collect();
        seen.resize_with(names.len(), || Err(odd()));
        seen
    }
}

/// What is read with one command: the entries of these names, and all nonces that they carry, each once.
struct Part<'n> {
    names: &'n [&'n Name],
    nonces: Vec<&'n str>,
    /// Places in `nonces`: of the first name's in their order, then of the second's, and so on.
    places: Vec<usize>,
}

impl<'n> Part<'n> {
    fn of(names: &'n [&'n Name]) -> Self {
        let (mut nonces, mut places) = (Vec::<&str>::new(), Vec::with_capacity(names.len()));
        let mut known: HashMap<&str, usize> = HashMap::new();
        for key in names.iter().flat_map(|name| name.nonces()) {
            let place = match nonces.first() {
                // Nearly always: the generation, which the names share.
                Some(first) if std::ptr::eq::<str>(*first, key) => 0,
                _ => *known.entry(key).or_insert_with(|| {
                    nonces.push(key);
                    nonces.len() - 1
                }),
            };
            places.push(place);
        }
        Self { names, nonces, places }
    }

    fn keys(&self) -> impl Iterator<Item = &'n [u8]> {
        self.names.iter().map(|name| name.as_bytes()).chain(self.nonces())
    }

    fn nonces(&self) -> impl Iterator<Item = &'n [u8]> {
        self.nonces.iter().map(|key| key.as_bytes())
    }

    /// What each name's nonces are, where this was read at the keys of all.
    fn of_each<T: Clone>(&self, read: &[T]) -> impl Iterator<Item = Vec<T>> {
        let mut places = self.places.iter();
        self.names.iter().map(move |name| {
            let own = places.by_ref().take(name.nonces().count());
            own.filter_map(|place| read.get(*place).cloned()).collect()
        })
    }
}

/// What came is no answer of a Redis.
pub(crate) fn odd() -> Error {
    Error::new(ErrorKind::Server(Refusal::Other), "an odd answer to MGET")
}

fn nonce(value: Option<Bytes>) -> Option<Nonce> {
    Nonce::try_from(&value?[..]).ok()
}

/// The answer to one `MGET`: the values of `names`, then their nonces.
fn judge_all(part: &Part<'_>, mut values: Vec<Option<Bytes>>, seen: &mut SeenAll) {
    if values.len() != part.names.len() + part.nonces.len() {
        return;
    }
    let read: Vec<Option<Nonce>> = values.split_off(part.names.len()).into_iter().map(nonce).collect();
    let judge = |(value, nonces)| Ok(Seen::judge(value, nonces));
    seen.extend(values.into_iter().zip(part.of_each(&read)).map(judge));
}

fn command<'k>(name: &[u8], keys: impl Iterator<Item = &'k [u8]>) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name);
    for key in keys {
        command.arg(key);
    }
    command
}

/// Reads what calls of one cache ask for, and gives them back with it. Calls whose invalidation is pending here see an
/// error, as they would alone.
pub(crate) async fn read_calls<O: Outcome>(calls: &[&Call<O>]) -> SeenAll
where
    O::Value: RemoteValue,
{
    let Some(first) = calls.first() else { return Vec::new() };
    let names: Vec<&Name> = calls.iter().map(|call| &call.name).collect();
    let remote = Arc::clone(&first.core.remote);
    // Asked first, as by `read`: what is made up for meanwhile may have been read before.
    let pending: Vec<bool> = calls.iter().map(|call| is_pending(&call.core, &call.name)).collect();
    let mut seen = remote.read_many(&names, first.budget()).await;
    for (seen, pending) in seen.iter_mut().zip(pending) {
        if pending && seen.is_ok() {
            *seen = Err(super::at::pending());
        }
    }
    seen
}

/// What `many` of an async function gives: the entries of `asked`, all of one function, in their order.
pub async fn many_async<O: Outcome>(asked: Vec<Asked<O>>) -> Vec<Option<O::Ret>>
where
    O::Value: RemoteValue,
{
    // A key without a text has no entry.
    let calls: Vec<Option<Call<O>>> = asked.into_iter().map(|asked| asked.0.ok()).collect();
    let asking: Vec<&Call<O>> = calls.iter().flatten().collect();
    if is_past() {
        for call in asking {
            call.looked(Found::Bypassed);
        }
        return calls.iter().map(|_| None).collect();
    }
    let mut seen = read_calls(&asking).await.into_iter();
    let got = |call: &Option<Call<O>>| {
        let call = call.as_ref()?;
        call.got(&seen.next()?)
    };
    calls.iter().map(got).collect()
}

/// The same for a sync function.
pub fn many<O: Outcome>(asked: Vec<Asked<O>>) -> Vec<Option<O::Ret>>
where
    O::Value: RemoteValue,
{
    super::block_on(many_async(asked))
}
