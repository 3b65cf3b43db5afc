//! What the compiler says where a feature of cached-runtime is missing: it names the feature. The other tests have all of
//! them, so what is compiled here is a package of its own.

use std::{env, fs, path::Path, process::Command};

/// Compiles `code` with these features of cached-runtime; gives what the compiler says.
fn complaints(name: &str, features: &[&str], code: &str) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(dir.join("src")).expect("a folder");
    let runtime = workspace.join("cached-runtime");
    let runtime = runtime.to_str().expect("a path that is text");
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         cached-runtime = {{ path = {runtime:?}, default-features = false, features = {features:?} }}\n"
    );
    fs::write(dir.join("Cargo.toml"), manifest).expect("a file");
    fs::write(dir.join("src/lib.rs"), format!("use cached_runtime::cached;\n{code}")).expect("a file");
    // The versions that were fetched already.
    fs::copy(workspace.join("Cargo.lock"), dir.join("Cargo.lock")).expect("a lock file");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args(["check", "--offline", "--color=never", "--target-dir"])
        .arg(dir.join("target"))
        .current_dir(&dir)
        .output()
        .expect("cargo");
    let said = String::from_utf8(done.stderr).expect("text");
    assert!(!done.status.success(), "it compiles: {code}");
    said
}

#[test]
fn backends_and_time_limits_name_the_feature() {
    let said = complaints(
        "missing-all",
        &[],
        r#"
#[cached(backend = redis, ttl = "60s")]
pub fn one(n: u64) -> u64 { n }
#[cached(backend = redis("sessions"), ttl = "60s", key = "two:{n}")]
pub async fn two(n: u64) -> Option<u64> { Some(n) }
#[cached(ttl = "60s", timeout = "1s")]
pub async fn three(n: u64) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> { Ok(n) }
"#,
    );
    let of = |line: &str| said.lines().filter(|said| said.contains(line)).count();
    let errors = said.lines().filter(|said| said.starts_with("error")).count();
    assert_eq!(of("error: `backend = redis` needs the feature `redis` of cached-runtime"), 2, "{said}");
    assert_eq!(of(r#"cached-runtime = { version = "..", features = ["redis"] }"#), 2, "{said}");
    assert_eq!(of("error: `timeout` needs the feature `tokio` of cached-runtime"), 1, "{said}");
    assert_eq!(errors, 3 + 1, "and nothing else but that it could not be compiled: {said}");
}

#[test]
fn codecs_name_the_feature() {
    let said = complaints(
        "missing-codecs",
        &["redis"],
        r#"
#[cached(backend = redis, ttl = "60s", codec = msgpack)]
pub fn one(n: u64) -> u64 { n }
#[cached(backend = redis, ttl = "60s", codec = postcard, version = 1)]
pub fn two(n: u64) -> u64 { n }
#[cached(backend = redis, ttl = "60s", compress_above = "1KiB")]
pub fn three(n: u64) -> u64 { n }
"#,
    );
    for (option, feature) in
        [("codec = msgpack", "msgpack"), ("codec = postcard", "postcard"), ("compress_above", "compress")]
    {
        let line = format!("error: `{option}` needs the feature `{feature}` of cached-runtime");
        assert!(said.contains(&line), "{said}");
    }
    assert_eq!(said.lines().filter(|said| said.starts_with("error")).count(), 3 + 1, "and nothing else: {said}");
}
