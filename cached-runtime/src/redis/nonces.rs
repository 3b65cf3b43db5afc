//! How long the nonces of tags live. Must never touch one on a call's own time, nor write one that is young: each write is
//! pushed to everybody who tracks it.
//!
//! Tags may be without number (`user:{id}`), so a nonce has an expiry; everything that carries it is dead once it is gone,
//! so it must outlast what carries it. Its expiry is four times the longest life of an entry (at least a day), and it holds
//! the time of its making: a load that finds it old looks at what is left, in the background, and prolongs it if that is
//! less than half. Whoever needed it first may have made it for entries of a shorter life: so a load whose entries live for
//! more than half a day looks whatever its age. An entry that brings a longer life of its own than its cache's `ttl` may end with its tag's nonce: that
//! is a miss, and no more.

use super::envelope::Nonce;
use super::keys::Name;
use super::scripts;
use super::{Client, Kind};
use redis::{Cmd, Pipeline, Value};
use std::sync::Arc;
use std::time::Duration;

/// No nonce of a tag lives for less.
const LEAST: Duration = Duration::from_hours(24);

/// How long the nonce of a tag lives beside entries that are there for `lasts`; `None`: without an end.
pub(crate) fn life(lasts: Option<Duration>) -> Option<Duration> {
    lasts.map(|lasts| lasts.saturating_mul(4).max(LEAST))
}

/// When it was made, in ms since the epoch.
fn made(nonce: &Nonce) -> u64 {
    nonce[..6].iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte))
}

/// Whether a nonce may end before entries that are there for `lasts`: it was made by whoever needed it first, perhaps for
/// entries of a shorter life.
fn is_doubtful(nonce: &Nonce, lasts: Option<Duration>, now: u64) -> bool {
    lasts.is_none_or(|lasts| lasts > LEAST / 2) || u128::from(now.saturating_sub(made(nonce))) > LEAST.as_millis() / 2
}

/// Prolongs the nonces of the tags that might end too early, in the background.
pub(crate) fn keep(client: Client, name: &Name, nonces: &[Nonce], lasts: Option<Duration>, now: u64) {
    let tags = name.tags().iter().zip(nonces.iter().skip(1));
    let doubtful = tags.filter(|(_, nonce)| is_doubtful(nonce, lasts, now));
    let doubtful: Vec<Arc<str>> = doubtful.map(|(tag, _)| Arc::clone(tag)).collect();
    if !doubtful.is_empty() {
        client.spawn(prolong(client, doubtful, life(lasts)));
    }
}

/// A failure leaves them as they are: the next load tries again.
async fn prolong(client: Client, tags: Vec<Arc<str>>, life: Option<Duration>) {
    let budget = client.budget();
    let mut work = Pipeline::with_capacity(tags.len());
    for tag in &tags {
        work.add_command(command("PTTL", tag));
    }
    let Ok(left) = client.call(work, Kind::Read, &budget).await else { return };
    let mut work = Pipeline::with_capacity(tags.len());
    let mut any = false;
    for (tag, left) in tags.iter().zip(left) {
        // -1 is one without an end, -2 one that has gone meanwhile.
        let Value::Int(left @ 0..) = left else { continue };
        match life {
            None => {
                work.add_command(command("PERSIST", tag));
            }
            Some(life) if u128::from(left.unsigned_abs()) < life.as_millis() / 2 => {
                let mut prolong = command("PEXPIRE", tag);
                prolong.arg(scripts::millis(life)).arg("GT");
                work.add_command(prolong);
            }
            Some(_) => continue,
        }
        any = true;
    }
    if any {
        let _ = client.call(work, Kind::Write, &budget).await;
    }
}

fn command(word: &str, key: &str) -> Cmd {
    let mut command = Cmd::new();
    command.arg(word).arg(key);
    command
}

#[cfg(test)]
mod tests {
    use super::super::envelope;
    use super::*;

    #[test]
    fn a_nonce_outlasts_what_carries_it() {
        assert_eq!(life(Some(Duration::from_secs(1))), Some(LEAST));
        assert_eq!(life(Some(LEAST)), Some(4 * LEAST));
        assert_eq!(life(Some(Duration::MAX)), Some(Duration::MAX));
        assert_eq!(life(None), None);
    }

    #[test]
    fn the_time_of_its_making_is_in_it() {
        let now = 1_800_000_000_123;
        let nonce = envelope::nonce(now);
        assert_eq!(made(&nonce), now);
        let half = u64::try_from(LEAST.as_millis()).unwrap() / 2;
        let doubtful = |now| is_doubtful(&nonce, Some(LEAST / 2), now);
        assert!(!doubtful(now) && !doubtful(now + half) && doubtful(now + half + 1));
        assert!(!doubtful(now - 5), "a clock that stepped back");
        assert!(is_doubtful(&nonce, None, now) && is_doubtful(&nonce, Some(LEAST), now), "made for a shorter life");
    }
}
