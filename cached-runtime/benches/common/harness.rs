//! The plain harness: interleaved rounds and medians.
//! It must never let one contestant run all its rounds in one go: a noisy second would then hit that one alone.

use std::collections::BTreeMap;

/// Runs one batch of about so many operations and returns the nanoseconds one of them took.
pub type Batch = Box<dyn FnMut(u64) -> f64>;

/// Someone who takes part in a workload.
pub struct Contestant {
    /// The row of the table.
    pub name: &'static str,
    /// Its work.
    pub batch: Batch,
    /// Operations in a batch; chosen so that a batch takes milliseconds.
    pub operations: u64,
}

/// A column of the table, and a row.
pub type Cell = (&'static str, &'static str);

/// Titles of columns and rows, and the medians found.
pub struct Bench {
    rounds: usize,
    shrink: u64,
    only: Option<String>,
    /// The columns that were measured.
    pub columns: Vec<&'static str>,
    /// Nanoseconds of one operation.
    pub medians: BTreeMap<Cell, f64>,
}

impl Bench {
    /// So many rounds, of batches divided by `shrink`; only the columns whose title contains the words.
    pub fn new(rounds: usize, shrink: u64, only: Option<String>) -> Self {
        Self { rounds, shrink, only, columns: Vec::new(), medians: BTreeMap::new() }
    }

    /// Measures one workload.
    pub fn column(&mut self, title: &'static str, contestants: impl FnOnce() -> Vec<Contestant>) {
        self.columns_together(vec![(title, contestants)]);
    }

    /// Measures workloads that are compared with one another, round by round: one after the other, a machine whose speed
    /// changes from minute to minute would tell more of its minutes than of them. The first round warms caches and
    /// predictors and is thrown away.
    pub fn columns_together<F: FnOnce() -> Vec<Contestant>>(&mut self, workloads: Vec<(&'static str, F)>) {
        let mut columns = Vec::new();
        for (title, contestants) in workloads {
            if self.only.as_ref().is_none_or(|words| title.contains(words.as_str())) {
                eprintln!("measuring: {title}");
                let contestants = contestants();
                let samples = vec![Vec::with_capacity(self.rounds); contestants.len()];
                columns.push((title, contestants, samples));
            }
        }
        for round in 0..=self.rounds {
            for (_, contestants, samples) in &mut columns {
                let count = contestants.len();
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
        }
        for (title, contestants, samples) in columns {
            for (contestant, samples) in contestants.iter().zip(samples) {
                self.medians.insert((title, contestant.name), median(samples));
            }
            self.columns.push(title);
        }
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
