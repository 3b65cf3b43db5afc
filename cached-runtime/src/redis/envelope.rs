//! What stands at a key: an entry or a placeholder, as bytes. Must never trust what it reads: whatever is not exactly an
//! envelope of this version is "unreadable", and unreadable is a miss.
//!
//! ```text
//!  0  magic     AB 63 68           no text of any encoding begins so
//!  3  version   02
//!  4  kind      01 entry, 02 placeholder
//!  5  stamp     16 bytes           random; changed in place by a refresh, so the checksum leaves it out
//! 21  checksum   8 bytes           XXH3 of all that follows: against damage, not against people
//! 29  flags      1 byte            bit 0: the payload is compressed; bit 1: it ends when nobody reads it
//! 30  codec      1 byte
//! 31  nonces     1 byte            how many; the first is the generation's, then those of the tags
//! 32  text       2 bytes           how long the key's text is, where the name holds only its hash
//! 34  created    8 bytes           ms since the epoch, by the server's clock
//! 42  ttl        8 bytes           ms; all ones: never ends
//! 50  stale      8 bytes           ms that it may be served past the ttl
//! 58  load       4 bytes           how long the load took, in us
//! 62  payload    4 bytes           how long it is
//! 66  nonces, 16 bytes each; the key's text; with bit 1, 8 bytes: ms without a read after which it ends; the payload
//! ```
//!
//! Numbers are little-endian. All that a script looks at are the first [`HEAD`] bytes: they are the identity of what
//! stands at a key, also of things that are no envelope.

use std::fmt;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: [u8; 4] = [0xAB, b'c', b'h', 2];
const ENTRY: u8 = 1;
const PLACEHOLDER: u8 = 2;
const CHECKED_FROM: usize = 29;
const FIXED: usize = 66;
/// How much of a value identifies it.
pub(crate) const HEAD: usize = 21;
/// A duration that never ends.
const NEVER: u64 = u64::MAX;
/// Set in `flags` where the payload is compressed.
const COMPRESSED: u8 = 1;
/// Set in `flags` where an idle time stands before the payload. Who doesn't know it finds an entry of a wrong length: a miss.
const IDLE: u8 = 2;

/// What a nonce key holds: the time of its making and random bytes. Where it differs, everything that carries it is dead.
pub(crate) type Nonce = [u8; 16];

/// The random id of what stands at a key.
pub(crate) type Stamp = [u8; 16];

/// The first bytes of what stands at a key; none if nothing does. What a script compares before it changes anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    length: u8,
    /// Past the length, zeros.
    bytes: [u8; HEAD],
}

impl Head {
    /// Of what was read.
    pub(crate) fn of(value: &[u8]) -> Self {
        let mut head = Self::default();
        for (to, from) in head.bytes.iter_mut().zip(value) {
            *to = *from;
            head.length += 1;
        }
        head
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The stamp in it, by which no two entries are the same.
    pub(crate) fn stamp(&self) -> u128 {
        self.as_bytes().get(5..HEAD).and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_le_bytes)
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Head").field(&self.as_bytes()).finish()
    }
}

/// A stamp that nobody else has.
pub(crate) fn stamp() -> Stamp {
    random()
}

/// A nonce that nobody else has, with the time of its making in front.
pub(crate) fn nonce(made: u64) -> Nonce {
    let mut nonce: Nonce = random();
    // Six bytes of milliseconds reach for eight thousand years, and leave 80 random bits.
    nonce[..6].copy_from_slice(&made.to_be_bytes()[2..]);
    nonce
}

/// 16 random bytes, from the system's generator through std's keyed hasher: each state is keyed anew in every process, and
/// hashing numbers that never repeat under a secret key gives what nobody can tell from chance.
fn random() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static KEY: OnceLock<[u8; 32]> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let key = KEY.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        // `RandomState` takes its first keys on a thread from the system's generator: a new thread has new ones.
        for _ in 0..4 {
            let thread = std::thread::Builder::new().spawn(|| RandomState::new().hash_one(0_u8));
            let keyed = thread.ok().and_then(|thread| thread.join().ok());
            hasher.update(&keyed.unwrap_or_else(|| RandomState::new().hash_one(1_u8)).to_le_bytes());
        }
        hasher.update(&RandomState::new().hash_one(2_u8).to_le_bytes());
        *hasher.finalize().as_bytes()
    });
    let mut hasher = blake3::Hasher::new_keyed(key);
    // A process that was forked has the same key and count, but another id.
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    let mut random = [0; 16];
    random.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    random
}

