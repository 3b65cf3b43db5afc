//! Instructions instead of time: each contestant alone in a process under callgrind, which counts only what runs inside
//! of [`counted`]. It must never depend on the machine's load: that is what it is for.

use crate::Column;
use crate::options::Options;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, exit};

/// What is timed is counted: callgrind is told to collect inside of this function only.
#[inline(never)]
pub(crate) fn counted<R>(f: impl FnOnce() -> R) -> R {
    std::hint::black_box(f())
}

/// The figures that a change is held against.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");

/// A count may be so much above what is kept: collisions in the tables are different in each process. Hits with `lru` and
/// `local` repeat to a percent; other counts of one binary differed by 9 of a hundred in 12 runs, once by 19.
const TOLERANCE: f64 = 1.15;
const SLACK: f64 = 5.0;

/// Collisions only ever add. So a count that is too large is taken anew, and it is the least of so many that has to be
/// too large; what is kept is the least of [`KEPT_OF`].
const RECOUNTS: usize = 5;
const KEPT_OF: usize = 3;

/// Columns of one thread, which alone have counts that mean something.
fn is_counted(title: &str) -> bool {
    !title.contains("thread")
}

/// Runs a short batch of one contestant: what happens under valgrind.
pub(crate) fn run_one(columns: &[Column], title: &str, name: &str, times: u64) {
    let Some((_, contestants)) = columns.iter().find(|(known, _)| *known == title) else { return };
    let Some(mut contestant) = contestants().into_iter().find(|known| known.name == name) else { return };
    (contestant.batch)(times * operations(title));
}

/// Enough that a collision or two make no difference; a multiple of the 4096 keys, which batches round up to.
fn operations(title: &str) -> u64 {
    match title {
        crate::report::FIB => 20,
        _ => 8192,
    }
}

/// Counts all contestants, prints the table, and compares ours with what is kept.
pub(crate) fn run(columns: &[Column], options: &Options) {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("peers: --counts needs valgrind, which is not installed");
        exit(3);
    }
    let kept = kept();
    let mut text = String::from("# Instructions a call (callgrind); ours are what a change is held against.\n");
    let mut worse = Vec::new();
    for (title, contestants) in columns.iter().filter(|(title, _)| is_counted(title)) {
        if options.only.as_ref().is_some_and(|words| !title.contains(words.as_str())) {
            continue;
        }
        for contestant in contestants() {
            // Peers are counted where the figures are kept, for people to compare.
            if !options.save && !contestant.name.contains("cached-runtime") {
                continue;
            }
            let row = format!("{title} | {}", contestant.name.replace("**", ""));
            let known = kept.get(&row).filter(|_| !options.save);
            let most = known.map(|known| known * TOLERANCE + SLACK);
            let Some(count) = least(title, contestant.name, most) else {
                worse.push(format!("{row}: could not be counted"));
                continue;
            };
            let _ = writeln!(text, "{row} | {count:.0}");
            println!("{row} | {count:.1}{}", known.map_or(String::new(), |known| format!(" (kept: {known:.0})")));
            if let Some(known) = known
                && most.is_some_and(|most| count > most)
            {
                worse.push(format!("{row}: {count:.0} instructions, {known:.0} are kept"));
            }
        }
    }
    if options.save {
        match std::fs::write(KEPT, text) {
            Ok(()) => eprintln!("saved {KEPT}"),
            Err(problem) => eprintln!("peers: can't write {KEPT}: {problem}"),
        }
    }
    if !worse.is_empty() {
        eprintln!("peers: not as before:\n  {}", worse.join("\n  "));
        exit(1);
    }
}

/// The columns whose calls are hits of one thread.
pub(crate) const HITS: [&str; 4] = [crate::report::HIT, crate::report::TTL, crate::report::PAIR, crate::report::ASYNC];

/// Allocations of one hit, by column and row: what a process that makes more calls allocates more, divided by those.
/// Nothing without valgrind.
pub(crate) fn allocations(columns: &[Column], measured: &[&str]) -> BTreeMap<(String, &'static str), f64> {
    let mut found = BTreeMap::new();
    for (title, contestants) in columns.iter().filter(|(title, _)| HITS.contains(title) && measured.contains(title)) {
        eprintln!("counting allocations: {title}");
        for contestant in contestants() {
            let (Some(few), Some(many)) = (allocated(title, contestant.name, 1), allocated(title, contestant.name, 3))
            else {
                continue;
            };
            let more = f64::from(2 * u32::try_from(operations(title)).unwrap_or(u32::MAX / 2));
            found.insert(((*title).to_owned(), contestant.name), f64::from(many.saturating_sub(few)) / more);
        }
    }
    found
}

/// The allocations of a whole process that runs one contestant.
fn allocated(title: &str, name: &str, times: u32) -> Option<u32> {
    let output = Command::new("valgrind")
        .args(["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", title, name, "--times", &times.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let (allocs, _) = said.lines().find_map(|line| line.split_once("total heap usage: "))?.1.split_once(" allocs")?;
    allocs.replace(',', "").parse().ok()
}

fn kept() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(KEPT).unwrap_or_default();
    let line = |line: &str| line.rsplit_once(" | ").and_then(|(row, n)| Some((row.to_owned(), n.trim().parse().ok()?)));
    text.lines().filter_map(line).collect()
}

/// The least of several counts: of as many as it takes to be below `most`, or of [`KEPT_OF`].
fn least(title: &str, name: &str, most: Option<f64>) -> Option<f64> {
    let mut least = count(title, name)?;
    for _ in 1..most.map_or(KEPT_OF, |_| RECOUNTS) {
        if most.is_some_and(|most| least <= most) {
            break;
        }
        least = least.min(count(title, name)?);
    }
    Some(least)
}

/// Runs this very program under callgrind, for one contestant.
fn count(title: &str, name: &str) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counts*counted*"])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", title, name])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "))?.1.trim();
    let Ok(collected) = collected.parse::<u32>() else {
        eprintln!("peers: valgrind on `{title}`, {name} says: {said}");
        return None;
    };
    Some(f64::from(collected) / f64::from(u32::try_from(operations(title)).ok()?))
}
