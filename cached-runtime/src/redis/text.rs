//! A key as text: two different keys of one type never have the same text. Must never depend on where or when it runs,
//! since other processes must find the same entry, and must never fail silently.
//!
//! Plain JSON is not enough: it writes `None` and `Some(None)` alike, and every float that is no number as `null`. So
//! this is JSON with two additions, which only odd keys show: `some(..)` around a `Some` whose inside looks like an absent
//! one, and names for the floats that JSON lacks. Maps may have keys of any type.
//!
//! A part of a template is bare: a string without quotes, with everything percent-encoded that could be taken for the
//! template's own text.

use serde::ser::{self, Serialize};
use std::fmt::{self, Write as _};

/// What a key is not, that text could be made of.
#[derive(Debug)]
pub(crate) struct NoText(pub(crate) String);

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoText {}

impl ser::Error for NoText {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

type Written = Result<(), NoText>;

/// A key as JSON with additions: `7`, `"x"`, `[7,"x"]`.
pub(crate) fn json<K: Serialize + ?Sized>(key: &K) -> Result<String, NoText> {
    let mut text = String::new();
    key.serialize(Writer { text: &mut text })?;
    Ok(text)
}

/// Absent in a template: `%-` is no code of a character.
const ABSENT: &str = "%-";
/// In front of a `Some` whose inside looks like an absent one.
const PRESENT: &str = "%+";

/// Appends a template's text: its own pieces, and between them the parts of the key.
///
/// One part is the key itself, several are a tuple. Between two parts there must be something that no part contains:
/// where the template's own piece is not such a thing (`{a}{b}`, `{a}x{b}`), a `%;` is put there.
pub(crate) fn template<K: Serialize + ?Sized>(text: &mut String, key: &K, pieces: &[&str]) -> Written {
    if let [before, after] = pieces {
        escape(text, before);
        key.serialize(Part { text })?;
        escape(text, after);
        return Ok(());
    }
    let mut parts = Vec::new();
    if pieces.len() > 2 {
        key.serialize(Parts(&mut parts))?;
    }
    if parts.len() + 1 != pieces.len().max(1) {
        return Err(NoText(format!("the template has {} places, and the key {} parts", pieces.len() - 1, parts.len())));
    }
    for (at, piece) in pieces.iter().enumerate() {
        let between = at > 0 && at + 1 < pieces.len();
        if between && !piece.chars().any(|char| escape_keeps(char) && !is_bare(char)) {
            text.push_str("%;");
        }
        escape(text, piece);
        if let Some(part) = parts.get(at) {
            text.push_str(part);
        }
    }
    Ok(())
}

/// Appends `plain`, percent-encoding what has a meaning of its own in a key of ours: the signs of the code itself, and braces,
/// by which a cluster finds the node.
pub(crate) fn escape(text: &mut String, plain: &str) {
    encode(text, plain, escape_keeps);
}

fn escape_keeps(char: char) -> bool {
    !matches!(char, '%' | '{' | '}')
}

/// Whether a character stands for itself in a template's part.
fn is_bare(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '.' | '@' | '+' | '~')
}

