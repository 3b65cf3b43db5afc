//! `cargo bench -p cached-benches --bench growth`: what grows with the number of entries, threads, caches, keys and values:
//! hit ratios, heap, time, the longest waits. It must never print a figure that this run did not measure.

mod heap;
mod ratio;
mod size;
mod tail;
mod traces;

use std::fmt::Write as _;
use std::path::PathBuf;

const USAGE: &str =
    "usage: cargo bench -p cached-benches --bench growth -- [--quick] [--save] [--only WORD] [--trace FILE]..
  --quick   small sizes: does it run; not for quoting
  --save    also write GROWTH.md; with --only just that part of it
  --only    one of: ratio, traces, heap, size, tail
  --trace   recorded calls, one key a line, instead of growth/glimpse.txt and what cached-runtime/benches/traces has fetched";

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/GROWTH.md");

/// Title, word for `--only`, what measures it.
type Section = (&'static str, &'static str, fn(&Run) -> Table);

const SECTIONS: [Section; 5] = [
    ("Hit ratio", "ratio", ratio::table),
    ("Hit ratio, recorded calls", "traces", traces::table),
    ("Heap for each entry", "heap", heap::table),
    ("Time for each call, as things grow", "size", size::table),
    ("The longest hits while another thread writes", "tail", tail::table),
];

/// What the command line says.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) quick: bool,
    save: bool,
    only: Option<String>,
    /// Files of recorded calls.
    pub(crate) traces: Vec<PathBuf>,
}

/// The rows of a section: the first is the head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// How it was taken.
    note: String,
}

impl Table {
    pub(crate) fn new(rows: Vec<Vec<String>>, note: impl Into<String>) -> Self {
        Self { rows, note: note.into() }
    }
}

fn main() {
    let run = run().unwrap_or_else(|problem| stop(&format!("{problem}\n\n{USAGE}"), 2));
    let measured = measure(&run);
    println!("{}", page(&run, &measured, ""));
    if run.save {
        // A part that this run did not measure stays as it is.
        let old = std::fs::read_to_string(RESULTS).unwrap_or_default();
        if let Err(problem) = std::fs::write(RESULTS, page(&run, &measured, &old)) {
            stop(&format!("can't write {RESULTS}: {problem}"), 1);
        }
    }
}

fn stop(problem: &str, status: i32) -> ! {
    eprintln!("growth: {problem}");
    std::process::exit(status)
}

fn run() -> Result<Run, String> {
    let mut run = Run::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--quick" => run.quick = true,
            "--save" => run.save = true,
            "--only" => run.only = Some(args.next().ok_or("`--only` wants a word")?),
            "--trace" => run.traces.push(args.next().ok_or("`--trace` wants a file")?.into()),
            _ => return Err(format!("unknown argument `{arg}`")),
        }
    }
    if let Some(only) = &run.only
        && !SECTIONS.iter().any(|(_, word, _)| only == word)
    {
        return Err(format!("there is no part `{only}`"));
    }
    if run.quick && run.save {
        return Err("a `--quick` run is not for saving".into());
    }
    if run.save && !run.traces.is_empty() {
        return Err("`--trace` is not for saving: nobody else could repeat it".into());
    }
    if run.traces.is_empty() {
        run.traces = traces::fetched();
        // Not after minutes of measuring, and nothing that the old page had left out.
        if run.traces.is_empty() && run.save && run.only.as_ref().is_none_or(|only| only == "traces") {
            return Err("not all recorded calls are here: `cached-runtime/benches/traces` fetches them".into());
        }
        run.traces.insert(0, traces::HERE.into());
    }
    Ok(run)
}

/// The title of each section that was asked for, and what it says.
fn measure(run: &Run) -> Vec<(&'static str, String)> {
    let mut measured = Vec::new();
    for (title, word, table) in SECTIONS {
        if run.only.as_ref().is_some_and(|only| only != word) {
            continue;
        }
        eprintln!("measuring: {title}");
        let Table { rows, note } = table(run);
        let mut text = format!("{note}\n\n");
        for (at, row) in rows.iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if at == 0 {
                let _ = writeln!(text, "|---|{}", "--:|".repeat(row.len() - 1));
            }
        }
        measured.push((title, text));
    }
    measured
}

/// The page: what was measured, in the sections' order, and of the others what the old page says.
fn page(run: &Run, measured: &[(&str, String)], old: &str) -> String {
    let mut text =
        String::from("# As things grow\n\nCommand: `cargo bench -p cached-benches --bench growth -- --save`\n");
    if run.quick {
        text.push_str("\n**A `--quick` run: not for quoting.**\n");
    }
    for (title, _, _) in SECTIONS {
        let new = measured.iter().find(|(of, _)| *of == title).map(|(_, section)| section.as_str());
        let kept = || old.split("\n## ").find_map(|section| section.strip_prefix(title)?.strip_prefix("\n\n"));
        if let Some(section) = new.or_else(kept) {
            let _ = write!(text, "\n## {title}\n\n{}\n", section.trim_end());
        }
    }
    text
}

/// A small generator, so that all contestants see the same keys in every run: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "53 random bits fit a float exactly")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// So many keys of a zipf distribution over `population`, their ranks scattered over the numbers.
pub(crate) fn zipf(exponent: f64, population: u32, count: usize) -> Vec<u64> {
    let weights: Vec<f64> = (1..=population).map(|rank| 1.0 / f64::from(rank).powf(exponent)).collect();
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let below: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum / total
        })
        .collect();
    let mut random = Random(2);
    (0..count)
        .map(|_| {
            let at = random.unit();
            (below.partition_point(|&share| share < at) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        })
        .collect()
}

/// What a value is made of.
pub(crate) fn load(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
