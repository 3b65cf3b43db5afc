//! `cargo bench -p cached-benches --bench redis`: entries in Redis against what one would write by hand, one server, one
//! run, one table. It must never measure two contestants under different conditions: same value, interleaved rounds.

mod cores;
mod functions;
mod report;
mod server;
mod work;

use cached_benches::harness::{Bench, Contestant};
use cores::Cores;
use std::process::exit;
use work::World;

const USAGE: &str = "usage: cargo bench -p cached-benches --bench redis -- [--quick] [--save] [--only WORDS]
  --quick   few short rounds: does it run; not for quoting
  --save    also write RESULTS-redis.md
  --only    just the columns whose title contains WORDS";

/// What the command line asked for.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    save: bool,
    only: Option<String>,
}

impl Options {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => {} // added by `cargo bench`
                "--quick" => options.quick = true,
                "--save" => options.save = true,
                "--only" => options.only = Some(args.next().ok_or("--only wants words")?),
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
}

/// A workload: its title, whether one call follows the other, and whoever takes part.
type Column = (&'static str, bool, fn(&World) -> Vec<Contestant>);

const COLUMNS: [Column; 7] = [
    (report::ONE, true, World::one_at_a_time),
    (report::ONE_THREAD, true, World::one_thread),
    (report::TASKS, false, World::tasks),
    (report::SYNC, true, World::sync),
    (report::THREADS, false, World::threads),
    (report::BULK, true, World::bulk),
    (report::MISS, true, World::miss),
];

fn main() {
    if let Err(problem) = run() {
        eprintln!("redis: {problem}");
        exit(1);
    }
}

/// The server ends with it, however it ends.
fn run() -> Result<(), String> {
    let options = Options::from_args(std::env::args().skip(1)).map_err(|problem| format!("{problem}\n\n{USAGE}"))?;
    let server = server::Server::start()?;
    cached_runtime::redis::Config::from_url(server.url()).install().map_err(|error| error.to_string())?;
    functions::URL.get_or_init(|| server.url());
    let world = World::new(&server.url());
    let mut bench = Bench::new(options.rounds(), if options.quick { 10 } else { 1 }, options.only.clone());
    let cores = Cores::of(server.id());
    let mut placed = true;
    for (title, one_by_one, contestants) in COLUMNS {
        placed &= cores.use_one(one_by_one);
        bench.column(title, || contestants(&world));
    }
    cores.use_one(false);
    let text = report::markdown(&bench, &options, &server.version, placed);
    println!("{text}");
    if options.save {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS-redis.md");
        std::fs::write(path, text).map_err(|problem| format!("can't write {path}: {problem}"))?;
        eprintln!("saved {path}");
    }
    Ok(())
}
