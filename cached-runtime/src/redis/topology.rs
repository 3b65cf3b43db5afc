//! Where a cluster has what: the slot of a command, and the nodes that have the slots. Must agree with the server.

use crate::redis::slots::slot;
use redis::{Arg, Cmd, Value};

/// The slot of all of the command's keys; `Ok(None)` if it has no keys, `Err` if they are of several slots.
pub(crate) fn only_slot(command: &Cmd) -> Result<Option<u16>, ()> {
    let mut slots = slots_of(command);
    let Some(first) = slots.next() else { return Ok(None) };
    if slots.all(|slot| slot == first) { Ok(Some(first)) } else { Err(()) }
}

/// The slots of the command's keys, for the commands that this crate sends.
fn slots_of(command: &Cmd) -> impl Iterator<Item = u16> {
    let words = || {
        command.args_iter().map(|arg| match arg {
            Arg::Simple(word) => word,
            _ => &[][..],
        })
    };
    let name = words().next().unwrap_or_default().to_ascii_uppercase();
    let (skip, count) = match name.as_slice() {
        b"MGET" | b"UNLINK" | b"DEL" | b"EXISTS" | b"TOUCH" => (1, usize::MAX),
        b"EVAL" | b"EVALSHA" | b"EVAL_RO" | b"EVALSHA_RO" => {
            let keys = words().nth(2).and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
            (3, keys.unwrap_or(0))
        }
        b"PING" | b"TIME" | b"CLIENT" | b"ASKING" | b"SCRIPT" | b"INFO" | b"SCAN" | b"ROLE" | b"WAIT" | b"CONFIG"
        | b"CLUSTER" => (0, 0),
        _ => (1, 1),
    };
    words().skip(skip).take(count).map(slot)
}

/// A master, and what it has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Master {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The first and the last of each range of slots.
    pub(crate) ranges: Vec<(u16, u16)>,
}

/// What `CLUSTER SLOTS` says, as `said_by` that host: one that doesn't know its own name gives none.
pub(crate) fn masters(reply: &Value, said_by: &str) -> Vec<Master> {
    let Value::Array(ranges) = reply else { return Vec::new() };
    let mut masters: Vec<Master> = Vec::new();
    for range in ranges {
        let Value::Array(range) = range else { continue };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice() else { continue };
        let [host, Value::Int(port), ..] = master.as_slice() else { continue };
        let host = match host {
            Value::BulkString(host) => std::str::from_utf8(host).unwrap_or_default(),
            Value::SimpleString(host) => host,
            _ => "",
        };
        // A question mark stands for a name that nobody configured.
        let host = if matches!(host, "" | "?") { said_by } else { host };
        let number = |number: &i64| u16::try_from(*number).ok();
        let (Some(first), Some(last), Some(port)) = (number(first), number(last), number(port)) else { continue };
        match masters.iter_mut().find(|known| known.port == port && known.host == host) {
            Some(known) => known.ranges.push((first, last)),
            None => masters.push(Master { host: host.to_owned(), port, ranges: vec![(first, last)] }),
        }
    }
    masters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_command_are_found() {
        let slots = |words: &[&str]| {
            let mut command = redis::cmd(words[0]);
            command.arg(&words[1..]);
            slots_of(&command).collect::<Vec<_>>()
        };
        let foo = slot(b"foo");
        assert_eq!(slots(&["GET", "foo"]), [foo]);
        assert_eq!(slots(&["set", "foo", "bar", "PX", "1"]), [foo]);
        assert_eq!(slots(&["MGET", "foo", "bar"]), [foo, slot(b"bar")]);
        assert_eq!(slots(&["EVALSHA", "sha", "2", "foo", "bar", "baz"]), [foo, slot(b"bar")]);
        for none in [&["PING"][..], &["CLIENT", "CACHING", "YES"], &["EVAL", "return 1", "0"], &["EVAL", "x", "y", "z"]]
        {
            assert!(slots(none).is_empty());
        }
    }

    #[test]
    fn the_masters_are_found() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let node = |host: Value, port: i64| Value::Array(vec![host, Value::Int(port), text("id")]);
        let range = |first: i64, last: i64, node: Value| Value::Array(vec![Value::Int(first), Value::Int(last), node]);
        let reply = Value::Array(vec![
            range(0, 9, node(text("a"), 1)),
            range(10, 19, node(Value::Nil, 1)),
            range(20, 29, node(text("a"), 1)),
            range(30, 70_000, node(text("a"), 1)),
            Value::Nil,
            Value::Array(vec![Value::Int(1)]),
        ]);
        let master =
            |host: &str, ranges: &[(u16, u16)]| Master { host: host.to_owned(), port: 1, ranges: ranges.into() };
        assert_eq!(masters(&reply, "here"), [master("a", &[(0, 9), (20, 29)]), master("here", &[(10, 19)])]);
        assert_eq!(masters(&Value::Nil, "here"), []);
    }
}
