//! Durations and sizes written as text: `"1h 30m"`, `"64MiB"`. Must never overflow or guess a unit.

use std::time::Duration;

/// What is wrong with a text, and what to write instead.
pub(crate) type Problem = (String, String);

/// Reads `"30s"`, `"1h 30m"`, `"250ms"`.
pub(crate) fn duration(text: &str) -> Result<Duration, Problem> {
    let mut nanos: u128 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(("an empty duration".into(), "write a number and a unit, such as `\"30s\"`".into()));
    }
    while !rest.is_empty() {
        let (number, unit, after) = split(text, rest)?;
        let scale = nanos_of(unit).ok_or_else(|| bad_unit(text, number, unit))?;
        let part = number.parse().ok().and_then(|number: u128| number.checked_mul(scale));
        nanos = part.and_then(|part| nanos.checked_add(part)).ok_or_else(|| too_long(text))?;
        rest = after;
    }
    let secs = u64::try_from(nanos / 1_000_000_000).map_err(|_| too_long(text))?;
    // The remainder is below a billion.
    Ok(Duration::new(secs, u32::try_from(nanos % 1_000_000_000).unwrap_or(0)))
}

/// Reads `"64MiB"`, `"10kB"`, `"512 B"`.
pub(crate) fn size(text: &str) -> Result<u64, Problem> {
    let (number, unit, after) = split(text, text.trim())?;
    let scale: u64 = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => {
            return Err((
                format!("`{text}` is no size"),
                "the units are `B`, `KiB`, `MiB`, `GiB` (and `kB`, `MB`, `GB`), as in `\"64MiB\"`".into(),
            ));
        }
    };
    if !after.is_empty() {
        return Err((format!("`{text}` is no size"), "write one number and one unit, as in `\"64MiB\"`".into()));
    }
    let size = number.parse().ok().and_then(|number: u64| number.checked_mul(scale));
    size.ok_or_else(|| (format!("`{text}` is more than fits into 64 bits"), "write a smaller size".into()))
}

/// The next number, its unit, and what follows.
fn split<'a>(text: &str, rest: &'a str) -> Result<(&'a str, &'a str, &'a str), Problem> {
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(digits);
    if number.is_empty() {
        if let Some(positive) = rest.strip_prefix('-') {
            return Err((format!("`{text}` is negative"), format!("write `\"{positive}\"`")));
        }
        return Err((
            format!("`{text}` doesn't start with a number"),
            "write a number and a unit, such as `\"30s\"`".into(),
        ));
    }
    if rest.starts_with('.') {
        let help =
            "write whole numbers: `\"1h 30m\"` for one and a half hours, `\"1500ms\"` for one and a half seconds";
        return Err((format!("`{text}` has a fraction"), help.into()));
    }
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    if unit.is_empty() && !after.is_empty() {
        return Err((
            format!("`{after}` in `{text}` is no unit"),
            "write a number and a unit, such as `\"30s\"`".into(),
        ));
    }
    Ok((number, unit, after.trim_start()))
}

fn nanos_of(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    })
}

fn bad_unit(text: &str, number: &str, unit: &str) -> Problem {
    let meant = match unit {
        "" | "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "min" | "mins" | "minute" | "minutes" | "M" => "m",
        "hr" | "hrs" | "hour" | "hours" | "H" => "h",
        "day" | "days" | "D" => "d",
        "milli" | "millis" | "msec" | "millisecond" | "milliseconds" => "ms",
        _ => "",
    };
    let problem =
        if unit.is_empty() { format!("`{text}` has no unit") } else { format!("`{unit}` in `{text}` is no unit") };
    if matches!(unit, "w" | "week" | "weeks") {
        (problem, "the longest unit is `d`: a week is `\"7d\"`".into())
    } else if meant.is_empty() {
        (problem, "the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`".into())
    } else {
        (problem, format!("write `\"{number}{meant}\"`; the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`"))
    }
}

fn too_long(text: &str) -> Problem {
    (format!("`{text}` is longer than a `Duration` can be"), "write `never` for no bound".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration(" 1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("250 ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5µs 1ns"), Ok(Duration::from_nanos(5001)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(duration("18446744073709551615s"), Ok(Duration::from_secs(u64::MAX)));
        for wrong in [
            "",
            "30",
            "s",
            "-5s",
            "1.5h",
            "1h-3m",
            "5 min",
            "2w",
            "3x",
            "18446744073709551616s",
            "9999999999999999999999999999999999999999d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration("5min").unwrap_err().1.contains("\"5m\""));
        assert!(duration("30").unwrap_err().1.contains("\"30s\""));
    }

    #[test]
    fn sizes() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("10 kB"), Ok(10_000));
        for wrong in ["64", "MiB", "64MiB 2B", "64m", "99999999999GiB", "-1B"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
