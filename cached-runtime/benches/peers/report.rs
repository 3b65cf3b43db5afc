//! The report: machine, versions, the table, the goals.
//! It must never print a figure that this run did not measure.

use crate::counts::HITS;
use crate::options::Options;
use cached_benches::harness::{Bench, Cell};
use cached_benches::report::{Goal, goal_table, machine, rustc, versions};
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(crate) const HIT: &str = "u64 hit";
pub(crate) const TTL: &str = "with ttl";
pub(crate) const PAIR: &str = "(&str, u32) hit";
pub(crate) const ASYNC: &str = "async hit";
pub(crate) const HOT_1: &str = "hot key, 1 thread";
pub(crate) const HOT_2: &str = "hot key, 2 threads";
pub(crate) const ZIPF_1: &str = "zipf, 1 thread";
pub(crate) const ZIPF_2: &str = "zipf, 2 threads";
pub(crate) const MISS: &str = "miss + evict";
pub(crate) const FIB: &str = "fib(90) cold";

/// The rows.
pub(crate) mod name {
    pub(crate) const LRU: &str = "**cached-runtime** `#[cached]` (lru)";
    pub(crate) const SIEVE: &str = "**cached-runtime** `eviction = sieve`";
    pub(crate) const UNBOUNDED: &str = "**cached-runtime** `capacity = unbounded`";
    pub(crate) const LOCAL: &str = "**cached-runtime** `backend = local`";
    pub(crate) const MUTEX_LRU: &str = "hand-written `Mutex<LruCache>`";
    pub(crate) const LOCAL_LRU: &str = "hand-written thread-local `LruCache`";
    pub(crate) const PAPAYA: &str = "hand-written papaya map (no bound)";
    pub(crate) const QUICK: &str = "quick_cache";
    pub(crate) const UNBOUND: &str = "cached, unbound";
    pub(crate) const MAX_SIZE: &str = "cached `max_size`";
    pub(crate) const BY_KEY: &str = "cached `max_size, sync_writes = \"by_key\"`";
    pub(crate) const CONCURRENT: &str = "cached `concurrent_cached(max_size)`";
    pub(crate) const MEMOIZE: &str = "memoize `Capacity` (per thread)";
    pub(crate) const MEMOIZE_SHARED: &str = "memoize `SharedCache, Capacity`";
    pub(crate) const MOKA: &str = "moka `get_with`";

    pub(crate) const ALL: [&str; 15] = [
        LRU,
        SIEVE,
        UNBOUNDED,
        LOCAL,
        MUTEX_LRU,
        LOCAL_LRU,
        PAPAYA,
        QUICK,
        UNBOUND,
        MAX_SIZE,
        BY_KEY,
        CONCURRENT,
        MEMOIZE,
        MEMOIZE_SHARED,
        MOKA,
    ];
}

/// What the project wants of itself, `first`, `second`, goal.
fn goals() -> Vec<(Cell, Cell, Goal)> {
    use Goal::{Above, AtLeast, AtMost};
    use name::{BY_KEY, LOCAL, LOCAL_LRU, LRU, MAX_SIZE, MUTEX_LRU, PAPAYA, QUICK, SIEVE, UNBOUNDED};
    vec![
        ((HIT, LRU), (HIT, MUTEX_LRU), AtMost(1.20)),
        ((HIT, MAX_SIZE), (HIT, LRU), AtLeast(1.2)),
        ((HIT, LRU), (HIT, QUICK), AtMost(1.0)),
        ((HIT, SIEVE), (HIT, PAPAYA), AtMost(1.25)),
        ((HIT, UNBOUNDED), (HIT, PAPAYA), AtMost(1.25)),
        ((HIT, SIEVE), (HIT, QUICK), AtMost(1.0)),
        ((HIT, UNBOUNDED), (HIT, QUICK), AtMost(1.0)),
        ((HIT, LOCAL), (HIT, LOCAL_LRU), AtMost(1.20)),
        ((TTL, LRU), (HIT, LRU), Above(7.0)),
        ((TTL, SIEVE), (HIT, SIEVE), Above(7.0)),
        ((TTL, MAX_SIZE), (TTL, LRU), AtLeast(2.2)),
        ((PAIR, LRU), (PAIR, QUICK), AtMost(1.15)),
        ((PAIR, MAX_SIZE), (PAIR, LRU), AtLeast(1.7)),
        ((ASYNC, LRU), (HIT, LRU), Above(3.0)),
        ((ASYNC, MAX_SIZE), (ASYNC, LRU), AtLeast(4.0)),
        ((ASYNC, QUICK), (ASYNC, LRU), AtLeast(1.5)),
        ((HOT_2, SIEVE), (HOT_1, SIEVE), AtMost(0.6)),
        ((ZIPF_2, SIEVE), (ZIPF_1, SIEVE), AtMost(0.6)),
        ((HOT_2, UNBOUNDED), (HOT_1, UNBOUNDED), AtMost(0.6)),
        ((ZIPF_2, UNBOUNDED), (ZIPF_1, UNBOUNDED), AtMost(0.6)),
        ((HOT_2, MAX_SIZE), (HOT_2, LRU), AtLeast(1.3)),
        ((ZIPF_2, MAX_SIZE), (ZIPF_2, LRU), AtLeast(1.3)),
        ((HOT_2, LRU), (HOT_2, MUTEX_LRU), AtMost(1.0)),
        ((ZIPF_2, LRU), (ZIPF_2, MUTEX_LRU), AtMost(1.0)),
        ((MISS, LRU), (MISS, QUICK), AtMost(1.0)),
        ((MISS, LRU), (MISS, BY_KEY), AtMost(2.0)),
        ((FIB, LRU), (FIB, MAX_SIZE), AtMost(1.0)),
    ]
}