/// What goes into an entry besides its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Of the codec: see [`super::codec`].
    pub(crate) codec: u8,
    pub(crate) compressed: bool,
    /// Milliseconds since the epoch, by the server's clock.
    pub(crate) created: u64,
    /// `None`: never ends.
    pub(crate) ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) load: Duration,
    /// How long it lives without being read, if that ends it.
    pub(crate) idle: Option<Duration>,
}

/// What was read at a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content<'b> {
    /// A value.
    Entry { meta: Meta, nonces: &'b [Nonce], payload: std::ops::Range<usize> },
    /// A load is under way somewhere.
    Placeholder { nonces: &'b [Nonce] },
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER - 1).min(NEVER - 1)
}

fn checksum(checked: &[u8]) -> [u8; 8] {
    xxh3_64(checked).to_le_bytes()
}

/// The bytes of an entry; `None` if it is larger than an envelope can say.
pub(crate) fn entry(
    stamp: &Stamp,
    meta: &Meta,
    nonces: &[Nonce],
    text: Option<&str>,
    payload: &[u8],
) -> Option<Vec<u8>> {
    write(ENTRY, stamp, meta, nonces, text, payload)
}

/// The bytes of a placeholder.
pub(crate) fn placeholder(stamp: &Stamp, nonces: &[Nonce]) -> Vec<u8> {
    write(PLACEHOLDER, stamp, &Meta::default(), nonces, None, &[]).unwrap_or_default()
}

