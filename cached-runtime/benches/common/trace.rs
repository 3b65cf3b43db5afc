//! Recorded calls: what a file of keys says, and the most hits that anybody can have on them. It must never guess: a line that
//! is no key is an error that says which line and why.
//!
//! The format is plain text, one call a line: its key, which is one word. Lines that begin with `#` at the top tell what it is
//! and where it comes from. Everything else (columns, packed records) is for a converter; `benches/traces` has one.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead};
use std::path::Path;

/// Calls in the order in which they were made.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file's name without its extension.
    pub name: String,
    /// What the lines with `#` at the top of the file say, joined by blanks.
    pub about: String,
    /// A number for each call: equal keys have equal numbers, which say nothing else.
    pub keys: Vec<u64>,
    /// How many different keys there are.
    pub distinct: usize,
}

/// Reads a file of calls.
///
/// # Errors
///
/// A sentence with the file's path: it can't be read, or a line of it is no key.
pub fn read(path: &Path) -> Result<Trace, String> {
    let file = std::fs::File::open(path).map_err(|problem| format!("can't open {}: {problem}", path.display()))?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    parse(&name, io::BufReader::new(file)).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// Reads calls from what has lines.
///
/// # Errors
///
/// A sentence with the number of the line that is no key.
pub fn parse(name: &str, mut text: impl BufRead) -> Result<Trace, String> {
    let mut trace = Trace { name: name.to_owned(), about: String::new(), keys: Vec::new(), distinct: 0 };
    let mut numbers: HashMap<Box<str>, u64> = HashMap::new();
    let mut line = Vec::new();
    for at in 1.. {
        line.clear();
        match text.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(problem) => return Err(format!("line {at} can't be read: {problem}")),
        }
        // A packed file would otherwise be quoted in the error.
        let Ok(line) = str::from_utf8(&line).map(str::trim_ascii) else {
            return Err(format!("line {at} is no text; is this a packed trace? Wanted: one key a line"));
        };
        if let Some(about) = line.strip_prefix('#').filter(|_| trace.keys.is_empty()) {
            let gap = if trace.about.is_empty() { "" } else { " " };
            trace.about.extend([gap, about.trim_ascii()]);
            continue;
        }
        if let Some(problem) = not_a_key(line) {
            return Err(format!("line {at} {problem}. Wanted: one key a line"));
        }
        let next = numbers.len() as u64;
        let number = match numbers.get(line) {
            Some(number) => *number,
            None => *numbers.entry(line.into()).or_insert(next),
        };
        trace.keys.push(number);
    }
    if trace.keys.is_empty() {
        return Err("there is no call in it. Wanted: one key a line".to_owned());
    }
    trace.distinct = numbers.len();
    Ok(trace)
}

/// Why this line is none. Columns are refused, since nobody knows which of them is the key.
fn not_a_key(line: &str) -> Option<&'static str> {
    if line.is_empty() {
        Some("is empty")
    } else if line.starts_with('#') {
        Some("is a remark between the keys; those stand at the top")
    } else if line.contains(|c: char| c.is_whitespace() || matches!(c, ',' | ';')) {
        Some("has several columns; cut out the one of the key")
    } else if line.contains(char::is_control) {
        Some("is no text; is this a packed trace?")
    } else {
        None
    }
}

/// The hits of a cache of so many entries that knows all that will be asked for: Belady's optimum. It keeps what is asked for
/// soonest, and need not take a new key in.
pub fn best(keys: &[u64], capacity: usize) -> usize {
    let mut next = vec![usize::MAX; keys.len()];
    let mut seen = HashMap::new();
    for (at, key) in keys.iter().enumerate().rev() {
        if let Some(later) = seen.insert(key, at) {
            next[at] = later;
        }
    }
    // An entry is the place of its key's next call. No two have the same one, and the key whose turn it is, is at its place.
    let mut kept = BTreeSet::new();
    let mut hits = 0;
    for (at, &later) in next.iter().enumerate() {
        hits += usize::from(kept.remove(&at));
        if later != usize::MAX {
            kept.insert(later);
            if kept.len() > capacity {
                kept.pop_last();
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::{Trace, best, parse, read};
    use std::path::Path;

    fn problem(text: impl AsRef<[u8]>) -> String {
        parse("x", text.as_ref()).expect_err("this is no trace")
    }

    #[test]
    fn keys_are_numbered_in_the_order_of_their_first_call() {
        let trace = parse("x", "# web server,\n#  in May\n/a\n/b?c=1#d\r\n  /a  \n42".as_bytes());
        let wanted =
            Trace { name: "x".into(), about: "web server, in May".into(), keys: vec![0, 1, 0, 2], distinct: 3 };
        assert_eq!(trace, Ok(wanted));
    }

    #[test]
    fn a_line_that_is_no_key_is_told_with_its_number() {
        assert_eq!(problem("1\n\n2"), "line 2 is empty. Wanted: one key a line");
        assert_eq!(
            problem("# a\n7\n0 5 0 0"),
            "line 3 has several columns; cut out the one of the key. Wanted: one key a line"
        );
        assert!(problem("0,17").starts_with("line 1 has several columns"));
        assert!(problem("1\n# late").starts_with("line 2 is a remark between the keys"));
        assert!(problem(b"1\n2\n\xff\xfe\x00").starts_with("line 3 is no text; is this a packed trace?"));
        assert!(problem(b"1\n\x01\x00\x00\x07").starts_with("line 2 is no text; is this a packed trace?"));
    }

    #[test]
    fn a_file_without_calls_is_an_error() {
        assert_eq!(problem(""), "there is no call in it. Wanted: one key a line");
        assert_eq!(problem("# only words\n"), "there is no call in it. Wanted: one key a line");
        let missing = read(Path::new("no/such.txt")).expect_err("it isn't there");
        assert!(missing.starts_with("can't open no/such.txt: "), "{missing}");
    }

    #[test]
    fn the_optimum_is_the_best_of_all_choices() {
        assert_eq!(best(&[1, 2, 3, 1, 2], 2), 2, "3 is not taken in");
        assert_eq!(best(&[1, 1, 1], 0), 0);
        // Every sequence of six calls for three keys, against all that a cache could do.
        for code in 0..3_u64.pow(6) {
            let keys: Vec<u64> = (0..6).map(|place| code / 3_u64.pow(place) % 3).collect();
            for capacity in 1..3 {
                assert_eq!(best(&keys, capacity), tried(&keys, &[], capacity), "{keys:?}, {capacity} entries");
            }
        }
    }

    /// The most hits of all ways to keep or drop what was asked for.
    fn tried(keys: &[u64], kept: &[u64], capacity: usize) -> usize {
        let [key, rest @ ..] = keys else { return 0 };
        let hit = usize::from(kept.contains(key));
        let all: Vec<u64> = kept.iter().copied().filter(|other| other != key).chain([*key]).collect();
        let mut most = tried(rest, &all[..all.len().min(capacity)], capacity);
        for dropped in 0..all.len() {
            let fewer: Vec<u64> =
                all.iter().enumerate().filter(|(at, _)| *at != dropped).map(|(_, key)| *key).collect();
            if fewer.len() <= capacity {
                most = most.max(tried(rest, &fewer, capacity));
            }
        }
        hit + most
    }
}
