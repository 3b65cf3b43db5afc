//! One log line for each change of state. Must never run a logger on the driver, which a slow one would hold up for all.

use crate::redis::driver::Driver;
use parking_lot::Mutex;
use std::collections::VecDeque;

static LINES: Mutex<VecDeque<(log::Level, String)>> = Mutex::new(VecDeque::new());
/// Held while lines are written, so that they come in order.
static WRITING: Mutex<()> = Mutex::new(());
/// More than this is not kept for a logger that hangs.
const KEPT: usize = 64;

/// Writes `line`, soon and elsewhere.
pub(crate) fn tell(driver: &Driver, level: log::Level, line: String) {
    if level > log::max_level() {
        return;
    }
    let mut lines = LINES.lock();
    if lines.len() < KEPT {
        lines.push_back((level, line));
    }
    drop(lines);
    driver.call_back(write);
}

/// A logger that hangs holds up one thread, not all: who finds another writing leaves the lines to that one, which looks
/// for them once more after it has let go.
fn write() {
    while !LINES.lock().is_empty() {
        let Some(_one_at_a_time) = WRITING.try_lock() else { return };
        loop {
            // Not in the loop's head, where the lock would be held while the logger runs.
            let next = LINES.lock().pop_front();
            let Some((level, line)) = next else { break };
            log::log!(target: "cached_runtime::redis", level, "{line}");
        }
    }
}
