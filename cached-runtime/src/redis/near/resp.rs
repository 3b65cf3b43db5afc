//! One `MGET`, written, and its answer, read. Must never trust a length that it reads: nothing is reserved for what has not
//! come.

use bytes::Bytes;

/// Writes the request.
pub(super) fn mget(keys: &[&[u8]], out: &mut Vec<u8>) {
    out.reserve(keys.iter().map(|key| key.len() + LONGEST_HEAD + 2).sum::<usize>() + 2 * LONGEST_HEAD);
    write_head(b'*', keys.len() + 1, out);
    out.extend_from_slice(b"$4\r\nMGET\r\n");
    for key in keys {
        write_head(b'$', key.len(), out);
        out.extend_from_slice(key);
        out.extend_from_slice(b"\r\n");
    }
}

/// A sign, a number and the end of the line.
fn write_head(sign: u8, mut number: usize, out: &mut Vec<u8>) {
    let mut head = [0; LONGEST_HEAD];
    let mut digits = LONGEST_HEAD - 2;
    head[digits..].copy_from_slice(b"\r\n");
    loop {
        digits -= 1;
        head[digits] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push(sign);
    out.extend_from_slice(&head[digits..]);
}

/// What the bytes that came so far are.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// An answer, as many bytes long.
    Whole(usize),
    /// Not before there are so many bytes it is worth another look.
    More(usize),
    /// An error, or what is no answer to an `MGET`.
    Other,
}

/// More digits than any length has.
const LONGEST_HEAD: usize = 24;
/// Reserved at once at most; there may be more of them.
const RESERVED: usize = 1024;

/// How long the first answer in `bytes` is. Nothing is copied before all of it is there: a large one comes in many pieces.
pub(super) fn answer(bytes: &[u8]) -> Answer {
    each(bytes, |_| {})
}

/// The values of an answer that is whole. They share its memory.
pub(super) fn values(answer: &Bytes) -> Vec<Option<Bytes>> {
    let mut values = match head(answer, 0) {
        Head::Is(_, Some(count), _) => Vec::with_capacity(count.min(RESERVED)),
        _ => Vec::new(),
    };
    each(answer, |value| values.push(value.map(|value| answer.slice_ref(value))));
    values
}

/// Walks over the values of an answer.
fn each<'b>(bytes: &'b [u8], mut value_is: impl FnMut(Option<&'b [u8]>)) -> Answer {
    let (count, mut at) = match head(bytes, 0) {
        Head::Is(b'*', Some(count), at) => (count, at),
        Head::More => return Answer::More(bytes.len() + 1),
        Head::Is(..) | Head::Other => return Answer::Other,
    };
    for _ in 0..count {
        match head(bytes, at) {
            Head::Is(b'$', Some(length), from) => {
                let Some(end) = from.checked_add(length).filter(|end| *end < usize::MAX - 2) else {
                    return Answer::Other;
                };
                let Some(value) = bytes.get(from..end + 2) else { return Answer::More(end + 2) };
                if !value.ends_with(b"\r\n") {
                    return Answer::Other;
                }
                value_is(Some(&value[..length]));
                at = end + 2;
            }
            Head::Is(b'$' | b'_', None, from) => {
                value_is(None);
                at = from;
            }
            Head::More => return Answer::More(bytes.len() + 1),
            Head::Is(..) | Head::Other => return Answer::Other,
        }
    }
    Answer::Whole(at)
}

enum Head {
    /// Its sign, its length (`None` for -1 and for nothing), and where what follows begins.
    Is(u8, Option<usize>, usize),
    More,
    Other,
}

fn head(bytes: &[u8], at: usize) -> Head {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(end) = rest.iter().take(LONGEST_HEAD).position(|byte| *byte == b'\r') else {
        return if rest.len() < LONGEST_HEAD { Head::More } else { Head::Other };
    };
    match rest.get(end + 1) {
        None => return Head::More,
        Some(b'\n') => {}
        Some(_) => return Head::Other,
    }
    let Some((sign, digits)) = rest[..end].split_first() else { return Head::Other };
    let length = match digits {
        b"" | b"-1" => None,
        digits => {
            let number = digits.iter().try_fold(0_usize, |number, digit| {
                let digit = char::from(*digit).to_digit(10)?;
                number.checked_mul(10)?.checked_add(usize::try_from(digit).ok()?)
            });
            match number {
                None => return Head::Other,
                number => number,
            }
        }
    };
    Head::Is(*sign, length, at + end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"*3\r\n$3\r\nabc\r\n$-1\r\n_\r\n*1\r\n$0\r\n\r\n";

    #[test]
    fn answers_are_read_one_by_one_and_ends_are_waited_for() {
        let Answer::Whole(length) = answer(TWO) else { panic!() };
        let of = |bytes: &'static [u8]| values(&Bytes::from_static(bytes));
        assert_eq!(of(&TWO[..length]), [Some(Bytes::from_static(b"abc")), None, None]);
        assert_eq!(answer(&TWO[length..]), Answer::Whole(TWO.len() - length));
        assert_eq!(of(&TWO[length..]), [Some(Bytes::new())]);
        for end in 0..length {
            let Answer::More(wanted) = answer(&TWO[..end]) else { panic!("{end}") };
            assert!(wanted > end && wanted <= length, "{end}: {wanted}");
        }
    }

    #[test]
    fn a_request_is_what_the_client_writes() {
        let (mut ours, mut theirs) = (Vec::new(), redis::cmd("MGET"));
        let keys: [&[u8]; 3] = [b"a", b"", &[b'x'; 1234]];
        mget(&keys, &mut ours);
        for key in keys {
            theirs.arg(key);
        }
        assert_eq!(ours, theirs.get_packed_command());
    }

    #[test]
    fn nothing_else_is_taken_for_an_answer() {
        for other in [
            &b"-ERR no\r\n"[..],
            b"+OK\r\n",
            b":1\r\n",
            b"$1\r\na\r\n",
            b"*-1\r\n",
            b"*1\r\n:1\r\n",
            b"*1\r\n$1\r\nabc",
            b"*1\r\n$18446744073709551615\r\n",
            b"*1\r\n$99999999999999999999999\r\n",
            b"*x\r\n",
            b"\r\n\r\n",
            b"*1\rx",
            b"HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(answer(other), Answer::Other, "{}", String::from_utf8_lossy(other));
        }
        // Nothing is reserved for it.
        assert!(matches!(answer(b"*999999999999\r\n$1\r\n"), Answer::More(_)));
    }
}
