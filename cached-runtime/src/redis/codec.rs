//! Values as bytes. Must never run on the driver: decoding a large value would hold up everybody else's calls.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How values cross to Redis.
///
/// ```
/// use cached_runtime::redis::Codec;
///
/// assert_eq!(Codec::default(), Codec::Json);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON: readable with `redis-cli`; fields are named, so values survive added and removed ones as serde says.
    #[default]
    Json,
    /// `MessagePack` with field names: smaller, and as tolerant.
    #[cfg(feature = "msgpack")]
    #[cfg_attr(docsrs, doc(cfg(feature = "msgpack")))]
    Msgpack,
    /// postcard: smallest, and positional. A type whose fields change must raise the cache's version: swapped fields
    /// decode to wrong values.
    #[cfg(feature = "postcard")]
    #[cfg_attr(docsrs, doc(cfg(feature = "postcard")))]
    Postcard,
}

/// A value that can't cross: said by serde, in its own words. Never holds the value.
pub(crate) type Problem = String;

/// A value as it crosses.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) payload: Vec<u8>,
    pub(crate) compressed: bool,
}

impl Codec {
    /// What tells the codecs apart in an envelope.
    pub(crate) fn id(self) -> u8 {
        match self {
            Self::Json => 1,
            #[cfg(feature = "msgpack")]
            Self::Msgpack => 2,
            #[cfg(feature = "postcard")]
            Self::Postcard => 3,
        }
    }

    /// The bytes of a value, compressed if they are more than `compress_above`.
    pub(crate) fn encode<V: Serialize>(self, value: &V, compress_above: Option<usize>) -> Result<Encoded, Problem> {
        let payload = match self {
            Self::Json => serde_json::to_vec(value).map_err(|error| error.to_string())?,
            #[cfg(feature = "msgpack")]
            Self::Msgpack => rmp_serde::to_vec_named(value).map_err(|error| error.to_string())?,
            #[cfg(feature = "postcard")]
            Self::Postcard => postcard::to_allocvec(value).map_err(|error| error.to_string())?,
        };
        Ok(compress(payload, compress_above))
    }

    /// A value out of its bytes.
    pub(crate) fn decode<V: DeserializeOwned>(self, payload: &[u8], compressed: bool) -> Result<V, Problem> {
        let unpacked;
        let payload = if compressed {
            unpacked = decompress(payload)?;
            &unpacked
        } else {
            payload
        };
        match self {
            Self::Json => serde_json::from_slice(payload).map_err(|error| error.to_string()),
            #[cfg(feature = "msgpack")]
            Self::Msgpack => rmp_serde::from_slice(payload).map_err(|error| error.to_string()),
            #[cfg(feature = "postcard")]
            Self::Postcard => match postcard::take_from_bytes(payload) {
                Ok((value, [])) => Ok(value),
                Ok(_) => Err("bytes are left over".to_owned()),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

#[cfg(feature = "compress")]
fn compress(payload: Vec<u8>, above: Option<usize>) -> Encoded {
    if above.is_some_and(|above| payload.len() > above) {
        let packed = lz4_flex::compress_prepend_size(&payload);
        if packed.len() < payload.len() {
            return Encoded { payload: packed, compressed: true };
        }
    }
    Encoded { payload, compressed: false }
}

#[cfg(not(feature = "compress"))]
fn compress(payload: Vec<u8>, _: Option<usize>) -> Encoded {
    Encoded { payload, compressed: false }
}

/// More than this is no value of ours, whatever it says its size is: Redis holds no larger string.
#[cfg(feature = "compress")]
const LARGEST: usize = 512 << 20;

#[cfg(feature = "compress")]
fn decompress(payload: &[u8]) -> Result<Vec<u8>, Problem> {
    let (size, rest) = lz4_flex::block::uncompressed_size(payload).map_err(|error| error.to_string())?;
    // A block of LZ4 grows to 255 times its size at most: what claims more would only cost memory.
    if size > LARGEST || size / 255 > rest.len() + 1 {
        return Err("it claims an impossible size".to_owned());
    }
    lz4_flex::decompress(rest, size).map_err(|error| error.to_string())
}

#[cfg(not(feature = "compress"))]
fn decompress(_: &[u8]) -> Result<Vec<u8>, Problem> {
    Err("it is compressed, and this program was built without the feature `compress`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Codec> {
        vec![
            Codec::Json,
            #[cfg(feature = "msgpack")]
            Codec::Msgpack,
            #[cfg(feature = "postcard")]
            Codec::Postcard,
        ]
    }

    #[test]
    fn values_come_back() {
        let value = (7_u32, "seven".to_owned(), Some(vec![1.5, 2.5]), None::<u8>);
        for codec in all() {
            let encoded = codec.encode(&value, None).unwrap();
            assert_eq!(codec.decode(&encoded.payload, encoded.compressed).as_ref(), Ok(&value));
            assert!(codec.decode::<(u32, String)>(&encoded.payload[..encoded.payload.len() - 1], false).is_err());
        }
    }

    #[test]
    #[cfg(feature = "compress")]
    fn large_values_are_compressed() {
        let value = "abc".repeat(1000);
        let encoded = Codec::Json.encode(&value, Some(1000)).unwrap();
        assert!(encoded.compressed && encoded.payload.len() < 200);
        assert_eq!(Codec::Json.decode(&encoded.payload, true), Ok(value));
        assert!(!Codec::Json.encode(&"short", Some(1000)).unwrap().compressed);
        assert!(Codec::Json.decode::<String>(&[255, 255, 255, 255, 0], true).is_err());
        assert!(Codec::Json.decode::<String>(&[255, 255, 255, 15, 0], true).is_err());
        assert!(Codec::Json.decode::<String>(&[], true).is_err());
    }
}
