//! The plain harness: interleaved rounds and medians.
//! It must never let one contestant run all its rounds in one go: a noisy second would then hit that one alone.

use std::collections::BTreeMap;

/// Shown on a wrong argument.
pub(crate) const USAGE: &str = "usage: cargo bench -p cached-benches --bench peers -- [--quick] [--save] [--only WORDS]
       cargo bench -p cached-benches --bench peers -- --counts [--save] [--only WORDS]
  --quick   few short rounds: does it run, are the orders of magnitude right; not for quoting
  --save    also write RESULTS.md
  --counts  instructions instead of time, under valgrind: fails where a call takes more of them than counts.txt says
            (with --save: writes counts.txt)
  --only    just the columns whose title contains WORDS";

/// What the command line asked for.
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) save: bool,
    pub(crate) only: Option<String>,
    pub(crate) counts: bool,
    /// One column and row: what `--counts` runs under valgrind.
    pub(crate) count: Option<(String, String)>,
}

impl Options {
    /// Reads the arguments after the program's name.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { quick: false, save: false, only: None, counts: false, count: None };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => {} // added by `cargo bench`
                "--quick" => options.quick = true,
                "--save" => options.save = true,
                "--only" => options.only = Some(args.next().ok_or("--only wants words")?),
                "--counts" => options.counts = true,
                "--count" => options.count = args.next().zip(args.next()),
                _ => return Err(format!("unknown argument `{arg}`")),
            }
        }
        if options.save && (options.quick || options.only.is_some()) {
            return Err("--save wants a whole run: no --quick, no --only".into());
        }
        Ok(options)
    }

    /// Rounds per contestant and workload.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 21 }
    }

    /// Divides the operations of a batch.
    fn shrink(&self) -> u64 {
        if self.quick { 10 } else { 1 }
    }
}

/// Runs one batch of about so many operations and returns the nanoseconds one of them took.
pub(crate) type Batch = Box<dyn FnMut(u64) -> f64>;

/// Someone who takes part in a workload.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) batch: Batch,
    /// Operations in a batch; chosen so that a batch takes milliseconds.
    pub(crate) operations: u64,
}

/// Titles of columns and rows, and the medians found.
pub(crate) struct Bench {
    rounds: usize,
    shrink: u64,
    only: Option<String>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) medians: BTreeMap<(&'static str, &'static str), f64>,
}

impl Bench {
    pub(crate) fn new(options: &Options) -> Self {
        let (rounds, shrink, only) = (options.rounds(), options.shrink(), options.only.clone());
        Self { rounds, shrink, only, columns: Vec::new(), medians: BTreeMap::new() }
    }

    /// Measures one workload. The first round warms caches and predictors and is thrown away.
    pub(crate) fn column(&mut self, title: &'static str, contestants: fn() -> Vec<Contestant>) {
        if self.only.as_ref().is_some_and(|words| !title.contains(words.as_str())) {
            return;
        }
        eprintln!("measuring: {title}");
        let mut contestants = contestants();
        let mut samples = vec![Vec::with_capacity(self.rounds); contestants.len()];
        let count = contestants.len();
        for round in 0..=self.rounds {
            for turn in 0..count {
                // Everyone is first once in a while: whoever follows a heavy one finds cold CPU caches.
                let at = (turn + round * 5) % count;
                let Contestant { batch, operations, .. } = &mut contestants[at];
                let nanoseconds = batch((*operations / self.shrink).max(1));
                if round > 0 {
                    samples[at].push(nanoseconds);
                }
            }
        }
        for (contestant, samples) in contestants.iter().zip(samples) {
            self.medians.insert((title, contestant.name), median(samples));
        }
        self.columns.push(title);
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
