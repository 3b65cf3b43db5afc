//! Extractors whose failures are this application's errors, and the reading of parameters. Must never let a bad parameter
//! through, nor answer it with anything but a 4xx.

use crate::error::{Error, Result};
use axum::extract::{FromRequest, FromRequestParts};
use std::ops::RangeInclusive;

/// Part of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(crate) struct Path<T>(pub(crate) T);

/// What stands behind the `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub(crate) struct Query<T>(pub(crate) T);

/// A form.
#[derive(FromRequest)]
#[from_request(via(axum::extract::Form), rejection(Error))]
pub(crate) struct Form<T>(pub(crate) T);

/// A number with bounds; `default` if it is not there.
pub(crate) fn number(name: &str, text: Option<&str>, range: RangeInclusive<u32>, default: u32) -> Result<u32> {
    let Some(text) = text else { return Ok(default) };
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        Error::parameter(match *range.end() {
            u32::MAX => format!("`{name}` must be a whole number from {} on.", range.start()),
            most => format!("`{name}` must be a whole number from {} to {most}.", range.start()),
        })
    })
}

/// `1`, `true`, `0` or `false`; `default` if it is not there.
pub(crate) fn flag(name: &str, text: Option<&str>, default: bool) -> Result<bool> {
    match text {
        None => Ok(default),
        Some("1" | "true") => Ok(true),
        Some("0" | "false") => Ok(false),
        Some(_) => Err(Error::parameter(format!("`{name}` must be true or false."))),
    }
}

/// Numbers between commas: 1 to `most` of them.
pub(crate) fn ids(text: &str, most: usize) -> Result<Vec<i64>> {
    let ids: Option<Vec<i64>> =
        text.split(',').take(most + 1).map(|id| id.trim().parse().ok().filter(|id| *id > 0)).collect();
    match ids {
        Some(ids) if ids.len() <= most => Ok(ids),
        _ => Err(Error::parameter(format!("`ids` must be numbers from 1 on between commas, {most} at most."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(number("n", None, 1..=100, 10).unwrap(), 10);
        assert_eq!(number("n", Some("100"), 1..=100, 10).unwrap(), 100);
        for wrong in ["0", "101", "-1", "1.5", "", " 1", "1e2", "1000000000000", "%", "١"] {
            assert!(number("n", Some(wrong), 1..=100, 10).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_have_bounds() {
        assert_eq!(ids("3, 1,2", 3).unwrap(), [3, 1, 2]);
        for wrong in ["", ",", "1,", "0", "-1", "1,2,3,4", "a", "1;2", "9999999999999999999999"] {
            assert!(ids(wrong, 3).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_are_true_or_false() {
        assert!(flag("f", Some("1"), false).unwrap() && !flag("f", Some("false"), true).unwrap());
        assert!(flag("f", Some("yes"), true).is_err());
    }
}
