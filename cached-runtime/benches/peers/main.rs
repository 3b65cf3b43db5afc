//! `cargo bench -p cached-benches --bench peers`: cached-runtime and its peers, every workload, one run, one table.
//! It must never measure two contestants under different conditions: same keys, same body, interleaved rounds.

mod attributes;
mod counts;
mod options;
mod ours;
mod report;
mod stores;
mod work;

use cached_benches::harness::{Bench, Contestant};
use options::Options;
use std::collections::BTreeMap;

fn main() {
    let options = match Options::from_args(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("peers: {problem}\n\n{}", options::USAGE);
            std::process::exit(2);
        }
    };
    if let Some((title, name)) = &options.count {
        return counts::run_one(&columns(), title, name, options.times);
    }
    if options.counts {
        return counts::run(&columns(), &options);
    }
    let mut bench = Bench::new(options.rounds(), options.shrink(), options.only.clone());
    for together in workloads() {
        bench.columns_together(together);
    }
    let allocations = if options.quick { BTreeMap::new() } else { counts::allocations(&columns(), &bench.columns) };
    let text = report::markdown(&bench, &options, &allocations);
    println!("{text}");
    if options.save {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
        if let Err(problem) = std::fs::write(path, text) {
            eprintln!("peers: can't write {path}: {problem}");
            std::process::exit(1);
        }
        eprintln!("saved {path}");
    }
}

/// A workload: its title and whoever takes part.
pub(crate) type Column = (&'static str, fn() -> Vec<Contestant>);

/// All workloads; those that goals compare with one another together. The rest are built one by one, so that no column's
/// caches are alive in another's.
fn workloads() -> Vec<Vec<Column>> {
    vec![
        vec![(report::HIT, work::hit), (report::TTL, work::ttl), (report::ASYNC, work::asynchronous)],
        vec![(report::PAIR, work::pair)],
        vec![(report::HOT_1, || work::hot(1)), (report::HOT_2, || work::hot(2))],
        vec![(report::ZIPF_1, || work::zipf(1)), (report::ZIPF_2, || work::zipf(2))],
        vec![(report::MISS, work::miss)],
        vec![(report::FIB, work::fib)],
    ]
}

fn columns() -> Vec<Column> {
    workloads().into_iter().flatten().collect()
}
