//! A recipe for write-behind: visits are counted in memory and reach the database in batches. Must never grow without bound,
//! and must write everything before the program ends.
//!
//! **What it buys**: a request doesn't wait for the database, and a thousand visits of one user are one `UPDATE`.
//! **What it costs**: a crash (not an orderly end) loses what was counted since the last flush, and the database is behind
//! by as much. Right for counters and logs, wrong for money. Where nothing may be lost, write through (`users.rs`).
//!
//! - The queue is bounded. When it is full, [`Visits::count`] waits: the database being slow is felt, not hidden.
//! - A flush is one transaction. When it fails, the counts stay and are tried again with the next one.
//! - [`Flusher::finish`] writes what is left; the server calls it after the last request.

use crate::db::Db;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How many visits may wait to be summed up.
const QUEUE: usize = 1024;
/// How many users' sums may wait to be written, before a flush is forced.
const BATCH: usize = 256;

/// The way in; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Visits {
    queue: mpsc::Sender<i64>,
    pending: Pending,
}

/// What is counted and not written yet, by user: readers add it to what the database says.
#[derive(Clone, Debug, Default)]
struct Pending(Arc<Mutex<HashMap<i64, i64>>>);

impl Pending {
    fn with<R>(&self, look: impl FnOnce(&mut HashMap<i64, i64>) -> R) -> R {
        // Nothing in here panics halfway, so a poisoned map is a sound one.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The background task that writes.
#[derive(Debug)]
pub(crate) struct Flusher {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// Starts the task that writes every `every`.
pub(crate) fn start(db: Db, every: Duration) -> (Visits, Flusher) {
    let (queue, visits) = mpsc::channel(QUEUE);
    let (stop, stopped) = oneshot::channel();
    let pending = Pending::default();
    let task = tokio::spawn(run(db, every, visits, stopped, pending.clone()));
    (Visits { queue, pending }, Flusher { task, stop })
}

impl Visits {
    /// Counts a visit. Waits only while the queue is full.
    pub(crate) async fn count(&self, user: i64) -> Result<()> {
        let place = self.queue.reserve().await.map_err(|_| Error::Unavailable("The server is stopping."))?;
        self.pending.with(|pending| *pending.entry(user).or_default() += 1);
        place.send(user);
        Ok(())
    }

    /// The visits of a user that the database does not know yet.
    pub(crate) fn pending(&self, user: i64) -> i64 {
        self.pending.with(|pending| pending.get(&user).copied().unwrap_or(0))
    }
}

impl Flusher {
    /// Takes no more visits, writes what is left, and ends.
    pub(crate) async fn finish(self) {
        // Neither can fail: the task ends by itself only if it panics, which is reported there.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the write-behind task failed");
        }
    }
}

async fn run(
    db: Db,
    every: Duration,
    mut visits: mpsc::Receiver<i64>,
    mut stopped: oneshot::Receiver<()>,
    pending: Pending,
) {
    let mut sums = HashMap::new();
    let mut stopping = false;
    let mut clock = interval(every);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            visit = visits.recv() => match visit {
                Some(user) => *sums.entry(user).or_default() += 1,
                None => break,
            },
            _ = clock.tick() => flush(&db, &mut sums, &pending).await,
            _ = &mut stopped, if !stopping => {
                stopping = true;
                visits.close(); // what is queued still comes, then `None`
            }
        }
        if sums.len() >= BATCH {
            flush(&db, &mut sums, &pending).await;
        }
    }
    flush(&db, &mut sums, &pending).await;
}

/// Writes the sums; those that can't be written stay.
async fn flush(db: &Db, sums: &mut HashMap<i64, i64>, pending: &Pending) {
    if sums.is_empty() {
        return;
    }
    let batch: Vec<(i64, i64)> = sums.iter().map(|(user, count)| (*user, *count)).collect();
    match db.add_visits(&batch).await {
        Ok(()) => {
            pending.with(|pending| {
                for (user, count) in &batch {
                    if let Some(left) = pending.get_mut(user) {
                        *left -= count;
                    }
                }
                pending.retain(|_, left| *left > 0);
            });
            sums.clear();
            tracing::debug!(users = batch.len(), "visits written");
        }
        Err(error) => tracing::warn!(%error, "visits stay in memory and are tried again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn database() -> (tempfile::TempDir, Db) {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::open(&directory.path().join("test.sqlite"), Duration::ZERO).await.unwrap();
        (directory, db)
    }

    #[tokio::test]
    async fn everything_is_written_at_the_end() {
        let (_directory, db) = database().await;
        let (visits, flusher) = start(db.clone(), Duration::from_hours(1));
        // More than the queue holds: it is bounded, and nothing is lost.
        for _ in 0..QUEUE + 100 {
            visits.count(1).await.unwrap();
        }
        visits.count(2).await.unwrap();
        assert_eq!(visits.pending(2), 1);
        flusher.finish().await;
        assert_eq!(db.visits(1).await.unwrap(), i64::try_from(QUEUE + 100).unwrap());
        assert_eq!((db.visits(2).await.unwrap(), visits.pending(1), visits.pending(2)), (1, 0, 0));
        assert!(matches!(visits.count(1).await, Err(Error::Unavailable(_))));
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let (_directory, db) = database().await;
        let mut sums = HashMap::from([(1, 5)]);
        let pending = Pending::default();
        pending.with(|pending| pending.insert(1, 5));
        let broken = db.clone();
        broken.close().await;
        flush(&broken, &mut sums, &pending).await;
        assert_eq!((sums.len(), pending.with(|pending| pending[&1])), (1, 5));
    }
}