/// The whole report.
pub(crate) fn markdown(
    bench: &Bench,
    options: &Options,
    allocations: &BTreeMap<(String, &'static str), f64>,
) -> String {
    let mut text = String::from("# Side by side\n\n");
    if options.quick {
        text.push_str("**A `--quick` run: not for quoting.**\n\n");
    }
    head(&mut text, options);
    table(&mut text, bench);
    notes(&mut text);
    for column in [HIT, PAIR, ASYNC] {
        chart(&mut text, bench, column);
    }
    goal_table(&mut text, bench, goals());
    text.push_str("\nWhy some are not met, what was tried, and where the floor is: [GOALS.md](GOALS.md).\n");
    allocation_table(&mut text, allocations);
    redis(&mut text);
    text
}

/// The tables of the Redis benchmark as they were kept: it needs a server, and cores of its own, so it is a run of its own.
fn redis(text: &mut String) {
    let kept = include_str!("../RESULTS-redis.md");
    text.push_str("\n## Redis\n\nMicroseconds, of the run that [RESULTS-redis.md](RESULTS-redis.md) describes.\n");
    for table in kept.split("\n\n").filter(|part| part.starts_with('|')) {
        let _ = writeln!(text, "\n{}", table.trim_end());
    }
}

/// A bar for each row, drawn by whoever shows the page (Mermaid).
fn chart(text: &mut String, bench: &Bench, column: &'static str) {
    // What is ten times slower would leave nothing to see of the others.
    let bars: Vec<_> = name::ALL
        .into_iter()
        .filter_map(|row| Some((row, *bench.medians.get(&(column, row))?)))
        .filter(|(_, nanoseconds)| *nanoseconds < 100.0)
        .collect();
    if bars.is_empty() {
        return;
    }
    let names: Vec<String> = bars.iter().map(|(row, _)| format!("{:?}", row.replace(['*', '`', '"'], ""))).collect();
    let values: Vec<String> = bars.iter().map(|(_, nanoseconds)| format!("{nanoseconds:.1}")).collect();
    let _ = writeln!(
        text,
        "```mermaid\nxychart-beta horizontal\n  title \"{column}, nanoseconds (those below 100)\"\n  x-axis [{}]\n  y-axis \"ns\" 0 --> 100\n  bar [{}]\n```\n",
        names.join(", "),
        values.join(", ")
    );
}

fn allocation_table(text: &mut String, allocations: &BTreeMap<(String, &'static str), f64>) {
    if allocations.is_empty() {
        return;
    }
    let columns: Vec<&str> =
        HITS.into_iter().filter(|title| allocations.keys().any(|(known, _)| known == title)).collect();
    let _ = writeln!(
        text,
        "\n## Allocations a hit\n\n| | {} |\n|---|{}",
        columns.join(" | "),
        "--:|".repeat(columns.len())
    );
    for row in name::ALL {
        let cell = |title: &&str| match allocations.get(&((*title).to_owned(), row)) {
            Some(count) => format!("{count:.2}"),
            None => "-".into(),
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
    }
    text.push_str("\nCounted by valgrind over 16,384 calls, after the timing.\n");
}

fn head(text: &mut String, options: &Options) {
    let packages =
        ["cached-runtime", "cached", "memoize", "moka", "quick_cache", "papaya", "lru", "parking_lot", "foldhash"];
    let _ = writeln!(text, "Command: `cargo bench -p cached-benches --bench peers -- --save`\n");
    let _ = writeln!(text, "- machine: {}", machine());
    let _ = writeln!(text, "- compiler: {}, fat LTO, one codegen unit", rustc());
    let _ = writeln!(text, "- versions: {}", versions(&packages));
    let _ = writeln!(
        text,
        "- median of {} interleaved rounds, nanoseconds per call; in brackets the ratio to cached-runtime's default (above 1: slower than it)",
        options.rounds()
    );
    let _ = writeln!(text, "- on a shared machine read the ratios, not the nanoseconds\n");
}

fn table(text: &mut String, bench: &Bench) {
    let _ = writeln!(text, "| | {} |", bench.columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(bench.columns.len()));
    for row in name::ALL {
        let cells: Vec<String> = bench.columns.iter().map(|&column| cell(bench, column, row)).collect();
        let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
    }
    text.push('\n');
}

fn cell(bench: &Bench, column: &'static str, row: &'static str) -> String {
    let Some(&mine) = bench.medians.get(&(column, row)) else {
        return if (column, row) == (FIB, name::BY_KEY) { "deadlocks".into() } else { "-".into() };
    };
    match bench.medians.get(&(column, name::LRU)) {
        Some(ours) => format!("{mine:.1} ({:.2})", mine / ours),
        None => format!("{mine:.1}"),
    }
}

fn notes(text: &mut String) {
    text.push_str(
        "Keys: 1000 `u64` in room for 1024 (quick_cache and concurrent_cached: 2048,
their shards would evict); 24 bytes of text and a `u32` to an `Arc<str>`;
one key of 10,000, or zipf(0.99) over 10,000, all of which fit; new keys only, in a full cache of 1000; fib(90) from empty.
Two threads: wall time of all calls of both, divided by their number, so perfect scaling halves the one-thread figure.
`-`: the peer has no such thing (no ttl, no async, no eviction). cached-runtime's figures include single-flight, fences and
counters in every column; of the others only quick_cache, moka and `sync_writes = \"by_key\"` have single-flight.\n\n",
    );
}
