//! How long it takes to build: 100 cached functions, and what is built before the first of them. It must never reuse
//! another run's build.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const RUNTIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) fn run() {
    println!("| | default features, from nothing | 100 functions, debug | 100 functions, release |\n|---|--:|--:|--:|");
    row(
        "cached-runtime",
        &format!("cached-runtime = {{ path = {RUNTIME:?} }}"),
        "cached_runtime::cached",
        "capacity = 100",
    );
    row("cached", "cached = \"4.1.0\"", "cached::macros::cached", "max_size = 100");
}

fn row(name: &str, dependency: &str, path: &str, options: &str) {
    let folder = std::env::temp_dir().join(format!("cached-benches-{name}-{}", std::process::id()));
    let manifest =
        format!("[package]\nname = \"many\"\nedition = \"2024\"\n[dependencies]\n{dependency}\n[workspace]\n");
    let mut functions = String::new();
    for n in 0..100 {
        let _ = writeln!(
            functions,
            "#[{path}({options})]\npub fn f{n}(a: u64, b: String) -> String {{ format!(\"{{a}}{{b}}{n}\") }}"
        );
    }
    let source = folder.join("src");
    let ready = std::fs::create_dir_all(&source)
        .and_then(|()| std::fs::write(folder.join("Cargo.toml"), manifest))
        .and_then(|()| std::fs::write(source.join("lib.rs"), ""));
    if let Err(problem) = ready {
        println!("| {name} | {problem} | | |");
        return;
    }
    let first = build(&folder, &[]);
    let _ = build(&folder, &["--release"]);
    let _ = std::fs::write(source.join("lib.rs"), functions);
    println!("| {name} | {first} | {} | {} |", build(&folder, &[]), build(&folder, &["--release"]));
    let _ = std::fs::remove_dir_all(&folder);
}

fn build(folder: &Path, options: &[&str]) -> String {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "-q"]).args(options).current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    let _ = Command::new("cargo").args(["fetch", "-q"]).current_dir(folder).status();
    let started = Instant::now();
    match cargo.status() {
        Ok(status) if status.success() => format!("{:.1} s", started.elapsed().as_secs_f64()),
        _ => "does not build".into(),
    }
}
