//! `cargo bench -p cached-benches --bench growth`: what grows with the number of entries, threads, caches, keys and values:
//! hit ratios, heap, time, the longest waits. It must never print a figure that this run did not measure.

mod heap;
mod ratio;
mod size;
mod tail;

use std::fmt::Write as _;

const USAGE: &str = "usage: cargo bench -p cached-benches --bench growth -- [--quick] [--save] [--only WORD]
  --quick   small sizes: does it run; not for quoting
  --save    also write GROWTH.md
  --only    one of: ratio, heap, size, tail";

/// Title, word for `--only`, what measures it. `quick` is handed on.
type Section = (&'static str, &'static str, fn(bool) -> Table);

/// The rows of a section: the first is the head.
pub(crate) struct Table {
    pub(crate) rows: Vec<Vec<String>>,
    /// How it was taken.
    pub(crate) note: &'static str,
}

fn main() {
    let (mut quick, mut save, mut only) = (false, false, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--quick" => quick = true,
            "--save" => save = true,
            "--only" => only = args.next(),
            _ => {
                eprintln!("growth: unknown argument `{arg}`\n\n{USAGE}");
                std::process::exit(2);
            }
        }
    }
    let text = report(quick, only.as_deref());
    println!("{text}");
    if save && !quick && only.is_none() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/GROWTH.md");
        if let Err(problem) = std::fs::write(path, text) {
            eprintln!("growth: can't write {path}: {problem}");
            std::process::exit(1);
        }
    }
}

fn report(quick: bool, only: Option<&str>) -> String {
    let sections: [Section; 4] = [
        ("Hit ratio", "ratio", ratio::table),
        ("Heap for each entry", "heap", heap::table),
        ("Time for each call, as things grow", "size", size::table),
        ("The longest hits while another thread writes", "tail", tail::table),
    ];
    let mut text =
        String::from("# As things grow\n\nCommand: `cargo bench -p cached-benches --bench growth -- --save`\n");
    if quick {
        text.push_str("\n**A `--quick` run: not for quoting.**\n");
    }
    for (title, word, table) in sections {
        if only.is_none_or(|only| only == word) {
            eprintln!("measuring: {title}");
            let Table { rows, note } = table(quick);
            let _ = writeln!(text, "\n## {title}\n\n{note}\n");
            for (at, row) in rows.iter().enumerate() {
                let _ = writeln!(text, "| {} |", row.join(" | "));
                if at == 0 {
                    let _ = writeln!(text, "|---|{}", "--:|".repeat(row.len() - 1));
                }
            }
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
