//! Invalidation by pattern: the texts of keys, and who is asked. Must never leave an entry because its text is not known:
//! too much is forgotten rather than too little.

use crate::acting::Invalidation;
use crate::glob::Glob;
use crate::registry;
use std::fmt;

/// Writes the text of a key; `None` if it has none. Hidden behind the builder: the macro knows templates.
pub(crate) type TextOf<K> = fn(&K, &mut dyn fmt::Write) -> Option<()>;

/// A part of a key, as text: a probe that finds out whether it has one.
#[derive(Debug)]
pub struct Text<'k, T: ?Sized>(pub &'k T);

impl<T: ?Sized + fmt::Display> Text<'_, T> {
    /// Writes it as it is displayed.
    pub fn __text(&self, out: &mut dyn fmt::Write) -> Option<()> {
        out.write_fmt(format_args!("{}", self.0)).ok()
    }
}

/// All parts that can't be displayed: an inherent method wins over this one.
pub trait NoText {
    /// It has no text.
    fn __text(&self, _: &mut dyn fmt::Write) -> Option<()> {
        None
    }
}

impl<T: ?Sized> NoText for Text<'_, T> {}

/// Invalidates the entries whose keys' texts match a pattern, in every cache of the application whose key is a template:
/// with `key = "product:{id}"`, the text of `product(7)` is `product:7`.
///
/// A pattern is as in Redis: `*` is any text, `?` one character, `[a-z]` one of these, `[^a-z]` one other, and `\` takes
/// the meaning of what follows away. Parts that come from elsewhere go through [`escape_pattern`](crate::escape_pattern).
/// The arguments stand in the text as they are displayed, so `product:*` also matches a text with a colon in it.
///
/// A call that starts after this succeeded never gets a value of such a key whose load began before. It acts at once;
/// await the result, or call [`wait`](Invalidation::wait), to learn whether servers could be told. Where a text is not
/// known, too much is forgotten rather than too little: all loads that are under way in such a cache, all of the cache if
/// a part of its key can't be displayed, all of a `backend = local` one whose key is a template.
///
/// It looks at every entry of those caches: a few hundred nanoseconds each. Tags ([`invalidate_tag`](crate::invalidate_tag))
/// cost nothing of the kind.
///
/// # Errors
///
/// What kept a server from forgetting. None with the memory stores.
///
/// ```
/// use cached_runtime::{escape_pattern, invalidate_matching};
///
/// let user = "a*b";
/// invalidate_matching(format!("basket:{}:*", escape_pattern(user))).wait()?;
/// # Ok::<_, cached_runtime::Error>(())
/// ```
pub fn invalidate_matching(pattern: impl AsRef<str>) -> Invalidation {
    let pattern = pattern.as_ref();
    let glob = Glob::new(pattern);
    for cache in registry::all() {
        cache.forget_matching(&glob);
    }
    #[cfg(feature = "redis")]
    return Invalidation::of(crate::redis::invalidate_matching(pattern));
    #[cfg(not(feature = "redis"))]
    Invalidation::default()
}

/// Asks for the texts of keys one after another, in one buffer.
pub(crate) struct Matching<'g, K> {
    glob: &'g Glob,
    text_of: TextOf<K>,
    text: String,
}

impl<'g, K> Matching<'g, K> {
    pub(crate) fn new(glob: &'g Glob, text_of: TextOf<K>) -> Self {
        Self { glob, text_of, text: String::new() }
    }

    /// Whether a key's text matches, or is not known.
    pub(crate) fn takes(&mut self, key: &K) -> bool {
        self.text.clear();
        (self.text_of)(key, &mut self.text).is_none() || self.glob.matches(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mute;

    #[test]
    fn the_probe_finds_what_can_be_displayed() {
        let mut out = String::new();
        assert_eq!(Text(&7).__text(&mut out), Some(()));
        assert_eq!(Text("x").__text(&mut out), Some(()));
        assert_eq!(Text(&Mute).__text(&mut out), None);
        assert_eq!(out, "7x");
    }

    #[test]
    fn what_has_no_text_is_taken() {
        let glob = Glob::new("product:1*");
        let mut matching = Matching::new(&glob, |key: &u32, out| match key {
            13 => None,
            key => out.write_fmt(format_args!("product:{key}")).ok(),
        });
        assert!(matching.takes(&1) && matching.takes(&10) && matching.takes(&13));
        assert!(!matching.takes(&2) && !matching.takes(&21));
    }
}
