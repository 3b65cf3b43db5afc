//! Parts of the reports: goals, machine, versions. It must never print a figure that the run did not measure.

use crate::harness::{Bench, Cell};
use std::fmt::Write as _;
use std::process::Command;

/// How two figures of a table should stand to each other.
pub enum Goal {
    /// first / second is at most this
    AtMost(f64),
    /// first / second is at least this
    AtLeast(f64),
    /// first - second is at most so many nanoseconds
    Above(f64),
}

/// The goals whose figures were measured: what is wanted, and whether it is met.
pub fn goal_table(text: &mut String, bench: &Bench, goals: Vec<(Cell, Cell, Goal)>) {
    text.push_str("## Goals\n\n| | measured | goal | |\n|---|--:|--:|---|\n");
    for (first, second, goal) in goals {
        let (Some(one), Some(two)) = (bench.medians.get(&first), bench.medians.get(&second)) else { continue };
        let (measured, wanted, met) = match goal {
            Goal::AtMost(limit) => (format!("{:.2}", one / two), format!("at most {limit:.2}"), one / two <= limit),
            Goal::AtLeast(limit) => (format!("{:.2}", one / two), format!("at least {limit:.2}"), one / two >= limit),
            Goal::Above(limit) => {
                (format!("{:+.1} ns", one - two), format!("at most {limit:+.1} ns"), one - two <= limit)
            }
        };
        let sign = if matches!(goal, Goal::Above(_)) { "-" } else { "/" };
        let what = if first.0 == second.0 {
            format!("{}: {} {sign} {}", first.0, first.1, second.1)
        } else {
            format!("{}: {} {sign} {}", first.1, first.0, second.0)
        };
        let _ = writeln!(text, "| {what} | {measured} | {wanted} | {} |", if met { "met" } else { "**not met**" });
    }
}

/// The processor and how many there are of it.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned());
    format!("{model}, {cores} cores")
}

/// The compiler that is there now.
pub fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "rustc".into(), |line| line.trim().to_owned())
}

/// The packages with the versions that the workspace's lock file holds; the newest where there are several.
pub fn versions(packages: &[&str]) -> String {
    let all: Vec<String> = packages.iter().map(|package| format!("{package} {}", version(package))).collect();
    all.join(", ")
}

fn version(package: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let wanted = format!("name = \"{package}\"");
    let entries = lock.split("[[package]]").filter(|entry| entry.lines().any(|line| line == wanted));
    let last = entries.last().and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")));
    last.unwrap_or("?").trim_matches('"')
}
