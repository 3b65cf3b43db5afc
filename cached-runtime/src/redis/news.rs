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
    driver.spawn_blocking(write);
}

fn write() {
    let _one_at_a_time = WRITING.lock();
    loop {
        // Not in the loop's head, where the lock would be held while the logger runs.
        let next = LINES.lock().pop_front();
        let Some((level, line)) = next else { return };
        log::log!(target: "cached_runtime::redis", level, "{line}");
    }
}
