//! Which server the tests run: what `tests/server find` says. It must never fetch one, nor skip a test because there is none.

use std::{path::PathBuf, process::Command, sync::OnceLock};

/// The server's binary: `$CACHED_TEST_REDIS`, `valkey-server` or `redis-server` on the `PATH`, or what `tests/server get` fetched.
///
/// # Panics
/// When there is none, with what to do about it.
pub fn binary() -> &'static PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/server")).arg("find").output();
        match found {
            Ok(found) if found.status.success() => PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()),
            found => panic!(
                "no Redis-compatible server here. `tests/server get` fetches one; or install redis-server or valkey-server; \
                 or set CACHED_TEST_REDIS to one ({})",
                found.map_or_else(|e| e.to_string(), |found| String::from_utf8_lossy(&found.stderr).trim().to_owned())
            ),
        }
    })
}
