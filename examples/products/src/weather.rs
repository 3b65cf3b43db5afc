//! A weather service that is made up: slow, and the same at every run. Must never call anybody.

use crate::catalogue::How;
use crate::error::Result;
use crate::model::Loaded;
use cached_runtime::cached;
use serde::Serialize;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A reading of the made-up instruments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Weather {
    pub(crate) city: City,
    /// Degrees Celsius.
    pub(crate) temperature: f64,
    pub(crate) conditions: &'static str,
    /// Counts the readings since the program started.
    pub(crate) reading: u32,
}

/// Where there are instruments. A closed list: a key that visitors can make up would let them fill the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum City {
    Kigali,
    Oslo,
    Lima,
}

impl City {
    pub(crate) const ALL: [Self; 3] = [Self::Kigali, Self::Oslo, Self::Lima];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|city| city.slug() == name)
    }

    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Kigali => "kigali",
            Self::Oslo => "oslo",
            Self::Lima => "lima",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kigali => "Kigali",
            Self::Oslo => "Oslo",
            Self::Lima => "Lima",
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Kigali => 21.0,
            Self::Oslo => 7.0,
            Self::Lima => 18.0,
        }
    }
}

/// The weather through the cache: per city, for a minute.
#[cached(
    name = "weather",
    skip(slowness, how),
    ttl = "60s",
    bypass_if = how == How::Past,
    refresh_if = how == How::Refresh
)]
pub(crate) async fn weather(city: City, slowness: Duration, how: How) -> Result<Arc<Loaded<Weather>>> {
    let start = Instant::now();
    tokio::time::sleep(slowness).await;
    Ok(Arc::new(Loaded::new(read(city), start)))
}

/// The next reading: the n-th is the same in every run.
fn read(city: City) -> Weather {
    static READINGS: AtomicU32 = AtomicU32::new(0);
    let reading = READINGS.fetch_add(1, Ordering::Relaxed) + 1;
    let wave = (f64::from(reading) * TAU / 12.0).sin() + 0.4 * (f64::from(reading) * TAU / 5.0).cos();
    let temperature = ((city.mean() + 6.0 * wave) * 10.0).round() / 10.0;
    let conditions = ["sunny", "cloudy", "rainy"][reading as usize % 3];
    Weather { city, temperature, conditions, reading }
}
