//! Glob patterns over the texts of keys, as Redis has them. Must never take time out of proportion: a mismatch goes back to
//! the last `*` only, so text times pattern is the most, whatever the pattern.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// A pattern.
#[derive(Clone, Debug)]
pub(crate) struct Glob(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    /// `*`: any text, also none.
    Any,
    /// `?`: one character.
    One,
    /// A character that stands for itself.
    Char(char),
    /// `[..]`: one of these characters; `[^..]`: one other.
    Class { not: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Reads a pattern. All texts are patterns: a `[` without its `]` goes on to the end, a `\` at the end stands for itself.
    pub(crate) fn new(pattern: &str) -> Self {
        let mut rest = pattern.chars().peekable();
        let mut pieces = Vec::new();
        while let Some(char) = rest.next() {
            pieces.push(match char {
                // Several in a row are one.
                '*' if matches!(pieces.last(), Some(Piece::Any)) => continue,
                '*' => Piece::Any,
                '?' => Piece::One,
                '[' => class(&mut rest),
                '\\' => Piece::Char(rest.next().unwrap_or('\\')),
                char => Piece::Char(char),
            });
        }
        Self(pieces)
    }

    /// Whether the whole text is as the pattern says.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (mut at, mut rest) = (0, text.chars());
        // Where to go on when something does not match: after the last `*`, with one more character taken by it.
        let mut again: Option<(usize, Chars<'_>)> = None;
        loop {
            match self.0.get(at) {
                Some(Piece::Any) => {
                    at += 1;
                    again = Some((at, rest.clone()));
                    continue;
                }
                Some(piece) => {
                    let mut next = rest.clone();
                    if next.next().is_some_and(|char| piece.is(char)) {
                        (at, rest) = (at + 1, next);
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, taken)) = &mut again else { return false };
            if taken.next().is_none() {
                return false;
            }
            (at, rest) = (*after, taken.clone());
        }
    }
}

impl Piece {
    fn is(&self, char: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(this) => *this == char,
            Self::Class { not, ranges } => *not != ranges.iter().any(|(from, to)| (*from..=*to).contains(&char)),
        }
    }
}

/// What stands between `[` and `]`.
fn class(rest: &mut Peekable<Chars<'_>>) -> Piece {
    let not = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while let Some(char) = rest.next() {
        let from = match char {
            ']' => break,
            '\\' => rest.next().unwrap_or('\\'),
            char => char,
        };
        let mut ahead = rest.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                rest.nth(1);
                if to == '\\' { rest.next().unwrap_or('\\') } else { to }
            }
            _ => from,
        };
        ranges.push((from.min(to), from.max(to)));
    }
    Piece::Class { not, ranges }
}

/// A text as a pattern that matches it and nothing else: for the parts of an
/// [`invalidate_matching`](crate::invalidate_matching) pattern that come from elsewhere.
///
/// ```
/// use cached_runtime::escape_pattern;
///
/// assert_eq!(escape_pattern("2*2=[4]?"), r"2\*2=\[4\]\?");
/// ```
#[must_use]
pub fn escape_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        // Writing to a string does not fail.
        let _ = match char {
            '*' | '?' | '[' | ']' | '\\' => write!(pattern, "\\{char}"),
            char => write!(pattern, "{char}"),
        };
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text)
    }

    #[test]
    fn plain_texts_match_themselves() {
        assert!(matches("", "") && matches("product:7", "product:7") && matches("ä", "ä"));
        assert!(!matches("", "a") && !matches("a", "") && !matches("a", "ab") && !matches("ab", "a"));
    }

    #[test]
    fn stars_and_question_marks() {
        assert!(matches("*", "") && matches("**", "abc") && matches("a*", "a") && matches("*c", "abc"));
        assert!(matches("a*b*c", "aXbYbZc") && matches("*:7", "product:7") && matches("*aab", "aaaab"));
        assert!(matches("?", "ä") && matches("a?c", "abc") && matches("*?", "a"));
        assert!(!matches("?", "") && !matches("a?", "a") && !matches("a*b", "abc") && !matches("*?", ""));
    }

    #[test]
    fn classes() {
        assert!(matches("[abc]", "b") && matches("[a-c]", "b") && matches("[c-a]", "b") && matches("[^a-c]", "d"));
        assert!(matches("h[ae]llo", "hello") && matches("[a-]", "-") && matches("[-a]", "-") && matches(r"[\]]", "]"));
        assert!(matches("[a-cx-z]", "y") && matches(r"[\a-c]", "b") && matches("[^^]", "a"));
        assert!(!matches("[abc]", "d") && !matches("[^a]", "a") && !matches("[^a]", "") && !matches("[]", "a"));
    }

    #[test]
    fn what_is_not_closed_goes_on_to_the_end() {
        assert!(matches("[ab", "b") && !matches("x[", "x") && matches(r"a\", r"a\"));
        assert!(matches("[^", "a") && matches("[a-", "-") && matches(r"[\", r"\"));
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        assert!(matches(r"\*", "*") && matches(r"\?", "?") && matches(r"\[a]", "[a]") && matches(r"\\", r"\"));
        assert!(!matches(r"\*", "a") && !matches(r"\?", "a"));
    }

    #[test]
    fn an_escaped_text_matches_itself_only() {
        for text in ["", "plain", "*", "a[b]c", r"back\slash", "?^-]", "ünï*ode"] {
            let pattern = escape_pattern(text);
            assert!(matches(&pattern, text), "{pattern} should match {text}");
            assert!(!matches(&pattern, &format!("{text}x")) && !matches(&pattern, "other"), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_time_out_of_proportion() {
        let start = Instant::now();
        let text = "a".repeat(20_000);
        assert!(!matches(&format!("{}b", "a*".repeat(500)), &text));
        // Seconds, where going back to every star would take longer than the universe has.
        assert!(start.elapsed().as_secs() < 60);
    }
}
