//! Which share of calls hits, on calls that were recorded. It must never fetch anything: `benches/traces` does.

use crate::ratio::{contestants, share, shares, verdict, verdict_head};
use crate::{Run, Table};
use cached_benches::trace::{Trace, best, read};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Capacities, as shares of the different keys.
const SHARES: [(&str, usize); 6] = [("0.1 %", 1000), ("1 %", 100), ("5 %", 20), ("10 %", 10), ("20 %", 5), ("50 %", 2)];

/// The one that is small enough to be here.
pub(crate) const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/growth/glimpse.txt");

/// What `benches/traces` has fetched, by name.
pub(crate) fn fetched() -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let files = std::fs::read_dir(root.join(target).join("traces")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort_by(|one, other| one.file_stem().cmp(&other.file_stem()));
    paths
}

const NOTE: &str = "Calls that others recorded, and published. Of all calls of a trace, those that did not load; from empty, \
    one thread, every entry counts the same; the median of five times where a trace has no more than a million calls (hashes \
    are seeded at random). Higher is better. `cached-runtime/benches/traces` fetches what is too large to be here; \
    `--trace FILE` takes another one (one key a line).\n";

/// What is to be seen in the traces that are saved.
const WHY: &str = "
Where most keys are soon asked for again (twitter), small caches have more hits with `sieve` than with quick_cache, and large \
ones as many. Where they come again only after more others than fit (all of glimpse; of cloudphysics' repetitions a third, after \
more than half of all its keys), an lru evicts them unread, and so does SIEVE alone, which takes every new key in as its newest \
(glimpse at 20 %: 0.014, cloudphysics at 50 %: 0.435). `sieve` and quick_cache have new keys pass through a small queue, and \
remember the ones that did not: a part of the loop stays in.\n";

/// One row for each trace and capacity.
pub(crate) fn table(run: &Run) -> Table {
    let mut head = vec!["entries, as a share of the different keys".to_owned()];
    head.extend(contestants(1).iter().map(|(name, _)| (*name).to_owned()));
    head.push("the best possible (Belady)".into());
    head.extend(verdict_head());
    let mut rows = vec![head];
    let mut note = NOTE.to_owned();
    if run.traces.iter().any(|path| path == Path::new(HERE)) {
        note.push_str(WHY);
    }
    for path in &run.traces {
        let mut trace = read(path).unwrap_or_else(|problem| {
            eprintln!("growth: {problem}");
            std::process::exit(1);
        });
        let (calls, about) = (trace.keys.len(), if trace.about.is_empty() { "(no description)" } else { &trace.about });
        let _ = write!(note, "\n- {}: {calls} calls, {} different keys. {about}", trace.name, trace.distinct);
        if run.quick {
            trace.keys.truncate(50_000);
        }
        rows.extend(SHARES.map(|(title, of)| row(&trace, title, trace.distinct / of)));
    }
    Table::new(rows, note)
}

fn row(trace: &Trace, title: &str, capacity: usize) -> Vec<String> {
    let capacity = capacity.max(1);
    let mut shares = median_shares(&trace.keys, capacity);
    let verdict = verdict(&shares);
    shares.push(share(best(&trace.keys, capacity), &trace.keys));
    let name = format!("{}, {title} ({capacity})", trace.name);
    [name].into_iter().chain(shares.iter().map(|share| format!("{share:.3}"))).chain(verdict).collect()
}

/// Of each contestant. Where its hashes fall decides about a thousandth in a small cache.
fn median_shares(keys: &[u64], capacity: usize) -> Vec<f64> {
    let rounds = if keys.len() > 1_000_000 { 1 } else { 5 };
    let all: Vec<Vec<f64>> = (0..rounds).map(|_| shares(keys, capacity)).collect();
    (0..all[0].len())
        .map(|at| {
            let mut of_one: Vec<f64> = all.iter().map(|shares| shares[at]).collect();
            of_one.sort_by(f64::total_cmp);
            of_one[rounds / 2]
        })
        .collect()
}
