//! Walks over all keys of a connection's servers, and removes some. Must never be part of a call: it costs the server a
//! look at each of its keys (about a second for a million), a thousand at a time.
//!
//! Why a walk catches loads that are under way, although it is no single step. `SCAN` gives every key that is there from
//! its beginning to its end, in whatever place. Take a load that began before the walk, and may fill. Its placeholder was
//! there when the walk began. Either it still stands when the walk comes to its key: it is removed, and the fill finds
//! another head than its ticket's. Or the fill came first: a fill replaces the placeholder at the same key in one step, so
//! the key was there all the time, the walk comes to it, and removes the entry. A load that began later read what was true
//! later. The same goes for a placeholder that another load took over, or one that was released and leased anew.
//!
//! What a *writer* holds is another key than the one that it fills: a ticket (`:w`) that the walk has not come to may be
//! turned into an entry at a key that it has passed. So there are two walks. Whatever had a ticket when the first began
//! and was not stopped by it has become an entry before the first ended, which then is there during all of the second.
//!
//! A cluster whose slots move while it is walked over may hide keys from it, and a failover may lose what was removed, as
//! with every other invalidation.

use super::envelope::Nonce;
use super::keys::{self, Name, Parsed};
use super::{Client, Kind, envelope, slots, text};
use crate::error::{Error, ErrorKind, Refusal};
use crate::glob::Glob;
use redis::{Cmd, Pipeline, Value};
use std::hash::{Hash, Hasher};

/// So many keys are looked at in one step of the server's.
const STEP: &str = "1000";
/// So much of a value is read to find the key's text in it.
const ENOUGH: &str = "4095";

/// What is to be removed.
pub(crate) trait Sweep: Send + Sync {
    /// How often all is walked over: see the file's head.
    const WALKS: u32;

    /// What the server is asked for, as a pattern: all keys that could be meant.
    fn names(&self) -> &str;

    /// Whether a key is meant.
    fn take(&self, key: &[u8]) -> Take;

    /// Whether one is meant at which this value stands (the first [`ENOUGH`] bytes of it).
    fn take_value(&self, key: &[u8], value: &[u8]) -> bool;
}

/// The entries, loads and tickets under a namespace whose key's text matches.
#[derive(Debug)]
pub(crate) struct Matching {
    namespace: String,
    pattern: String,
    glob: Glob,
    names: String,
}

/// By what they mean.
impl PartialEq for Matching {
    fn eq(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.pattern == other.pattern
    }
}

impl Eq for Matching {}

impl Hash for Matching {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.namespace, &self.pattern).hash(state);
    }
}

/// The nonces of all tags of a namespace.
pub(crate) struct AllTags {
    /// What their names begin with.
    stem: String,
    names: String,
}

/// Entries that nobody can reach any more: of older versions of a function, and of generations that a `clear` ended.
pub(crate) struct Dead {
    /// What the names of all versions of the function begin with.
    stem: String,
    version: u32,
    /// What its entries must carry: one for all, or one for each part of a cluster's slots.
    generations: Vec<Option<Nonce>>,
    names: String,
}

/// Whether a key is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    No,
    Yes,
    /// What stands there tells.
    Look,
}

impl Dead {
    pub(crate) fn new(stem: &str, version: u32, generations: Vec<Option<Nonce>>) -> Self {
        let names = format!("{}v*", escaped(stem));
        Self { stem: stem.to_owned(), version, generations, names }
    }
}

impl Sweep for Dead {
    // What comes while it is walked over is not dead.
    const WALKS: u32 = 1;

    fn names(&self) -> &str {
        &self.names
    }

