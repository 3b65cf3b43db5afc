//! Bare entries: plain JSON at a key that other programs read and write too, and beside it the placeholder of a load. Must
//! never put anything but the type's JSON at the key itself, and never remove what another function or program may own.
//!
//! The protocol is that of all entries, with the head of the placeholder beside the entry where otherwise the head of the
//! entry itself is compared: a load leases `{key}:lease`, its fill stores the value only if its own placeholder is still
//! there, and every invalidation, `set` and refresh of ours removes or replaces that. So a load that began before one of
//! these stores nothing.
//!
//! What another program does to the key alone, nobody here can see: a `DEL` during a load is followed by the load's value.
//!
//! A value that isn't the type's JSON is found out by the caller, on its own thread. It is then looked past
//! ([`Seen::unreadable`]), for as long as the very same bytes stand there, and a fill replaces it.

use super::envelope::{self, Content, Head};
use super::keys::Name;
use super::many::SeenAll;
use super::remote::{Remote, Renewal, Seen, Stored, What};
use super::wire::bytes;
use super::{Budget, Kind};
use crate::error::Error;
use bytes::Bytes;
use redis::{Cmd, Pipeline, Value};

/// What a read of a bare entry showed besides.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    /// What stands at the key.
    value: Option<Bytes>,
    /// Whether a load is under way.
    placed: bool,
    /// Whether the value turned out to be unreadable.
    lost: bool,
}

impl Bare {
    /// What stands at the key and at its placeholder's.
    pub(crate) fn judge(value: Option<Bytes>, placeholder: Option<&[u8]>) -> Seen {
        let head = placeholder.map(Head::of).unwrap_or_default();
        let placed = placeholder.and_then(envelope::read);
        let placed = matches!(placed, Some(Content::Placeholder { .. }));
        let bare = Self { value: value.clone(), placed, lost: false };
        match value {
            Some(value) => seen(head, What::Entry(Stored::bare(value)), bare),
            None => bare.unreadable(head),
        }
    }

    /// The same without the value, if there is one.
    pub(crate) fn unreadable(self, head: Head) -> Seen {
        let what = if self.placed { What::Placeholder } else { What::Nothing };
        let lost = self.value.is_some();
        seen(head, what, Self { lost, ..self })
    }

    /// The first bytes of what stands at the key.
    pub(crate) fn head(&self) -> Head {
        self.value.as_deref().map(Head::of).unwrap_or_default()
    }
}

fn seen(head: Head, what: What, bare: Bare) -> Seen {
    Seen { head, what, renewal: Renewal::None, nonces: Vec::new(), bare: Some(Box::new(bare)) }
}

impl Seen {
    /// A later look than `before`: what was unreadable then still is.
    pub(crate) fn after(self, before: &Self) -> Self {
        match (&self.bare, &before.bare) {
            (Some(now), Some(before)) if before.lost && now.value == before.value => self.unreadable(),
            _ => self,
        }
    }
}

impl Remote {
    /// Reads many bare entries with one command each `at_once` keys; in a cluster, one by one in one pipeline.
    pub(crate) async fn read_many_bare(&self, names: &[&Name], at_once: usize, budget: &Budget) -> SeenAll {
        let at_once = if self.client.settings().cluster { 1 } else { at_once };
        let mut work = Pipeline::with_capacity(names.len() / at_once + 1);
        for some in names.chunks(at_once) {
            let mut command = Cmd::new();
            command.arg("MGET");
            for name in some {
                command.arg(name.as_bytes()).arg(name.placed().as_bytes());
            }
            work.add_command(command);
        }
        let replies = match self.client.call_each(work, Kind::Read, budget).await {
            Ok(replies) => replies,
            Err(error) => {
                let error = self.failed(error, None);
                return names.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let mut all = SeenAll::with_capacity(names.len());
        for (some, reply) in names.chunks(at_once).zip(replies) {
            match reply {
                Ok(Value::Array(values)) if values.len() == 2 * some.len() => {
                    let mut values = values.into_iter().map(bytes);
                    while let (Some(value), Some(placeholder)) = (values.next(), values.next()) {
                        all.push(Ok(Bare::judge(value, placeholder.as_deref())));
                    }
                }
                Ok(_) => all.extend(some.iter().map(|_| Err(super::many::odd()))),
                Err(error) => {
                    let error: Error = self.failed(error, None);
                    all.extend(some.iter().map(|_| Err(error.clone())));
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unreadable_is_looked_past() {
        let placeholder = envelope::placeholder(&envelope::stamp(), &[]);
        let garbage = || Some(Bytes::from_static(b"garbage"));
        let read = Bare::judge(garbage(), None);
        assert!(matches!(read.what, What::Entry(_)));
        let lost = read.unreadable();
        assert!(matches!(lost.what, What::Nothing));
        assert!(matches!(Bare::judge(garbage(), Some(&placeholder)).after(&lost).what, What::Placeholder));
        assert!(matches!(Bare::judge(Some(Bytes::from_static(b"7")), None).after(&lost).what, What::Entry(_)));
        assert!(matches!(Bare::judge(None, None).after(&lost).what, What::Nothing));
        assert!(matches!(Bare::judge(None, Some(b"7")).what, What::Nothing), "a foreign placeholder");
    }
}
