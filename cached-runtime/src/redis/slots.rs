//! The parts of a cluster's slots that have a breaker each: neighbouring slots mostly live on one node. Must agree with the
//! server on a key's slot.

use redis::{Arg, Cmd, Pipeline, Value};

/// Breakers of a cluster.
pub(crate) const PARTS: usize = 16;
const SLOTS: usize = 16_384;

/// The part of the first key that `work` names.
pub(crate) fn part(work: &Pipeline) -> usize {
    work.cmd_iter().find_map(|command| slots_of(command).next()).map_or(0, |slot| slot * PARTS / SLOTS)
}

/// The part of a key.
pub(crate) fn part_of(key: &[u8]) -> usize {
    part_of_slot(slot(key))
}

/// The part of a slot.
pub(crate) fn part_of_slot(slot: usize) -> usize {
    slot * PARTS / SLOTS
}

/// The one slot of all of the command's keys; None if it has no keys, or keys of several slots.
#[cfg(feature = "redis-cluster")]
pub(crate) fn only_slot(command: &Cmd) -> Option<u16> {
    let mut slots = slots_of(command);
    let first = slots.next()?;
    if slots.all(|slot| slot == first) { u16::try_from(first).ok() } else { None }
}

/// The slots of the command's keys, for the commands that this crate sends.
fn slots_of(command: &Cmd) -> impl Iterator<Item = usize> {
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
        b"PING" | b"TIME" | b"CLIENT" | b"SCRIPT" | b"INFO" | b"SCAN" | b"ROLE" | b"WAIT" | b"CONFIG" | b"CLUSTER" => {
            (0, 0)
        }
        _ => (1, 1),
    };
    words().skip(skip).take(count).map(slot)
}

/// A slot of each master, from what `CLUSTER SLOTS` says.
pub(crate) fn masters(reply: &Value) -> Vec<u16> {
    let Value::Array(ranges) = reply else { return Vec::new() };
    let mut known: Vec<(&[Value], u16)> = Vec::new();
    for range in ranges {
        let Value::Array(range) = range else { continue };
        if let [Value::Int(first), _, Value::Array(master), ..] = range.as_slice()
            && let Ok(first) = u16::try_from(*first)
            && let Some(place) = master.get(..2)
            && known.iter().all(|(other, _)| *other != place)
        {
            known.push((place, first));
        }
    }
    known.into_iter().map(|(_, slot)| slot).collect()
}

/// A key that lies in the part.
pub(crate) fn key_of_part(part: usize) -> String {
    (0..1000).map(|n| format!("{{{n}}}")).find(|key| slot(key.as_bytes()) * PARTS / SLOTS == part).unwrap_or_default()
}

/// CRC16 (XMODEM) of the hash tag, or of the whole key.
fn slot(key: &[u8]) -> usize {
    let tag = key.iter().position(|b| *b == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        rest.iter().position(|b| *b == b'}').filter(|len| *len > 0).map(|len| &rest[..len])
    });
    let crc = tag.unwrap_or(key).iter().fold(0_u16, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    });
    usize::from(crc) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_servers() {
        // From the specification, and `CLUSTER KEYSLOT`.
        assert_eq!(slot(b"123456789"), 0x31C3);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"{foo}bar"), 12182);
        assert_eq!(slot(b"a{foo}bar"), 12182);
        assert_ne!(slot(b"{}foo"), slot(b"foo"), "an empty tag is none");
    }

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
    fn every_part_has_a_key() {
        for part in 0..PARTS {
            assert_eq!(slot(key_of_part(part).as_bytes()) * PARTS / SLOTS, part);
        }
    }
}
