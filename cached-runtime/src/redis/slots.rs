//! The slots of a cluster, of which each key has one. Must agree with the server.

use std::sync::LazyLock;

const SLOTS: u16 = 16_384;

/// Parts of the slots that have a generation each. Few enough to be removed at once, and so many that those through which a border
/// between two nodes goes are a small share.
pub(crate) const PARTS: u16 = 256;

/// The part in which a key lies.
pub(crate) fn part(key: &[u8]) -> usize {
    usize::from(slot(key) / (SLOTS / PARTS))
}

/// What to hash for a key in each part: the smallest number.
pub(crate) fn tags() -> &'static [u16] {
    static TAGS: LazyLock<Vec<u16>> = LazyLock::new(|| {
        let mut tags = vec![None; usize::from(PARTS)];
        for number in 0..10_000 {
            tags[part(number.to_string().as_bytes())].get_or_insert(number);
        }
        tags.into_iter().map(Option::unwrap_or_default).collect()
    });
    &TAGS
}

/// CRC16 (XMODEM) of the hash tag, or of the whole key.
pub(crate) fn slot(key: &[u8]) -> u16 {
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
    crc % SLOTS
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
    fn every_part_has_a_tag() {
        assert_eq!(tags().len(), 256);
        for (number, tag) in tags().iter().enumerate() {
            assert_eq!(part(format!("a:v0:gen{{{tag}}}").as_bytes()), number);
        }
        // They are names in databases: none may change.
        assert_eq!(tags()[..4], [460, 14, 278, 10]);
    }
}
