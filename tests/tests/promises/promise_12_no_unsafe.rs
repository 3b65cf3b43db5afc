//! Promise 12: no unsafe code in either crate. The compiler sees to it once `forbid` is there; this sees that it is.

use std::{fs, path::Path};

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn both_crates_forbid_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in ["cached-macros", "cached-runtime"] {
        let lib = fs::read_to_string(root.join(name).join("src/lib.rs")).unwrap();
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{name} does not forbid unsafe code");
        let mut files = Vec::new();
        sources(&root.join(name).join("src"), &mut files);
        assert!(!files.is_empty());
        for (path, text) in files {
            assert!(text.starts_with("//!"), "{path} does not open with what it is");
        }
    }
}
