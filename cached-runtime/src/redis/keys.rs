//! The names of what lies in Redis: entries, their helpers, generations. Must never give two things one name.
//!
//! ```text
//! namespace:name:vN:{text}            an entry, or the placeholder of a load
//! namespace:name:vN:{text}:w          a writer's ticket          } the braces are what a cluster hashes:
//! namespace:name:vN:{text}:refresh    a refresh under way        } the three share a node
//! namespace:name:vN:gen               the generation of all entries of the function
//! namespace:name:vN:gen{n}            in a cluster: that of the entries in one part of the slots
//! namespace:tag:{text}                the nonce of a tag, which all functions share
//!
//! text                                a bare entry: plain JSON that other programs share
//! {text}:lease                        the placeholder of a load of it
//! {text}:w                            a writer's ticket for it
//! ```
//!
//! Distinct by construction: read from the right, a generation ends in `:vN:gen` or `:vN:gen{..}`, an entry in `:vN:{..}` and a tag in
//! `:tag:{..}`, braces stand nowhere else (`%`, `{`, `}` are percent-encoded in every part), and a namespace contains no colon (it is encoded), so
//! it ends at the first. Two functions differ in their name, two versions in N.
//!
//! Each part of a cluster's slots has a generation of its own, in that part: an entry and its generation mostly share a node, so a
//! hit asks one node, and a node that is down costs no other one's entries. `clear` removes them all.
//!
//! The text is the key's own, see [`super::text`]. One that would make the name longer than [`LONGEST`] bytes is replaced
//! by its BLAKE3 hash behind `%#` (no text begins so, as `%` is only ever followed by a code, `-`, `+` or `;`); the text is
//! then kept in the envelope, for people to read.

use super::slots;
use super::text::{self, NoText};
use serde::Serialize;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longer names are hashed.
const LONGEST: usize = 200;

/// How a key becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON of the key.
    Json,
    /// A template's own pieces, between which the parts of the key stand.
    Template(&'static [&'static str]),
    /// The same for bare entries.
    Bare(&'static [&'static str]),
}

/// What the names of a function's things begin with.
#[derive(Clone, Debug)]
pub(crate) struct Prefix {
    text: Arc<str>,
    /// One; in a cluster one for each part of the slots.
    generations: Vec<Arc<str>>,
    form: Form,
}

/// The name of an entry, and of the nonces that it carries.
#[derive(Clone)]
pub(crate) struct Name {
    text: Arc<str>,
    /// The key's text, where the name only holds its hash.
    hashed: Option<Arc<str>>,
    /// The name of the generation that it belongs to; of a bare entry, which has none, the name of its loads' placeholder: that
    /// begins with a brace, and no generation does, whose own are encoded. (A field of its own would make every name longer.)
    /// One call stays with one namespace, whatever is configured meanwhile.
    generation: Arc<str>,
    /// The names of its tags' nonces, in the order in which the entry carries them.
    tags: Option<Arc<[Arc<str>]>>,
}

/// What an entry is called is its name; what it belongs to is what a call knows about it (an invalidation needs no tags).
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// The name of a tag's nonce, whose text is what the tag's template gives.
pub(crate) fn tag(namespace: &str, tag: &str) -> Arc<str> {
    let mut name = tags_stem(namespace);
    let from = name.len();
    text::escape(&mut name, tag);
    close(&mut name, from);
    name.into()
}

/// Ends a name whose text begins at `from`. A long text is replaced by its hash, and given back.
fn close(name: &mut String, from: usize) -> Option<String> {
    if name.len() == from {
        // Empty braces would not be what a cluster hashes.
        name.push('%');
    }
    let long = (name.len() >= LONGEST).then(|| name.split_off(from));
    if let Some(text) = &long {
        name.push_str("%#");
        name.push_str(&blake3::hash(text.as_bytes()).to_hex());
    }
    name.push('}');
    long
}

/// What the names of all nonces of tags begin with, and nothing else.
pub(crate) fn tags_stem(namespace: &str) -> String {
    format!("{}:tag:{{", spaced(namespace))
}

/// What all names of a namespace begin with.
pub(crate) fn space(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!("{}:", spaced(namespace)) }
}

fn spaced(namespace: &str) -> String {
    let mut text = String::with_capacity(namespace.len());
    text::encode(&mut text, namespace, |char| !matches!(char, '%' | '{' | '}' | ':'));
    text
}

/// A name, read again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed<'k> {
    /// The key's text, or its hash behind `%#`.
    pub(crate) text: &'k str,
    /// It is what lies beside an entry.
    pub(crate) is_helper: bool,
}

