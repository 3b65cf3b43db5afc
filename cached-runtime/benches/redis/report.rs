//! The report: machine, versions, the table, the goals. It must never print a figure that this run did not measure.

use crate::Options;
use cached_benches::harness::{Bench, Cell};
use cached_benches::report::{Goal, goal_table, machine, rustc, versions};
use std::fmt::Write as _;

pub(crate) const ONE: &str = "async hit";
pub(crate) const ONE_THREAD: &str = "async hit, one-thread runtime";
pub(crate) const TASKS: &str = "async hits, 64 tasks";
pub(crate) const SYNC: &str = "sync hit";
pub(crate) const THREADS: &str = "sync hits, 16 threads";
pub(crate) const BULK: &str = "64 keys at once";
pub(crate) const MISS: &str = "miss";

/// The rows.
pub(crate) mod name {
    pub(crate) const OURS: &str = "**cached-runtime** `#[cached(backend = redis)]`";
    pub(crate) const PLAIN: &str = "**cached-runtime** `envelope = false`";
    pub(crate) const MANY: &str = "**cached-runtime** `many`";
    pub(crate) const EACH: &str = "**cached-runtime** `each`";
    pub(crate) const RAW: &str = "`MultiplexedConnection`: GET, `serde_json`";
    pub(crate) const RAW_ALONE: &str = "`MultiplexedConnection`: GET alone";
    pub(crate) const MGET: &str = "`MultiplexedConnection`: MGET, `serde_json`";
    pub(crate) const BY_HAND: &str = "`MultiplexedConnection`: GET, load, SET";
    pub(crate) const CONNECTION: &str = "`Connection`: GET, `serde_json`";
    pub(crate) const POOL: &str = "r2d2 pool: GET, `serde_json`";
    pub(crate) const POOL_UNTESTED: &str = "r2d2 pool without `test_on_check_out`";
    pub(crate) const PEER: &str = "cached `AsyncRedisCache`";

    pub(crate) const ALL: [&str; 12] =
        [OURS, PLAIN, MANY, EACH, RAW, RAW_ALONE, MGET, BY_HAND, CONNECTION, POOL, POOL_UNTESTED, PEER];
}

/// Whom a column's figures are compared with.
fn base(column: &str) -> &'static str {
    match column {
        SYNC => name::CONNECTION,
        THREADS => name::POOL,
        BULK => name::MGET,
        MISS => name::BY_HAND,
        _ => name::RAW,
    }
}

/// What the project wants of itself. Throughput is one call's share of the time turned over.
fn goals() -> Vec<(Cell, Cell, Goal)> {
    use Goal::{AtLeast, AtMost};
    use name::{CONNECTION, MANY, MGET, OURS, POOL, RAW};
    vec![
        ((ONE, OURS), (ONE, RAW), AtMost(1.10)),
        ((ONE_THREAD, OURS), (ONE_THREAD, RAW), AtMost(1.10)),
        ((TASKS, RAW), (TASKS, OURS), AtLeast(0.9)),
        ((SYNC, OURS), (SYNC, CONNECTION), AtMost(1.15)),
        ((THREADS, POOL), (THREADS, OURS), AtLeast(1.5)),
        ((BULK, MANY), (BULK, MGET), AtMost(1.3)),
    ]
}

/// The whole report.
pub(crate) fn markdown(bench: &Bench, options: &Options, server: &str, placed: bool) -> String {
    let mut text = String::from("# Side by side: Redis\n\n");
    if options.quick {
        text.push_str("**A `--quick` run: not for quoting.**\n\n");
    }
    let packages = ["cached-runtime", "redis", "tokio", "r2d2", "serde_json", "cached"];
    let _ = writeln!(text, "Command: `cargo bench -p cached-benches --bench redis -- --save`\n");
    let _ = writeln!(text, "- machine: {}; the server runs on it, too", machine());
    let _ = writeln!(text, "- server: {server}, started by the benchmark, without persistence");
    let _ = writeln!(text, "- compiler: {}, fat LTO, one codegen unit", rustc());
    let _ = writeln!(text, "- versions: {}", versions(&packages));
    let _ = writeln!(
        text,
        "- median of {} interleaved rounds, microseconds per call; in brackets the ratio to the hand-written one (above 1: slower than it)",
        options.rounds()
    );
    let _ = writeln!(text, "- on a shared machine read the ratios, not the microseconds\n");
    let _ = writeln!(text, "| | {} |", bench.columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(bench.columns.len()));
    for row in name::ALL {
        let cells: Vec<String> = bench.columns.iter().map(|&column| cell(bench, column, row)).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
        }
    }
    notes(&mut text, placed);
    goal_table(&mut text, bench, goals());
    text
}

fn cell(bench: &Bench, column: &'static str, row: &'static str) -> String {
    let Some(&mine) = bench.medians.get(&(column, row)) else { return String::new() };
    match bench.medians.get(&(column, base(column))) {
        Some(other) => format!("{:.1} ({:.2})", mine / 1e3, mine / other),
        None => format!("{:.1}", mine / 1e3),
    }
}

fn notes(text: &mut String, placed: bool) {
    text.push_str(
        "
A value of about 120 bytes of JSON at 1000 keys. Async calls run in tasks of tokio's default runtime (a thread for each core) but in the
column that says otherwise. With tasks and threads: wall time of all calls, divided by their number. A hit of ours reads the value and its
generation with one `MGET`, checks a checksum, and keeps its deadline, breaker and counters; a miss is a read, a lease, the body, and a
fenced fill. The pool has a connection for each thread; by default it sends a `PING` before each use.\n\n",
    );
    text.push_str(if placed {
        "Where one call follows the other, client and server share one core. Free to choose, the scheduler puts them on one or on two from
run to run, and on a virtual machine a wake-up on another core costs several times the call: the same build's async hit took 11 us
in one run and 90 us in another. Tasks and threads have all cores.\n\n"
    } else {
        "**Client and server could not be put on one core (`taskset`): columns of one call at a time compare the scheduler's choices.**\n\n"
    });
}
