//! Bare entries shared with Python's own Redis client, in both directions. The client is installed once into an environment
//! below the target folder; a test that can't have it fails, and says how to get it.

use crate::subject::patiently;
use cached_runtime::cached;
use cached_tests::{Counter, redis::Server};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
    price: f64,
    tags: Vec<String>,
}

/// A Python that has `redis`.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (environment, ready) = (folder.join("python"), folder.join("python.ready"));
        let python = environment.join("bin/python");
        fs::create_dir_all(folder).expect("a folder");
        // Other test processes may be at it.
        let lock = File::create(folder.join("python.lock")).expect("a lock");
        lock.lock().expect("a lock");
        if !ready.exists() || !python.exists() {
            let (path, bin) = (environment.display(), python.display());
            let install =
                format!("python3 -m venv --clear {path} && {bin} -m pip install redis && touch {}", ready.display());
            let done = Command::new("sh").args(["-c", &install]).output().expect("a shell");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "Python's client is lacking; install it with\n    {install}\n{said}");
        }
        python
    })
}

/// Runs a program, which finds the client as `r`, and gives what it prints.
fn run_python(server: &Server, program: &str) -> String {
    let port = server.port();
    let program = format!("import json, redis\nr = redis.Redis(port={port}, decode_responses=True)\n{program}");
    let done = Command::new(python()).args(["-c", &program]).output().expect("Python runs");
    assert!(done.status.success(), "{}\n{program}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text").trim().to_owned()
}

#[test]
fn entries_are_shared_in_both_directions() {
    static LOADS: Counter = Counter::new();

    #[cached(backend = redis("python"), ttl = "60s", key = "product:{id}", envelope = false)]
    fn product(id: u64) -> Result<Product, String> {
        LOADS.up();
        Ok(Product { id, name: "Käse \"alt\" ☕".into(), price: 2.5, tags: vec!["a".into()] })
    }

    let server = Server::start();
    patiently(&server.url()).install_as("python").expect("a good URL");
    // Stored here, read there.
    let ours = product(7).expect("a product");
    let read =
        "p = json.loads(r.get('product:7'))\nprint(p['name'], p['price'] * 2, p['tags'], 0 < r.ttl('product:7') <= 60)";
    assert_eq!(run_python(&server, read), "Käse \"alt\" ☕ 5.0 ['a'] True");
    // Changed there, read here: without a load.
    run_python(&server, "p = json.loads(r.get('product:7'))\np['price'] = 3\nr.setex('product:7', 60, json.dumps(p))");
    assert_eq!(product(7), Ok(Product { price: 3.0, ..ours.clone() }));
    run_python(&server, "r.set('product:8', json.dumps({'id': 8, 'name': 'Tea', 'price': 1, 'tags': []}), px=60_000)");
    assert_eq!(product::get(8).expect("stored").expect("a product").name, "Tea");
    assert_eq!(LOADS.get(), 1);
    // Forgotten there, loaded here.
    assert_eq!(run_python(&server, "print(r.delete('product:7'))"), "1");
    assert_eq!(product(7), Ok(ours));
    assert_eq!(LOADS.get(), 2);
    // Forgotten here, missing there.
    product::invalidate(7).expect("a server");
    assert_eq!(run_python(&server, "print(r.get('product:7'), r.keys('*'))"), "None ['product:8']");
    // What Python's own types make of it is no product: it is loaded and replaced.
    run_python(&server, "r.set('product:9', str({'id': 9}))");
    assert_eq!(product(9).expect("a product").id, 9);
    assert_eq!(run_python(&server, "print(json.loads(r.get('product:9'))['id'])"), "9");
}
