//! What the benchmarks share: interleaved rounds and medians, goals, the machine, recorded calls. It must never know what is
//! measured.

pub mod harness;
pub mod report;
pub mod trace;
