//! All mistakes of one use of the attribute, collected. Must never be dropped unread, or a mistake would pass in silence.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Notes a mistake under the user's own `tokens`, and what to write instead.
    pub(crate) fn at(&mut self, tokens: &(impl ToTokens + ?Sized), mistake: impl Display, help: impl Display) {
        self.push(error(tokens, mistake, help));
    }

    /// Notes a mistake that was found by parsing.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// Whether nothing was wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `compile_error!` for each of them.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}

/// One mistake: what is wrong, and what to write instead.
pub(crate) fn error(tokens: &(impl ToTokens + ?Sized), mistake: impl Display, help: impl Display) -> syn::Error {
    syn::Error::new_spanned(tokens, format!("{mistake}\n\nhelp: {help}"))
}

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = word.len().div_ceil(3);
    known
        .into_iter()
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The number of letters to add, remove or change (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_word() {
        let known = ["ttl", "tti", "capacity", "cache_if"];
        assert_eq!(did_you_mean("capcity", known), Some("capacity"));
        assert_eq!(did_you_mean("cache_of", known), Some("cache_if"));
        assert_eq!(did_you_mean("tlt", known), None);
        assert_eq!(did_you_mean("banana", known), None);
    }
}