    fn take(&self, key: &[u8]) -> Take {
        let version = || {
            let (version, rest) =
                std::str::from_utf8(key).ok()?.strip_prefix(&self.stem)?.strip_prefix('v')?.split_once(':')?;
            Some((version.parse::<u32>().ok()?, rest))
        };
        let is_ours = |rest: &str| rest == "gen" || rest.starts_with("gen{") || rest.starts_with('{');
        match version() {
            // A higher one is of a newer program, which may run beside this one.
            Some((version, rest)) if version < self.version && is_ours(rest) => Take::Yes,
            Some((version, rest)) if version == self.version && rest.starts_with('{') && rest.ends_with('}') => {
                Take::Look
            }
            _ => Take::No,
        }
    }

    fn take_value(&self, key: &[u8], value: &[u8]) -> bool {
        let part = if self.generations.len() > 1 { slots::part(key) } else { 0 };
        let generation = self.generations.get(part).copied().flatten();
        envelope::generation(value).is_some_and(|carried| Some(carried) != generation)
    }
}

impl Matching {
    pub(crate) fn new(namespace: &str, pattern: &str) -> Self {
        let space = keys::space(namespace);
        let first =
            pattern.chars().next().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':' | '/'));
        // A part of a key may have the character encoded, and a hashed name begins so.
        let first = first.map_or_else(String::new, |char| format!("[{char}%]"));
        let names = format!("{}*:v*:{{{first}*", escaped(&space));
        Self { namespace: namespace.to_owned(), pattern: pattern.to_owned(), glob: Glob::new(pattern), names }
    }

    /// All entries, loads and tickets under a namespace, except for bare ones.
    pub(crate) fn all(namespace: &str) -> Self {
        Self::new(namespace, "*")
    }

    /// Whether an entry of this name is meant.
    pub(crate) fn is_meant(&self, name: &Name) -> bool {
        match self.take(name.as_bytes()) {
            Take::Yes => true,
            Take::No => false,
            Take::Look => name.hashed().is_none_or(|text| self.glob.matches(&text::decode(text))),
        }
    }
}

impl AllTags {
    pub(crate) fn new(namespace: &str) -> Self {
        let stem = keys::tags_stem(namespace);
        Self { names: format!("{}*", escaped(&stem)), stem }
    }
}

impl Sweep for AllTags {
    // What carries a nonce that is made during the walk was loaded after what the walk is for.
    const WALKS: u32 = 1;

    fn names(&self) -> &str {
        &self.names
    }

    fn take(&self, key: &[u8]) -> Take {
        let is_tag = key.starts_with(self.stem.as_bytes()) && key.ends_with(b"}");
        if is_tag { Take::Yes } else { Take::No }
    }

