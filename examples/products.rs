//! `cargo run --example products [-- ARGUMENTS]`: starts the web application in `examples/products`. It must depend on nothing.
//!
//! The application is a package of its own, since cargo unites the features of all examples that it builds together: as
//! an example beside the others it would compile a Redis client into `cargo run --example fibonacci`.

use std::env;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/products/Cargo.toml")]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.arg("--").args(env::args_os().skip(1));
    run(command)
}

/// Becomes the application, so that signals and its exit code are its own.
#[cfg(unix)]
fn run(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    failed(&command.exec())
}

#[cfg(not(unix))]
fn run(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> ExitCode {
    eprintln!("products: cargo can't be run: {error}");
    ExitCode::FAILURE
}
