//! What the benchmarks share: interleaved rounds and medians, goals, the machine. It must never know what is measured.

pub mod harness;
pub mod report;
