//! `cargo bench -p cached-benches --bench compile`: how long a file of 100 cached functions takes to build, and the
//! dependencies of the default features from nothing; `cached` beside it. It must never share a target folder between the two.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A contestant: its name, its line in `[dependencies]`, what imports it, its attribute.
struct Contestant {
    name: &'static str,
    dependency: String,
    import: &'static str,
    plain: &'static str,
    timed: &'static str,
}

const FUNCTIONS: usize = 100;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let contestants = [
        Contestant {
            name: "**cached-runtime**",
            dependency: format!("cached-runtime = {{ path = {:?} }}", runtime.display().to_string()),
            import: "use cached_runtime::cached;",
            plain: "#[cached]",
            timed: "#[cached(ttl = \"1h\", capacity = 1000)]",
        },
        Contestant {
            name: "cached",
            dependency: "cached = { version = \"4.1.0\", features = [\"async\"] }".into(),
            import: "use cached::macros::cached;",
            plain: "#[cached(sync_lock = \"rwlock\")]",
            timed: "#[cached(ttl_secs = 3600, max_size = 1000)]",
        },
    ];
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compile");
    println!(
        "| seconds | dependencies, from nothing | 100 functions, debug | 100 functions, check | 100 functions, release |"
    );
    println!("|---|--:|--:|--:|--:|");
    let mut folders = Vec::new();
    for contestant in &contestants {
        let folder = root.join(contestant.name.trim_matches('*'));
        let _ = std::fs::remove_dir_all(&folder);
        write(&folder, contestant).expect("the target folder can be written");
        folders.push(folder);
    }
    // Downloads are no part of it.
    for folder in &folders {
        cargo(folder, &["fetch"]);
    }
    let fresh: Vec<_> = folders.iter().map(|folder| cargo(folder, &["build"])).collect();
    for folder in &folders {
        cargo(folder, &["check"]);
        cargo(folder, &["build", "--release"]);
    }
    let mut figures = vec![vec![Vec::new(); 3]; folders.len()];
    for _ in 0..rounds {
        for (at, folder) in folders.iter().enumerate() {
            for (kind, arguments) in [&["build"][..], &["check"], &["build", "--release"]].iter().enumerate() {
                touch(folder);
                figures[at][kind].push(cargo(folder, arguments));
            }
        }
    }
    for (at, contestant) in contestants.iter().enumerate() {
        let mut line = format!("| {} | {:.2} |", contestant.name, fresh[at].as_secs_f64());
        for rounds in &mut figures[at] {
            rounds.sort();
            let _ = write!(line, " {:.2} |", rounds[rounds.len() / 2].as_secs_f64());
        }
        println!("{line}");
    }
}

/// A package with 100 cached functions of one to three arguments, a fifth of them async.
fn write(folder: &Path, contestant: &Contestant) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"hundred\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[workspace]\n",
        contestant.dependency
    );
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    let mut code = format!("{}\n", contestant.import);
    for n in 0..FUNCTIONS {
        let attribute = if n % 2 == 0 { contestant.plain } else { contestant.timed };
        let (kind, arguments, body) = match n % 5 {
            0 => ("async fn", "a: u64", "a"),
            1 => ("fn", "a: u64, b: String", "a + b.len() as u64"),
            2 => ("fn", "a: u64, b: u32, c: u8", "a + u64::from(b) + u64::from(c)"),
            _ => ("fn", "a: u64", "a"),
        };
        let _ = writeln!(code, "{attribute}\npub {kind} f{n}({arguments}) -> u64 {{ {body} + {n} }}");
    }
    std::fs::write(folder.join("src/lib.rs"), code)
}

/// Changes the file, so that it is built again.
fn touch(folder: &Path) {
    let path = folder.join("src/lib.rs");
    let code = std::fs::read_to_string(&path).expect("written before");
    std::fs::write(&path, format!("{code}\n")).expect("written before");
}

/// Runs cargo in a folder, with a target folder of its own; how long it took.
fn cargo(folder: &Path, arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .output()
        .expect("cargo runs");
    let took = began.elapsed();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}