fn write(
    kind: u8,
    stamp: &Stamp,
    meta: &Meta,
    nonces: &[Nonce],
    text: Option<&str>,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let count = u8::try_from(nonces.len()).ok()?;
    let length = u32::try_from(payload.len()).ok()?;
    // A text that is too long to be kept is only missing to people.
    let text = text.filter(|text| u16::try_from(text.len()).is_ok()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(FIXED + 16 * nonces.len() + text.len() + 8 + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.push(kind);
    bytes.extend_from_slice(stamp);
    bytes.extend_from_slice(&[0; 8]);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    bytes.extend_from_slice(&[flag(meta.compressed, COMPRESSED) | flag(meta.idle.is_some(), IDLE), meta.codec, count]);
    bytes.extend_from_slice(&u16::try_from(text.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&meta.created.to_le_bytes());
    bytes.extend_from_slice(&meta.ttl.map_or(NEVER, millis).to_le_bytes());
    bytes.extend_from_slice(&millis(meta.stale).to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(meta.load.as_micros()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(nonces.iter().flatten());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend(meta.idle.map(|idle| millis(idle).to_le_bytes()).iter().flatten());
    bytes.extend_from_slice(payload);
    let sum = checksum(&bytes[CHECKED_FROM..]);
    bytes[HEAD..CHECKED_FROM].copy_from_slice(&sum);
    Some(bytes)
}

/// The generation that an entry or placeholder carries, from its first bytes. Its checksum is not looked at.
pub(crate) fn generation(bytes: &[u8]) -> Option<Nonce> {
    let ours = bytes.len() >= FIXED && bytes[..4] == MAGIC && bytes[31] > 0;
    if ours { bytes.get(FIXED..FIXED + 16)?.try_into().ok() } else { None }
}

/// The key's text in the first bytes of an entry, if it is all there. Its checksum is not looked at.
pub(crate) fn key_text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() < FIXED || bytes[..4] != MAGIC || bytes[4] != ENTRY {
        return None;
    }
    let from = FIXED + 16 * usize::from(bytes[31]);
    let length = usize::from(u16::from_le_bytes([bytes[32], bytes[33]]));
    let text = bytes.get(from..from + length)?;
    std::str::from_utf8(text).ok().filter(|text| !text.is_empty())
}

/// What stands at a key; `None` if it is nothing of ours, or damaged.
pub(crate) fn read(bytes: &[u8]) -> Option<Content<'_>> {
    if bytes.len() < FIXED || bytes[..4] != MAGIC || bytes[HEAD..CHECKED_FROM] != checksum(&bytes[CHECKED_FROM..]) {
        return None;
    }
    let number = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let short = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let texted = FIXED + 16 * usize::from(bytes[31]);
    let idles = texted + usize::from(u16::from_le_bytes([bytes[32], bytes[33]]));
    let ends_idle = bytes[29] & IDLE != 0;
    let starts = idles + if ends_idle { 8 } else { 0 };
    let ends = starts.checked_add(usize::try_from(short(62)?).ok()?)?;
    // The length is the checksum's business, too; this makes what follows unable to reach past the end.
    if ends != bytes.len() {
        return None;
    }
    let (nonces, _) = bytes[FIXED..texted].as_chunks();
    match bytes[4] {
        PLACEHOLDER => Some(Content::Placeholder { nonces }),
        ENTRY => {
            let ttl = number(42)?;
            let meta = Meta {
                codec: bytes[30],
                compressed: bytes[29] & COMPRESSED != 0,
                created: number(34)?,
                ttl: (ttl != NEVER).then(|| Duration::from_millis(ttl)),
                stale: Duration::from_millis(number(50)?),
                load: Duration::from_micros(short(58)?.into()),
                idle: if ends_idle { Some(Duration::from_millis(number(idles)?)) } else { None },
            };
            Some(Content::Entry { meta, nonces, payload: starts..ends })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, Meta, Vec<Nonce>) {
        let meta = Meta {
            codec: 1,
            compressed: true,
            created: 1_800_000_000_123,
            ttl: Some(Duration::from_millis(60_001)),
            stale: Duration::from_secs(5),
            load: Duration::from_micros(77),
            idle: Some(Duration::from_secs(7)),
        };
        let nonces = vec![nonce(1), nonce(2)];
        (entry(&stamp(), &meta, &nonces, Some("a long key"), b"payload").unwrap(), meta, nonces)
    }

    #[test]
    fn what_was_written_is_read() {
        let (bytes, meta, nonces) = sample();
        let Some(Content::Entry { meta: read_meta, nonces: read_nonces, payload }) = read(&bytes) else { panic!() };
        assert_eq!((read_meta, read_nonces), (meta, &nonces[..]));
        assert_eq!(&bytes[payload], b"payload");
        let placed = placeholder(&stamp(), &nonces[..1]);
        assert_eq!(read(&placed), Some(Content::Placeholder { nonces: &nonces[..1] }));
        let forever = entry(&stamp(), &Meta::default(), &[], None, b"x").unwrap();
        let Some(Content::Entry { meta, payload, .. }) = read(&forever) else { panic!() };
        assert_eq!((meta.ttl, meta.idle, &forever[payload]), (None, None, &b"x"[..]));
    }

    #[test]
    fn a_new_stamp_in_place_is_no_damage() {
        let (mut bytes, ..) = sample();
        bytes[5..HEAD].copy_from_slice(&stamp());
        assert!(read(&bytes).is_some());
    }

    #[test]
    fn promise_7_every_cut_and_every_flipped_bit_is_unreadable() {
        let (bytes, ..) = sample();
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut at {end}");
        }
        for bit in (0..bytes.len() * 8).filter(|bit| !(5 * 8..HEAD * 8).contains(bit)) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // From entry to placeholder (or back) is two bits.
            assert_eq!(read(&damaged), None, "bit {bit}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(read(&longer), None);
        for foreign in [&b""[..], b"null", b"{\"id\":7}", &[0xAB; 200], &[0; 66]] {
            assert_eq!(read(foreign), None);
        }
    }

    #[test]
    fn stamps_and_nonces_never_repeat() {
        let mut seen = std::collections::HashSet::new();
        assert!((0..10_000).all(|at| seen.insert(stamp()) && seen.insert(nonce(at % 3))));
    }
}
