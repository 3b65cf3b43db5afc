//! On which cores client and server run. It must never give one contestant of a column other cores than the rest.
//!
//! Where one call follows the other, only one of the two has something to do at a time. On some machines the scheduler puts them
//! on one core in one run and on two in the next, and a wake-up on another core costs several times what the call does: that
//! would be all that a column measures. So these columns have one core; those of many calls at once have all.

use std::process::Command;

/// The cores of this machine, and the processes to be moved.
pub(crate) struct Cores {
    all: Option<String>,
    processes: [u32; 2],
}

impl Cores {
    /// This process's and that of the server.
    pub(crate) fn of(server: u32) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let all = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Self { all: all.map(|all| all.trim().to_owned()), processes: [std::process::id(), server] }
    }

    /// From here on all threads have one core, or all; false if that can't be had here.
    pub(crate) fn use_one(&self, one: bool) -> bool {
        let Some(all) = &self.all else { return false };
        let first = all.split([',', '-']).next().unwrap_or(all);
        let cores = if one { first } else { all };
        let moved = |process: &u32| {
            let taskset = Command::new("taskset").args(["-a", "-c", "-p", cores, &process.to_string()]).output();
            taskset.is_ok_and(|moved| moved.status.success())
        };
        self.processes.iter().all(moved)
    }
}
