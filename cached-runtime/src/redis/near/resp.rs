//! An answer to one `MGET`, read. Must never trust a length that it reads: nothing is reserved for what has not come.

use redis::Value;

/// What the bytes that came so far are.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// The values, and how many bytes they took.
    Values(Vec<Value>, usize),
    /// Not before there are so many bytes it is worth another look.
    More(usize),
    /// An error, or what is no answer to an `MGET`.
    Other,
}

/// More digits than any length has.
const LONGEST_HEAD: usize = 24;
/// Reserved at once at most; there may be more of them.
const RESERVED: usize = 1024;

/// Reads the first answer in `bytes`. Nothing is copied before all of it is there: a large one comes in many pieces.
pub(super) fn answer(bytes: &[u8]) -> Answer {
    let (count, start) = match head(bytes, 0) {
        Head::Is(b'*', Some(count), at) => (count, at),
        Head::More => return Answer::More(bytes.len() + 1),
        Head::Is(..) | Head::Other => return Answer::Other,
    };
    let whole = each(bytes, (count, start), |_| {}).and_then(|_| {
        let mut values = Vec::with_capacity(count.min(RESERVED));
        let copy = |value: Option<&[u8]>| {
            values.push(value.map_or(Value::Nil, |value| Value::BulkString(value.to_vec())));
        };
        let length = each(bytes, (count, start), copy)?;
        Ok(Answer::Values(values, length))
    });
    whole.unwrap_or_else(|other| other)
}

/// Walks over the values of an answer; gives where it ends, or why that can't be said.
fn each<'b>(
    bytes: &'b [u8],
    (count, mut at): (usize, usize),
    mut value_is: impl FnMut(Option<&'b [u8]>),
) -> Result<usize, Answer> {
    for _ in 0..count {
        match head(bytes, at) {
            Head::Is(b'$', Some(length), from) => {
                let Some(end) = from.checked_add(length).filter(|end| *end < usize::MAX - 2) else {
                    return Err(Answer::Other);
                };
                let value = bytes.get(from..end + 2).ok_or(Answer::More(end + 2))?;
                if !value.ends_with(b"\r\n") {
                    return Err(Answer::Other);
                }
                value_is(Some(&value[..length]));
                at = end + 2;
            }
            Head::Is(b'$' | b'_', None, from) => {
                value_is(None);
                at = from;
            }
            Head::More => return Err(Answer::More(bytes.len() + 1)),
            Head::Is(..) | Head::Other => return Err(Answer::Other),
        }
    }
    Ok(at)
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
        let Answer::Values(values, length) = answer(TWO) else { panic!() };
        assert_eq!(values, [Value::BulkString(b"abc".to_vec()), Value::Nil, Value::Nil]);
        assert_eq!(answer(&TWO[length..]), Answer::Values(vec![Value::BulkString(Vec::new())], TWO.len() - length));
        for end in 0..length {
            let Answer::More(wanted) = answer(&TWO[..end]) else { panic!("{end}") };
            assert!(wanted > end && wanted <= length, "{end}: {wanted}");
        }
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
