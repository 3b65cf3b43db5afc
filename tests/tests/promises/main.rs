//! The promises of the design, each in a module of its name; what needs the test clock is in `clock`, what needs many seconds of chance in `stress`.
// Bodies stand in for real ones: what they take, ignore or only pretend to do is no matter.
#![allow(clippy::pedantic, clippy::useless_conversion, clippy::drop_non_drop, dropping_copy_types)]

mod promise_01_distinct_arguments;
mod promise_02_failed_loads;
mod promise_02_many_ids;
mod promise_02_one_load;
mod promise_02_unpolled_leader;
mod promise_03_fenced_fills;
mod promise_03_fenced_fills_async;
mod promise_03_shared_flights;
mod promise_03_tags;
mod promise_04_every_wait_ends;
mod promise_04_every_wait_ends_async;
mod promise_04_user_code_calls_again;
mod promise_05_cancellation;
mod promise_05_panics;
mod promise_05_wakers;
mod promise_08_bounded;
mod promise_08_swept;
mod promise_09_older_loads;
mod promise_09_writers;
mod promise_10_cheap_hits;
mod promise_11_quiet_code;
mod promise_12_no_unsafe;
