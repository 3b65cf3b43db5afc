//! Redis: what acts on all connections of a process at once. A program of its own, since its patterns and its failures reach
//! every cache that is there.
#![cfg(unix)]
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(clippy::pedantic, clippy::needless_borrow)]

mod matching;
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../redis/subject.rs"]
mod subject;
