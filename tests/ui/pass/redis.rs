//! Functions whose entries are in Redis.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use cached_runtime::cached;
use std::fmt::Display;
use std::hash::Hash;
use std::io;

/// The default connection, arguments as JSON.
#[must_use]
#[cached(backend = redis, ttl = "60s")]
pub fn plain(id: u64, lang: &str) -> String {
    format!("{lang} {id}")
}

/// A template, and a result.
///
/// # Errors
///
/// Never.
#[cached(backend = redis("sessions"), ttl = "1h", jitter = 0.1, key = "session:{id}:{price:.2}", codec = json)]
pub async fn session(id: u64, price: f64) -> io::Result<Option<String>> {
    std::future::ready(Ok(Some(format!("{id} {price}")))).await
}

/// A generic one.
#[cached(backend = redis, ttl = never, name = "generic", key = (value.to_string(), n))]
pub async fn generic<T: Display + Send + Sync>(value: &T, n: u32) -> Vec<u32> {
    std::future::ready(vec![n; value.to_string().len()]).await
}

/// An opaque argument.
#[must_use]
#[allow(clippy::needless_pass_by_value)]
#[cached(backend = redis, ttl = |text: &String| std::time::Duration::from_secs(text.len() as u64), name = "opaque")]
pub fn opaque(value: impl Display + Hash + Eq + Clone + Send + Sync + serde::Serialize + 'static) -> String {
    value.to_string()
}

/// Of some instances.
#[derive(Debug)]
pub struct Shop {
    /// Which.
    pub id: u32,
}

impl Shop {
    /// A method.
    #[cached(backend = redis, ttl = "60s", name = "shop.price", key = (self.id, item), companion = price_entry)]
    pub async fn price(&self, item: u32) -> u32 {
        std::future::ready(self.id * item).await
    }

    /// Without an entry of its own.
    #[must_use]
    #[cached(backend = redis, ttl = "60s", name = "shop.tax", skip(self), bypass_if = force)]
    pub fn tax(&self, country: &str, force: bool) -> usize {
        let _ = force;
        country.len()
    }
}

/// Not started: there need be no server here.
pub fn main() {
    fn sends<T: Send>(value: T) {
        drop(value);
    }
    #[cached(backend = redis, ttl = "60s")]
    fn nested(n: u8) -> u8 {
        n
    }
    let shop = Shop { id: 1 };
    sends(session(1, 2.0));
    sends(session::get(1, 2.0));
    sends(session::contains(1, 2.0));
    sends(session::refresh(1, 2.0));
    sends(generic(&"x", 1));
    sends(generic::get(&"x", 1));
    sends(generic::many([(&"x", 1)]));
    sends(shop.price(1));
    let _ = (plain::stats(), session::stats(), generic::stats(), opaque::stats(), nested as fn(u8) -> u8);
}