/// What a name of this namespace is of; `None` for what is no entry's.
pub(crate) fn parse<'k>(namespace: &str, key: &'k [u8]) -> Option<Parsed<'k>> {
    let key = std::str::from_utf8(key).ok()?;
    let (function, rest) = key.split_once('{')?;
    let (text, helper) = rest.split_once('}')?;
    let (name, version) = function.strip_suffix(':')?.rsplit_once(":v")?;
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ours = match &*space(namespace) {
        // As `Prefix::new` has it: a first colon ends a namespace.
        "" => name.starts_with(':') || !name.contains(':'),
        space => name.starts_with(space),
    };
    let is_helper = match helper {
        "" => false,
        ":w" | ":refresh" => true,
        _ => return None,
    };
    ours.then_some(Parsed { text, is_helper })
}

impl Prefix {
    pub(crate) fn new(namespace: &str, name: &str, version: u32, form: Form) -> Self {
        let namespace = spaced(namespace);
        // The first colon ends the namespace, also an empty one, if there is any other.
        let mut stem =
            if namespace.is_empty() && !name.contains(':') { String::new() } else { format!("{namespace}:") };
        text::escape(&mut stem, name);
        let text = format!("{stem}:v{version}:");
        Self { generations: vec![format!("{text}gen").into()], text: text.into(), form }
    }

    /// The same in a cluster.
    pub(crate) fn in_cluster(self) -> Self {
        let of_part = |tag: &u16| format!("{}gen{{{tag}}}", self.text).into();
        Self { generations: slots::tags().iter().map(of_part).collect(), ..self }
    }

    pub(crate) fn is_in_cluster(&self) -> bool {
        self.generations.len() > 1
    }

    /// The name of the entry of `key`.
    pub(crate) fn name<K: Serialize + ?Sized>(&self, key: &K) -> Result<Name, NoText> {
        // Every call writes one: so it is written in one piece.
        let mut name = String::with_capacity(self.text.len() + 64);
        if let Form::Bare(pieces) = self.form {
            // Never hashed: others must find it.
            text::template(&mut name, key, pieces)?;
            return Ok(self.bare(name));
        }
        name.push_str(&self.text);
        name.push('{');
        let from = name.len();
        match self.form {
            Form::Json => text::escape(&mut name, &text::json(key)?),
            Form::Template(pieces) | Form::Bare(pieces) => text::template(&mut name, key, pieces)?,
        }
        let long = close(&mut name, from);
        Ok(self.named(name, long.map(Arc::from)))
    }

    fn named(&self, text: String, hashed: Option<Arc<str>>) -> Name {
        let part = if self.is_in_cluster() { slots::part(text.as_bytes()) } else { 0 };
        let generation = self.generations.get(part).cloned().unwrap_or_default();
        Name { text: text.into(), hashed, generation, tags: None }
    }

    fn bare(&self, text: String) -> Name {
        let lease = format!("{{{text}}}:lease").into();
        Name { generation: lease, ..self.named(text, None) }
    }

    /// The names of the generations.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &str> {
        self.generations.iter().map(|name| &**name)
    }

    /// What the names of all versions begin with: `namespace:name:`.
    pub(crate) fn stem(&self) -> &str {
        self.text.trim_end_matches(':').rsplit_once(":v").map_or("", |(stem, _)| &self.text[..=stem.len()])
    }
}

impl Name {
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key's text, where the name only holds its hash.
    pub(crate) fn hashed(&self) -> Option<&str> {
        self.hashed.as_deref()
    }

    /// The same entry, as one that carries these tags (their nonces' names).
    pub(crate) fn tagged(self, tags: Vec<Arc<str>>) -> Self {
        Self { tags: Some(tags.into()), ..self }
    }

    /// The names of its tags' nonces.
    pub(crate) fn tags(&self) -> &[Arc<str>] {
        self.tags.as_deref().unwrap_or_default()
    }

    /// Of a bare entry: where its loads have their placeholder.
    pub(crate) fn lease(&self) -> Option<&Arc<str>> {
        Some(&self.generation).filter(|name| name.starts_with('{'))
    }

    /// Where loads have their placeholder.
    pub(crate) fn placed(&self) -> &Arc<str> {
        self.lease().unwrap_or(&self.text)
    }

    /// The names of all nonces that it carries: its generation's, then those of its tags. A bare entry carries none.
    pub(crate) fn nonces(&self) -> impl Iterator<Item = &str> {
        let generation = self.lease().is_none().then_some(&*self.generation);
        generation.into_iter().chain(self.tags().iter().map(|tag| &**tag))
    }

    /// Where a writer leaves its ticket.
    pub(crate) fn writer(&self) -> String {
        self.beside("w")
    }

    /// A name on the same node of a cluster, which hashes what stands in braces.
    fn beside(&self, what: &str) -> String {
        match self.lease() {
            Some(_) => format!("{{{}}}:{what}", self.text),
            None => format!("{}:{what}", self.text),
        }
    }

