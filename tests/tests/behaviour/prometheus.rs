//! The text for Prometheus, against the rules of its exposition format 0.0.4.

use cached_runtime::{Cache, prometheus};
use std::collections::{HashMap, HashSet};

/// A line's name, labels and value.
fn sample(line: &str) -> (&str, &str, f64) {
    let (name, rest) = line.split_once('{').expect("labels");
    // A quote that is not escaped, and the brace after it.
    let end = rest.rfind("\"} ").expect("the end of the labels");
    (name, &rest[..=end], rest[end + 3..].parse().expect("a number"))
}

fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// Undoes the escapes of a label's value, as a scraper does; panics at one that the format doesn't know.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(c @ ('\\' | '"')) => plain.push(c),
                other => panic!("an unknown escape: {other:?}"),
            },
            '"' => panic!("a quote inside of a value"),
            c => plain.push(c),
        }
    }
    plain
}

#[test]
fn the_text_keeps_to_the_format() {
    let name = "prometheus \"quoted\" \\ back\nline {x=\"y\"} é";
    let cache = Cache::builder().name(name).capacity(2).build();
    for n in 0..5 {
        cache.get_or_load(n, || n);
    }
    cache.get(&4);
    let text = prometheus::render();
    assert!(text.ends_with('\n'));
    let (mut types, mut helped, mut seen, mut done) = (HashMap::new(), HashSet::new(), HashSet::new(), HashSet::new());
    let mut last = "";
    let mut own = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(rest.split(' ').next().unwrap()), "one HELP each: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(types.insert(name, kind).is_none() && helped.contains(name), "one TYPE each, after HELP: {line}");
        } else {
            let (name, labels, value) = sample(line);
            let of = family(name);
            if of != last {
                assert!(done.insert(of), "the lines of {of} stand together");
                last = of;
            }
            let kind = types[of];
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(value >= 0.0 && seen.insert((name, labels)), "each line once: {line}");
            let value_of = labels.strip_prefix("cache=\"").and_then(|rest| rest.split_once("\",backend=\""));
            if value_of.is_some_and(|(value, _)| unescaped(value) == *"prometheus \"quoted\" \\ back\nline {x=\"y\"} é")
            {
                own.push((name, labels, value));
            }
        }
    }
    let value = |wanted: &str| own.iter().find(|(name, ..)| *name == wanted).map(|(.., value)| *value);
    assert_eq!(value("cache_hits_total"), Some(1.0));
    assert_eq!(value("cache_misses_total"), Some(5.0));
    assert_eq!(value("cache_evictions_total"), Some(3.0));
    assert_eq!(value("cache_entries"), Some(2.0));
    assert_eq!(value("cache_capacity"), Some(2.0));
    let buckets: Vec<_> = own.iter().filter(|(name, ..)| *name == "cache_load_duration_seconds_bucket").collect();
    assert!(buckets.windows(2).all(|pair| pair[0].2 <= pair[1].2), "buckets are cumulative");
    assert!(buckets.last().unwrap().1.ends_with("le=\"+Inf\""));
    assert_eq!(Some(buckets.last().unwrap().2), value("cache_load_duration_seconds_count"));
    assert_eq!(value("cache_load_duration_seconds_count"), Some(5.0));
}

#[test]
fn caches_of_one_name_are_one_line() {
    let caches = [(); 3].map(|()| Cache::<u32, u32>::builder().name("prometheus::twins").build());
    for cache in &caches {
        cache.get(&1);
    }
    let text = prometheus::render();
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("cache_misses_total{cache=\"prometheus::twins\"")).collect();
    assert_eq!(lines, ["cache_misses_total{cache=\"prometheus::twins\",backend=\"memory\"} 3"]);
}
