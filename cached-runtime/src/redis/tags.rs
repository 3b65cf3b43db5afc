//! Invalidation by tag, on every Redis connection that takes part. Must never report success before all servers
//! acknowledged it, and must never forget one that failed.
//!
//! A tag is a nonce at a key of its own (see [`super::nonces`]), which every entry and placeholder that has the tag carries.
//! To invalidate it is to remove the nonce: one `UNLINK`, whatever carries it, and one that a full server obeys as well. It
//! needs no function of the tag to have been called, nor to exist in this process.
//!
//! As with a single key: loads of this process are detached at once, and again on the acknowledgement (a load that began in
//! between may have read what was there before); a failure is queued, and until it succeeds whatever has the tag is a miss
//! in this process. Loads of other processes carry the old nonce into what they fill, which is dead.

use super::config::Config;
use super::keys::{self, Name};
use super::queue::Queue;
use super::remote::Remote;
use super::retry::{self, Chore, Reach};
use super::scan::{self, AllTags, Matching};
use super::{Client, Kind, groups};
use crate::acting::Acting;
use crate::error::{Error, ErrorKind};
use crate::registry;
use crate::tags::TagSource;
use redis::{Cmd, Pipeline};
use std::collections::HashSet;
use std::sync::Arc;

/// This many in one command.
const AT_ONCE: usize = 512;

/// Whether a tag of this entry is still to be invalidated again: what stands in Redis is known to be outdated.
pub(crate) fn is_pending(client: Client, name: &Name) -> bool {
    let pending = client.pending_tags();
    if pending.len() == 0 {
        return false;
    }
    retry::tend(Tags(client));
    name.tags().iter().any(|tag| pending.is_pending(tag))
}

/// So many tags can be carried by one entry.
const MOST: usize = 200;

/// The name of an entry that carries the tags of `source`. Displays them: with Redis every call reads the tags' nonces.
pub(crate) fn carried(remote: &Remote, name: Name, source: &TagSource<'_>) -> Result<Name, Error> {
    if source.is_none() {
        return Ok(name);
    }
    if remote.is_bare() {
        let problem = "bare JSON carries no tags: remove them, or `plain`";
        return Err(remote.failed(Error::new(ErrorKind::Config, problem), Some(&name)));
    }
    let namespace = Arc::clone(&remote.client.settings().namespace);
    let mut tags = Vec::new();
    source.each(&mut |tag| tags.push(keys::tag(&namespace, &tag.to_string())));
    if tags.len() > MOST {
        let problem = format!("an entry with {} tags, where {MOST} are the most", tags.len());
        return Err(remote.failed(Error::new(ErrorKind::TooLarge, problem), Some(&name)));
    }
    Ok(name.tagged(tags))
}

/// Invalidates all that has one of these tags. It begins at once.
pub(crate) fn invalidate_tags(tags: &[String]) -> Vec<Acting> {
    if tags.is_empty() {
        return Vec::new();
    }
    taking_part().into_iter().map(|client| invalidate(client, tags)).collect()
}

/// The connections that were installed, those that a cache of this process uses, and those that the environment configures.
pub(crate) fn taking_part() -> Vec<Client> {
    let variables =
        std::env::vars_os().filter(|(_, url)| !url.is_empty()).filter_map(|(name, _)| name.into_string().ok());
    let in_environment = Config::in_environment(variables);
    let used = registry::all();
    // A name that was only ever asked about is none of them.
    let takes_part = |client: &Client| {
        matches!(client.peek(), Some(Ok(_)))
            || used.iter().any(|cache| cache.connection() == Some(client.name()))
            || in_environment.iter().any(|name| plain(client.name()) == plain(name))
    };
    let mut all: Vec<Client> = Client::all().into_iter().filter(takes_part).collect();
    for name in in_environment {
        if !all.iter().any(|client| plain(client.name()) == plain(&name)) {
            // A client stays for ever, and so may its name.
            all.push(Client::named(name.leak()));
        }
    }
    all
}

/// A connection's name as variables spell it.
fn plain(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '_' }).collect()
}

fn invalidate(client: Client, tags: &[String]) -> Acting {
    let namespace = Arc::clone(&client.settings().namespace);
    let distinct: HashSet<Arc<str>> = tags.iter().map(|tag| keys::tag(&namespace, tag)).collect();
    let tags: Vec<_> = distinct.into_iter().collect();
    let unlinked = tags.clone();
    retry::begin(Tags(client), Some(tags), async move { unlink(client, &unlinked).await })
}

/// New calls don't find the loads of this process whose values will carry one of these tags.
fn detach(client: Client, tags: &[Arc<str>]) {
    for cache in registry::all() {
        if cache.connection() == Some(client.name()) {
            cache.detach_tags(tags);
        }
    }
}

async fn unlink(client: Client, tags: &[Arc<str>]) -> Result<(), Error> {
    let mut work = Pipeline::new();
    // In a cluster each has a node of its own.
    let size = if client.settings().cluster { 1 } else { AT_ONCE };
    for tags in tags.chunks(size) {
        let mut command = Cmd::new();
        command.arg("UNLINK");
        for tag in tags {
            command.arg(&**tag);
        }
        work.add_command(command);
    }
    client.call(work, Kind::Invalidate, &client.budget()).await.map(drop)
}

/// The tags whose invalidation failed.
#[derive(Clone, Copy)]
struct Tags(Client);

impl Chore for Tags {
    type Key = Arc<str>;

    const AT_ONCE: usize = 32;

    fn client(&self) -> Client {
        self.0
    }

    fn queue(&self) -> &Queue<Arc<str>> {
        self.0.pending_tags()
    }

    fn is_walk(&self, tag: Option<&Arc<str>>) -> bool {
        tag.is_none()
    }

    /// Where more wait than can be kept, the nonces of all tags are removed: whatever process has the functions.
    async fn attempt(&self, tag: Option<&Arc<str>>) -> Result<Reach, Error> {
        let Some(tag) = tag else {
            let swept = scan::run(self.0, &AllTags::new(&self.0.settings().namespace)).await;
            return groups::or_clear(self.0, swept).await;
        };
        unlink(self.0, std::slice::from_ref(tag)).await.map(|()| Reach::All)
    }

    fn detach(&self, tags: Option<&[Arc<str>]>) {
        match tags {
            Some(tags) => detach(self.0, tags),
            None => groups::detach(self.0, &Matching::all(&self.0.settings().namespace)),
        }
    }
}