    /// Where a refresh is noted.
    pub(crate) fn refresh(&self) -> String {
        self.beside("refresh")
    }
}

/// Shortened: keys may hold what should not fill a log.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        match self.text.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{}...", &self.text[..end]),
            None => f.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const PRODUCT: Form = Form::Template(&["product:", ""]);

    #[test]
    fn in_a_cluster_an_entry_and_its_generation_are_neighbours() {
        let prefix = Prefix::new("shop", "f", 3, PRODUCT).in_cluster();
        assert_eq!(prefix.generations().collect::<HashSet<_>>().len(), 256);
        for key in 0..1000 {
            let name = prefix.name(&key).unwrap();
            let generation = name.nonces().next().unwrap();
            assert!(generation.starts_with("shop:f:v3:gen{") && generation.ends_with('}'), "{generation}");
            assert_eq!(slots::part(generation.as_bytes()), slots::part(name.as_bytes()));
            assert!(parse("shop", generation.as_bytes()).is_none());
        }
    }

    #[test]
    fn names_are_readable() {
        let prefix = Prefix::new("shop", "shop::product", 3, PRODUCT);
        let name = prefix.name(&7).unwrap();
        assert_eq!(&**name.text(), "shop:shop::product:v3:{product:7}");
        assert_eq!(name.writer(), "shop:shop::product:v3:{product:7}:w");
        assert_eq!(prefix.generations().collect::<Vec<_>>(), ["shop:shop::product:v3:gen"]);
        assert_eq!(prefix.stem(), "shop:shop::product:");
        let json = Prefix::new("", "page", 0, Form::Json);
        assert_eq!(&**json.name(&("x", 7)).unwrap().text(), r#"page:v0:{["x",7]}"#);
    }

    #[test]
    fn a_cluster_finds_one_pair_of_braces() {
        for key in ["", "}", "{", "a{b}c", "%7D"] {
            for form in [Form::Json, Form::Template(&["", ""]), Form::Template(&["{", "}"])] {
                let name = Prefix::new("n{s}:x", "f<{T}>", 1, form).name(key).unwrap();
                let inside = name.text().split_once('{').unwrap().1;
                assert_eq!(inside.find('}'), Some(inside.len() - 1), "{name:?}");
                assert!(inside.len() > 1);
            }
        }
    }

    #[test]
    fn promise_1_names_and_namespaces_stay_apart() {
        let of = |space, name, version| Prefix::new(space, name, version, Form::Json).name(&1).unwrap();
        assert_ne!(of("a:b", "c", 0), of("a", "b:c", 0));
        assert_ne!(of("a", "c", 1), of("a", "c", 11));
        assert_ne!(of("a", "c:v1", 0), of("a", "c", 1));
        assert_ne!(of("", "a:c", 0), of("a", "c", 0));
    }

    #[test]
    fn promise_1_tags_have_names_of_their_own() {
        assert_eq!(&*tag("shop", "user:7"), "shop:tag:{user:7}");
        assert_eq!(&*tag("", "user:7"), ":tag:{user:7}");
        let long = tag("shop", &"x".repeat(300));
        assert!(long.len() < 100 && long != tag("shop", &"x".repeat(301)));
        let texts = ["", "%", "a}b", "a%7Db", "v0:{1}"];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[at + 1..] {
                assert_ne!(tag("a", one), tag("a", other));
            }
        }
        assert_ne!(tag("a:b", "c"), tag("a", "b:c"));
        for space in ["", "a", "a:tag"] {
            let names = Prefix::new(space, "tag", 0, Form::Template(&["", ""]));
            for text in texts {
                assert_ne!(*tag(space, text), **names.name(text).unwrap().text());
                assert_ne!(*tag(space, text), *names.generations().next().unwrap());
            }
        }
    }

    #[test]
    fn bare_names_are_the_text() {
        let prefix = Prefix::new("shop", "product", 0, Form::Bare(&["product:", ""]));
        let name = prefix.name(&7).unwrap();
        assert_eq!(&**name.text(), "product:7");
        assert_eq!(&**name.placed(), "{product:7}:lease");
        assert_eq!(name.writer(), "{product:7}:w");
        assert_eq!(name.nonces().count(), 0);
        assert_eq!(parse("", b"{product:7}:lease"), None, "nothing that is swept");
        let long = "x".repeat(300);
        assert_eq!(prefix.name(&long).unwrap().text().len(), 308);
    }

    #[test]
    fn long_keys_are_hashed() {
        let prefix = Prefix::new("", "f", 0, Form::Template(&["", ""]));
        let name = prefix.name(&"x".repeat(300)).unwrap();
        assert!(name.as_bytes().len() < 100);
        assert_eq!(name.hashed().map(str::len), Some(300));
        assert!(format!("{name:?}").len() < 90);
        assert_ne!(name, prefix.name(&"x".repeat(301)).unwrap());
    }
}