/// Appends `plain`, percent-encoding the bytes of the characters that don't stand for themselves.
pub(crate) fn encode(text: &mut String, plain: &str, stays: impl Fn(char) -> bool) {
    let mut rest = plain;
    while let Some(at) = rest.find(|char| !stays(char)) {
        let (kept, other) = rest.split_at(at);
        text.push_str(kept);
        let mut others = other.chars();
        others.next();
        rest = others.as_str();
        for byte in &other.as_bytes()[..other.len() - rest.len()] {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.push_str(rest);
}

/// What a key's text says, without the encoding: for people, and to be matched. Not injective.
pub(crate) fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let mut code = rest.clone();
        if let (Some(high), Some(low)) = (digit(code.next()), digit(code.next())) {
            decoded.extend(u8::try_from(high * 16 + low));
            rest = code;
        } else {
            // A mark: absent, present, or between two parts.
            rest.next();
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// One part of a template.
fn part<T: Serialize + ?Sized>(value: &T) -> Result<String, NoText> {
    let mut text = String::new();
    value.serialize(Part { text: &mut text })?;
    Ok(text)
}

fn float(text: &mut String, value: f64, shown: impl fmt::Debug) {
    let _ = if value == 0.0 {
        // As keys, both zeros are one.
        write!(text, "0.0")
    } else {
        write!(text, "{shown:?}")
    };
}

fn quoted(text: &mut String, value: &str) -> Written {
    let json = serde_json::to_string(value).map_err(ser::Error::custom)?;
    text.push_str(&json);
    Ok(())
}

/// Writes any value.
struct Writer<'t> {
    text: &'t mut String,
}

/// Writes what is between brackets.
struct Items<'t> {
    text: &'t mut String,
    first: bool,
    close: &'static str,
}

impl<'t> Writer<'t> {
    fn open(self, open: &str, close: &'static str) -> Items<'t> {
        self.text.push_str(open);
        Items { text: self.text, first: true, close }
    }

    fn variant(self, name: &str, open: &str, close: &'static str) -> Result<Items<'t>, NoText> {
        self.text.push('{');
        quoted(self.text, name)?;
        self.text.push(':');
        Ok(self.open(open, close))
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        if !std::mem::take(&mut self.first) {
            self.text.push(',');
        }
        value.serialize(Writer { text: self.text })
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Written {
        self.item(name)?;
        self.text.push(':');
        value.serialize(Writer { text: self.text })
    }

    fn close(self) {
        self.text.push_str(self.close);
    }
}

macro_rules! shown {
    ($($method:ident: $T:ty)*) => { $(
        fn $method(self, value: $T) -> Written {
            let _ = write!(self.text, "{value}");
            Ok(())
        }
    )* };
}

impl<'t> ser::Serializer for Writer<'t> {
    type Ok = ();
    type Error = NoText;
    type SerializeSeq = Items<'t>;
    type SerializeTuple = Items<'t>;
    type SerializeTupleStruct = Items<'t>;
    type SerializeTupleVariant = Items<'t>;
    type SerializeMap = Items<'t>;
    type SerializeStruct = Items<'t>;
    type SerializeStructVariant = Items<'t>;

    shown! {
        serialize_bool: bool
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64 serialize_i128: i128
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64 serialize_u128: u128
    }

    fn serialize_f32(self, value: f32) -> Written {
        float(self.text, value.into(), value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Written {
        float(self.text, value, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        quoted(self.text, value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        quoted(self.text, value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        let mut items = self.open("[", "]");
        value.iter().try_for_each(|byte| items.item(byte))?;
        items.close();
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        let inside = json(value)?;
        if inside == "null" || inside.starts_with("some(") {
            let _ = write!(self.text, "some({inside})");
        } else {
            self.text.push_str(&inside);
        }
        Ok(())
    }

    fn serialize_unit(self) -> Written {
        self.text.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        quoted(self.text, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut items = self.open("{", "}");
        items.named(variant, value)?;
        items.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'t>, NoText> {
        self.variant(variant, "[", "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'t>, NoText> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'t>, NoText> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'t>, NoText> {
        self.variant(variant, "{", "}}")
    }
}

macro_rules! items {
    ($($Trait:ident $method:ident)*) => { $(
        impl ser::$Trait for Items<'_> {
            type Ok = ();
            type Error = NoText;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.item(value)
            }

            fn end(self) -> Written {
                self.close();
                Ok(())
            }
        }
    )* };
}
items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($Trait:ident)*) => { $(
        impl ser::$Trait for Items<'_> {
            type Ok = ();
            type Error = NoText;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
                self.named(name, value)
            }

            fn end(self) -> Written {
                self.close();
                Ok(())
            }
        }
    )* };
}
fields!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = NoText;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.text.push(':');
        value.serialize(Writer { text: self.text })
    }

    fn end(self) -> Written {
        self.close();
        Ok(())
    }
}

/// Writes one part of a template: what is a word of its own is bare, all else is encoded JSON.
struct Part<'t> {
    text: &'t mut String,
}

/// A part with a structure: gathered as JSON, then encoded.
struct Inner<'t> {
    text: &'t mut String,
    json: String,
    close: &'static str,
    first: bool,
}

impl<'t> Part<'t> {
    fn word(self, word: &str) {
        encode(self.text, word, is_bare);
    }

    fn open(self, open: &str, close: &'static str) -> Inner<'t> {
        Inner { text: self.text, json: open.to_owned(), close, first: true }
    }

    fn variant(self, name: &str, open: &str, close: &'static str) -> Result<Inner<'t>, NoText> {
        let mut inner = self.open("{", close);
        quoted(&mut inner.json, name)?;
        inner.json.push(':');
        inner.json.push_str(open);
        Ok(inner)
    }
}

impl Inner<'_> {
    fn items<R>(&mut self, f: impl FnOnce(&mut Items<'_>) -> R) -> R {
        let mut items = Items { text: &mut self.json, first: self.first, close: "" };
        let result = f(&mut items);
        self.first = items.first;
        result
    }

    fn finish(mut self) {
        self.json.push_str(self.close);
        encode(self.text, &self.json, is_bare);
    }
}

macro_rules! words {
    ($($method:ident: $T:ty)*) => { $(
        fn $method(self, value: $T) -> Written {
            self.word(&value.to_string());
            Ok(())
        }
    )* };
}

impl<'t> ser::Serializer for Part<'t> {
    type Ok = ();
    type Error = NoText;
    type SerializeSeq = Inner<'t>;
    type SerializeTuple = Inner<'t>;
    type SerializeTupleStruct = Inner<'t>;
    type SerializeTupleVariant = Inner<'t>;
    type SerializeMap = Inner<'t>;
    type SerializeStruct = Inner<'t>;
    type SerializeStructVariant = Inner<'t>;

    // Letters and digits stand for themselves.
    shown! {
        serialize_bool: bool
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64 serialize_u128: u128
    }

    words! {
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64 serialize_i128: i128
        serialize_char: char serialize_str: &str
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.word(&json(&value)?);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.word(&json(&value)?);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.word(&json(value)?);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.text.push_str(ABSENT);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        let inside = part(value)?;
        if inside.starts_with(ABSENT) || inside.starts_with(PRESENT) {
            self.text.push_str(PRESENT);
        }
        self.text.push_str(&inside);
        Ok(())
    }

    fn serialize_unit(self) -> Written {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.word(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        at: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut text = String::new();
        ser::Serializer::serialize_newtype_variant(Writer { text: &mut text }, name, at, variant, value)?;
        self.word(&text);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inner<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inner<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inner<'t>, NoText> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inner<'t>, NoText> {
        self.variant(variant, "[", "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inner<'t>, NoText> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inner<'t>, NoText> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inner<'t>, NoText> {
        self.variant(variant, "{", "}}")
    }
}

macro_rules! inner_items {
    ($($Trait:ident $method:ident)*) => { $(
        impl ser::$Trait for Inner<'_> {
            type Ok = ();
            type Error = NoText;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.items(|items| items.item(value))
            }

            fn end(self) -> Written {
                self.finish();
                Ok(())
            }
        }
    )* };
}
inner_items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! inner_fields {
    ($($Trait:ident)*) => { $(
        impl ser::$Trait for Inner<'_> {
            type Ok = ();
            type Error = NoText;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
                self.items(|items| items.named(name, value))
            }

            fn end(self) -> Written {
                self.finish();
                Ok(())
            }
        }
    )* };
}
inner_fields!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Inner<'_> {
    type Ok = ();
    type Error = NoText;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.items(|items| items.item(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.json.push(':');
        value.serialize(Writer { text: &mut self.json })
    }

    fn end(self) -> Written {
        self.finish();
        Ok(())
    }
}

/// Takes a tuple apart into the parts of a template.
struct Parts<'p>(&'p mut Vec<String>);

fn no_tuple<T>() -> Result<T, NoText> {
    Err(NoText("a template of several parts takes a key that is a tuple".to_owned()))
}

macro_rules! no_tuple {
    ($($method:ident: $T:ty)*) => { $(
        fn $method(self, _: $T) -> Written {
            no_tuple()
        }
    )* };
}

impl ser::Serializer for Parts<'_> {
    type Ok = ();
    type Error = NoText;
    type SerializeSeq = ser::Impossible<(), NoText>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = ser::Impossible<(), NoText>;
    type SerializeTupleVariant = ser::Impossible<(), NoText>;
    type SerializeMap = ser::Impossible<(), NoText>;
    type SerializeStruct = ser::Impossible<(), NoText>;
    type SerializeStructVariant = ser::Impossible<(), NoText>;

    no_tuple! {
        serialize_bool: bool
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64
        serialize_f32: f32 serialize_f64: f64 serialize_char: char serialize_str: &str serialize_bytes: &[u8]
        serialize_unit_struct: &'static str
    }

    fn serialize_none(self) -> Written {
        no_tuple()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Written {
        no_tuple()
    }

    fn serialize_unit(self) -> Written {
        no_tuple()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Written {
        no_tuple()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Written {
        no_tuple()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Written {
        no_tuple()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, NoText> {
        no_tuple()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NoText> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, NoText> {
        no_tuple()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoText> {
        no_tuple()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NoText> {
        no_tuple()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, NoText> {
        no_tuple()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoText> {
        no_tuple()
    }
}

impl ser::SerializeTuple for Parts<'_> {
    type Ok = ();
    type Error = NoText;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.0.push(part(value)?);
        Ok(())
    }

    fn end(self) -> Written {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templated<K: Serialize + ?Sized>(key: &K, pieces: &[&str]) -> Result<String, NoText> {
        let mut text = String::new();
        template(&mut text, key, pieces)?;
        Ok(text)
    }
    use std::collections::{BTreeMap, BTreeSet};

    fn distinct<K: Serialize>(keys: &[K]) {
        let texts: BTreeSet<String> = keys.iter().map(|key| json(key).unwrap()).collect();
        assert_eq!(texts.len(), keys.len(), "{texts:?}");
        let parts: BTreeSet<String> = keys.iter().map(|key| templated(key, &["", ""]).unwrap()).collect();
        assert_eq!(parts.len(), keys.len(), "{parts:?}");
    }

    #[test]
    fn common_keys_read_as_json() {
        assert_eq!(json(&7_u64).unwrap(), "7");
        assert_eq!(json("a\"b").unwrap(), r#""a\"b""#);
        assert_eq!(json(&("x", 7, Some(2.5), None::<u8>, [true])).unwrap(), r#"["x",7,2.5,null,[true]]"#);
        assert_eq!(json(&BTreeMap::from([(1, 'x')])).unwrap(), r#"{1:"x"}"#);
    }

    #[test]
    fn promise_1_options_and_floats_stay_apart() {
        distinct(&[None, Some(None), Some(Some(None)), Some(Some(Some("null"))), Some(Some(Some("some(null)")))]);
        distinct(&[None, Some("null"), Some("%-"), Some(""), Some("some(")]);
        distinct(&[None, Some(())]);
        distinct(&[0.0, 1.0, 0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1e-300]);
        assert_eq!(json(&-0.0).unwrap(), json(&0.0).unwrap());
    }

    #[test]
    fn promise_1_templates_keep_their_parts_apart() {
        let text = |pieces: &[&str], a: &str, b: &str| templated(&(a, b), pieces).unwrap();
        for pieces in [&["", ":", ""][..], &["", "", ""], &["p", "x", "s"], &["", "%", ""], &["", "-", ""]] {
            let alphabet = ["", "x", ":", "x:", ":x", "%", "%3A", "xx", "-", "--", "{", "%;", "x%;x"];
            let mut seen = BTreeSet::new();
            for a in alphabet {
                for b in alphabet {
                    assert!(seen.insert(text(pieces, a, b)), "{pieces:?} {a:?} {b:?}");
                }
            }
        }
        assert_eq!(text(&["a:", ":b:", ""], "x", "y"), "a:x:b:y");
        assert_eq!(templated(&7, &["product:", ""]).unwrap(), "product:7");
        assert_eq!(templated(&(), &["all"]).unwrap(), "all");
        assert!(templated(&7, &["a", "b", "c"]).is_err());
    }

    #[test]
    fn nothing_breaks_out_of_the_braces() {
        enum Odd {
            Struct { a: u8 },
            Tuple(u8, u8),
            New(u8),
            Unit,
        }
        impl Serialize for Odd {
            fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ser::{SerializeStructVariant, SerializeTupleVariant};
                match self {
                    Self::Struct { a } => {
                        let mut variant = serializer.serialize_struct_variant("Odd", 0, "Struct", 1)?;
                        variant.serialize_field("a", a)?;
                        variant.end()
                    }
                    Self::Tuple(a, b) => {
                        let mut variant = serializer.serialize_tuple_variant("Odd", 1, "Tuple", 2)?;
                        variant.serialize_field(a)?;
                        variant.serialize_field(b)?;
                        variant.end()
                    }
                    Self::New(a) => serializer.serialize_newtype_variant("Odd", 2, "New", a),
                    Self::Unit => serializer.serialize_unit_variant("Odd", 3, "Unit"),
                }
            }
        }
        for odd in [Odd::Struct { a: 1 }, Odd::Tuple(1, 2), Odd::New(1), Odd::Unit] {
            let text = templated(&odd, &["p:", ""]).unwrap();
            assert!(!text.contains(['{', '}', '"']), "{text}");
        }
        distinct(&[Odd::Struct { a: 1 }, Odd::Tuple(1, 2), Odd::New(1), Odd::Unit]);
        assert_eq!(json(&Odd::Tuple(1, 2)).unwrap(), r#"{"Tuple":[1,2]}"#);
        assert_eq!(json(&Odd::Struct { a: 1 }).unwrap(), r#"{"Struct":{"a":1}}"#);
    }
}