    fn take_value(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

impl Sweep for Matching {
    const WALKS: u32 = 2;

    fn names(&self) -> &str {
        &self.names
    }

    fn take(&self, key: &[u8]) -> Take {
        let Some(Parsed { text, is_helper }) = keys::parse(&self.namespace, key) else { return Take::No };
        match (text.strip_prefix("%#"), is_helper) {
            (Some(_), false) => Take::Look,
            // Nobody knows its text any more. One that goes in vain costs a writer its entry.
            (Some(_), true) => Take::Yes,
            (None, _) if self.glob.matches(&text::decode(text)) => Take::Yes,
            (None, _) => Take::No,
        }
    }

    // A placeholder doesn't tell its text: it may be meant.
    fn take_value(&self, _: &[u8], value: &[u8]) -> bool {
        envelope::key_text(value).is_none_or(|text| self.glob.matches(&text::decode(text)))
    }
}

/// A text as a pattern that only it matches.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

/// Why something is left.
#[derive(Debug)]
pub(crate) struct Left {
    /// What went wrong first.
    pub(crate) error: Error,
    /// A server doesn't let itself be walked over, and won't the next time.
    pub(crate) refused: bool,
}

impl From<Left> for Error {
    fn from(left: Left) -> Self {
        left.error
    }
}

/// How far a sweep has come.
#[derive(Default)]
struct Swept {
    removed: u64,
    left: Option<Left>,
}

impl Swept {
    fn failed(&mut self, error: Error) {
        self.left.get_or_insert(Left { error, refused: false });
    }
}

/// Removes all that `sweep` says, on all masters; gives how many keys that were. What fails at one master, or one key, keeps
/// no other from being removed.
pub(crate) async fn run<S: Sweep>(client: Client, sweep: &S) -> Result<u64, Left> {
    let mut swept = Swept::default();
    for _walk in 0..S::WALKS {
        let masters = client.masters().await.map_err(|error| Left { error, refused: false })?;
        for node in masters {
            walk(client, node, sweep, &mut swept).await;
        }
    }
    swept.left.map_or(Ok(swept.removed), Err)
}

async fn walk(client: Client, node: Option<u16>, sweep: &impl Sweep, swept: &mut Swept) {
    let mut cursor = b"0".to_vec();
    loop {
        let mut scan = Cmd::new();
        scan.arg("SCAN").arg(&cursor).arg("MATCH").arg(sweep.names()).arg("COUNT").arg(STEP);
        let reply = one(client, node, scan, Kind::Read).await;
        let (next, found) = match reply.and_then(|reply| page(reply).ok_or_else(odd)) {
            Ok(page) => page,
            Err(error) => {
                let refused =
                    matches!(error.kind(), ErrorKind::Server(Refusal::NoPermission | Refusal::UnknownCommand));
                swept.left.get_or_insert(Left { error, refused }).refused |= refused;
                return;
            }
        };
        if let Err(error) = remove(client, node, sweep, found, swept).await {
            swept.failed(error);
        }
        if next == b"0" {
            return;
        }
        cursor = next;
    }
}

/// Removes those of the keys that are meant.
async fn remove(
    client: Client,
    node: Option<u16>,
    sweep: &impl Sweep,
    found: Vec<Vec<u8>>,
    swept: &mut Swept,
) -> Result<(), Error> {
    let (mut go, mut look) = (Vec::new(), Vec::new());
    for key in found {
        match sweep.take(&key) {
            Take::Yes => go.push(key),
            Take::Look => look.push(key),
            Take::No => {}
        }
    }
    if !look.is_empty() {
        let mut work = Pipeline::with_capacity(look.len());
        for key in &look {
            work.cmd("GETRANGE").arg(key).arg(0).arg(ENOUGH);
        }
        let values = client.call_at(node, work, Kind::Read, &client.budget()).await?;
        for (key, value) in look.into_iter().zip(values) {
            match value {
                Ok(Value::BulkString(value)) if !sweep.take_value(&key, &value) => {}
                // A key of a wrong type is nothing of ours.
                Err(error) if error.kind() == ErrorKind::Server(Refusal::WrongType) => {}
                _ => go.push(key),
            }
        }
    }
    if go.is_empty() {
        return Ok(());
    }
    // One by one: in a cluster several keys of one command must lie in one slot.
    let mut work = Pipeline::with_capacity(go.len());
    for key in &go {
        work.cmd("UNLINK").arg(key);
    }
    for answer in client.call_at(node, work, Kind::Invalidate, &client.budget()).await? {
        match answer {
            Ok(answer) => swept.removed += u64::from(matches!(answer, Value::Int(1))),
            Err(error) => swept.failed(error),
        }
    }
    Ok(())
}

async fn one(client: Client, node: Option<u16>, command: Cmd, kind: Kind) -> Result<Value, Error> {
    let mut work = Pipeline::with_capacity(1);
    work.add_command(command);
    client.call_at(node, work, kind, &client.budget()).await?.pop().ok_or_else(odd)?
}

/// What `SCAN` gives: where to go on, and some keys.
fn page(reply: Value) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Value::Array(parts) = reply else { return None };
    let [Value::BulkString(next), Value::Array(keys)] = <[Value; 2]>::try_from(parts).ok()? else { return None };
    let key = |value| match value {
        Value::BulkString(key) => Some(key),
        _ => None,
    };
    Some((next, keys.into_iter().filter_map(key).collect()))
}

fn odd() -> Error {
    Error::new(ErrorKind::Server(Refusal::Other), "the server gave an answer that no Redis gives")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_decide() {
        let take = |namespace, pattern, key: &str| Matching::new(namespace, pattern).take(key.as_bytes());
        let products = "products:*";
        assert_eq!(take("shop", products, "shop:f:v0:{products:7}"), Take::Yes);
        assert_eq!(take("shop", products, "shop:f::g:v12:{products:7}:w"), Take::Yes);
        assert_eq!(take("shop", products, "shop:f:v0:{product:7}"), Take::No);
        assert_eq!(take("shop", products, "other:f:v0:{products:7}"), Take::No);
        assert_eq!(take("shop", products, "shop:f:v0:gen"), Take::No);
        assert_eq!(take("shop", "*", "shop:f:v0:gen{7}"), Take::No);
        assert_eq!(take("shop", products, "shop:tag:{products:7}"), Take::No);
        assert_eq!(take("shop", products, "shop:f:v0:{%#00ff}"), Take::Look);
        assert_eq!(take("shop", products, "shop:f:v0:{%#00ff}:w"), Take::Yes);
        // What an argument contains is encoded, and meant as it is.
        assert_eq!(take("shop", "page:a\\*b", "shop:f:v0:{page:a%2Ab}"), Take::Yes);
        assert_eq!(take("shop", "page:a/b", "shop:f:v0:{page:a%2Fb}"), Take::Yes);
        assert_eq!(take("shop", "page:a\\*b", "shop:f:v0:{page:axb}"), Take::No);
        // No namespace is not all of them.
        assert_eq!(take("", products, "f:v0:{products:7}"), Take::Yes);
        assert_eq!(take("", products, ":f::g:v0:{products:7}"), Take::Yes);
        assert_eq!(take("", products, "shop:f:v0:{products:7}"), Take::No);
    }

    #[test]
    fn all_tags_are_nothing_else() {
        let tags = AllTags::new("s*op");
        for (key, take) in [("s*op:tag:{a}", Take::Yes), ("s*op:tag:{%#00}", Take::Yes), ("stop:tag:{a}", Take::No)] {
            assert_eq!(tags.take(key.as_bytes()), take, "{key}");
        }
        for key in ["s*op:tag:v0:{a}", "s*op:tag:{a}:w", "s*op:tags:{a}", "s*op:x:tag:{a}"] {
            assert_eq!(tags.take(key.as_bytes()), Take::No, "{key}");
        }
        assert_eq!(tags.take(keys::tag("s*op", "x").as_bytes()), Take::Yes);
        assert_eq!(AllTags::new("").take(keys::tag("", "x").as_bytes()), Take::Yes);
        assert!(Glob::new(tags.names()).matches("s*op:tag:{a}") && !Glob::new(tags.names()).matches("stop:tag:{a}"));
    }

    #[test]
    fn the_dead_are_older() {
        let dead = Dead::new("shop:f:", 3, Vec::new());
        let take = |key: &str| dead.take(key.as_bytes());
        assert_eq!(take("shop:f:v2:{1}"), Take::Yes);
        assert_eq!(take("shop:f:v2:{1}:w"), Take::Yes);
        assert_eq!(take("shop:f:v0:gen"), Take::Yes);
        assert_eq!(take("shop:f:v0:gen{7}"), Take::Yes);
        assert_eq!(take("shop:f:v3:gen{7}"), Take::No);
        assert_eq!(take("shop:f:v3:{1}"), Take::Look);
        for other in
            ["shop:f:v3:gen", "shop:f:v3:{1}:w", "shop:f:v4:{1}", "shop:g:v2:{1}", "shop:f:vx:{1}", "shop:f:v2:x"]
        {
            assert_eq!(take(other), Take::No, "{other}");
        }
    }
}
