//! Redis, with real servers and real faults. No module imitates a server, none is skipped without one, and each test has
//! servers of its own.
#![cfg(unix)]
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(clippy::pedantic, clippy::needless_borrow)]

mod attributes;
#[cfg(feature = "tokio")]
mod background;
mod bulk;
mod bulk_windows;
mod cluster;
mod crowds;
mod disturbed;
mod entries;
mod fences;
mod forked;
mod functions;
mod helpers;
mod many;
mod on_error;
mod oracle;
mod permissions;
mod plain;
mod processes;
mod promise_01_distinct_arguments;
mod promise_09_honest_time;
mod python;
mod refused;
mod retries;
mod runtimes;
mod sentinel;
mod subject;
mod tags;
mod testbed;
mod testbed_proxy;
mod testbed_tls;
mod tls;
mod tti;
mod unreachable;
mod unreadable;
mod watched;
mod windows;
mod windows_model;
mod writers;
