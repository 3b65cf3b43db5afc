//! What the command line says. It must never let a short run be saved.

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
    /// So many times as many operations of it.
    pub(crate) times: u64,
}

impl Options {
    /// Reads the arguments after the program's name.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { quick: false, save: false, only: None, counts: false, count: None, times: 1 };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => {} // added by `cargo bench`
                "--quick" => options.quick = true,
                "--save" => options.save = true,
                "--only" => options.only = Some(args.next().ok_or("--only wants words")?),
                "--counts" => options.counts = true,
                "--count" => options.count = args.next().zip(args.next()),
                "--times" => {
                    options.times = args.next().and_then(|n| n.parse().ok()).ok_or("--times wants a number")?;
                }
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
    pub(crate) fn shrink(&self) -> u64 {
        if self.quick { 10 } else { 1 }
    }
}
