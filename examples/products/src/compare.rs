//! The same query without a cache, from memory and from Redis: measured, side by side. Must never compare different pages,
//! nor hide what failed.

use crate::catalogue::{How, in_memory, in_redis};
use crate::db::Db;
use crate::error::Result;
use cached_runtime::redis;
use std::future::Future;
use std::time::{Duration, Instant};

/// A way to get a page of the list.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) note: &'static str,
    /// What was measured, or why nothing was.
    pub(crate) measured: std::result::Result<Times, String>,
}

/// Of calls one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) fastest: Duration,
    pub(crate) median: Duration,
    pub(crate) slowest: Duration,
    pub(crate) calls: usize,
}

/// Calls of a way that is fast.
const CALLS: usize = 50;
/// Calls of the way that is slow.
const SLOW_CALLS: usize = 3;
const PER_PAGE: u32 = 10;

/// Measures all ways. A further backend is a further entry here, and nothing else.
pub(crate) async fn measure(db: &Db, page: u32, redis_there: bool) -> Result<Vec<Way>> {
    let uncached = times(SLOW_CALLS, || in_memory::page(db, page, PER_PAGE, How::Past)).await?;
    let memory = times(CALLS, || in_memory::page(db, page, PER_PAGE, How::Cached)).await?;
    let redis = match look_for_redis(redis_there).await {
        Ok(()) => Ok(times(CALLS, || in_redis::page(db, page, PER_PAGE, How::Cached)).await?),
        Err(why) => Err(why),
    };
    Ok(vec![
        Way { name: "No cache", note: "Always what the database holds, and as slow as it is.", measured: Ok(uncached) },
        Way {
            name: "Memory",
            note: "No network and no copy. Each process has its own, and it is empty after a restart.",
            measured: Ok(memory),
        },
        Way {
            name: "Redis",
            note: "Shared by all processes and still there after a restart; a network away.",
            measured: redis,
        },
    ])
}

/// The index of the way with the lowest median.
pub(crate) fn fastest(ways: &[Way]) -> Option<usize> {
    let medians = ways.iter().enumerate().filter_map(|(at, way)| Some((way.measured.as_ref().ok()?.median, at)));
    medians.min().map(|(_, at)| at)
}

/// A slow Redis would be measured, one that is away would only let the function run: that is not a figure of Redis.
async fn look_for_redis(configured: bool) -> std::result::Result<(), String> {
    if !configured {
        return Err("No Redis was found when the program started. Start one, or say --redis URL.".to_owned());
    }
    redis::check().await.map_err(|error| error.to_string())
}

/// Calls once to fill the cache, then takes the times.
async fn times<F: Future<Output = Result<R>>, R>(calls: usize, mut call: impl FnMut() -> F) -> Result<Times> {
    call().await?;
    let mut all = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        call().await?;
        all.push(start.elapsed());
    }
    all.sort_unstable();
    let at = |index: usize| all.get(index).copied().unwrap_or_default();
    Ok(Times { fastest: at(0), median: at(calls / 2), slowest: at(calls - 1), calls })
}
