//! Where an answer came from, for people and for machines. Must never ask the cache: the value carries what it takes.

use crate::catalogue::How;
use crate::layout::{ago, seconds};
use crate::model::Loaded;
use axum::http::{HeaderName, HeaderValue};
use std::time::{Duration, Instant};

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// How a value came to this request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    kind: Kind,
    place: &'static str,
    this: Duration,
    query: Duration,
    age: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hit,
    Miss,
    Refreshed,
    Past,
}

impl Source {
    /// Of a value that a request, which began at `start`, got from the cache at `place`.
    pub(crate) fn of<T>(loaded: &Loaded<T>, how: How, place: &'static str, start: Instant) -> Self {
        let kind = match how {
            How::Past => Kind::Past,
            How::Refresh => Kind::Refreshed,
            How::Cached if loaded.is_older_than(start) => Kind::Hit,
            How::Cached => Kind::Miss,
        };
        Self { kind, place, this: start.elapsed(), query: loaded.took, age: loaded.age() }
    }

    pub(crate) fn is_hit(self) -> bool {
        self.kind == Kind::Hit
    }

    /// The header `Cache-Status` of the cache `name`.
    pub(crate) fn header(self, name: &'static str) -> (HeaderName, HeaderValue) {
        let how = match self.kind {
            Kind::Hit => "hit",
            Kind::Miss => "fwd=miss; stored",
            Kind::Refreshed => "fwd=request; stored",
            Kind::Past => "fwd=bypass",
        };
        let value = HeaderValue::from_str(&format!("{name}; {how}"));
        (CACHE_STATUS, value.unwrap_or(HeaderValue::from_static("products")))
    }

    pub(crate) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Hit => "hit",
            Kind::Miss => "miss",
            Kind::Refreshed => "refreshed",
            Kind::Past => "cache off",
        }
    }

    pub(crate) fn class(&self) -> &'static str {
        if self.is_hit() { "good" } else { "warn" }
    }

    pub(crate) fn place(&self) -> &'static str {
        if self.is_hit() { self.place } else { "database" }
    }

    pub(crate) fn this(&self) -> String {
        seconds(self.this)
    }

    pub(crate) fn query(&self) -> String {
        seconds(self.query)
    }

    pub(crate) fn loaded(&self) -> String {
        ago(self.age)
    }
}
