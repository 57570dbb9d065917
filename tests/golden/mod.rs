//! The golden cases: worked examples as data, made by an independent model. `GOLDEN_DIR` names another folder.

mod cases;
mod pure;
mod service;

use std::path::PathBuf;

/// Files of the golden folder whose names begin with `prefix`, read as lists of cases.
fn read<T: serde::de::DeserializeOwned>(prefix: &str) -> Vec<T> {
    let folder = std::env::var_os("GOLDEN_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
        PathBuf::from,
    );
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(prefix) && name.ends_with(".json")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {prefix}*.json in {}", folder.display());
    files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            serde_json::from_str::<Vec<T>>(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        })
        .collect()
}

/// Prints every case that failed, then the line that counts them, and fails if any did.
fn conclude(what: &str, results: Vec<(String, Result<(), String>)>) {
    let failed = results.iter().filter(|(_, r)| r.is_err()).count();
    for (name, result) in &results {
        if let Err(why) = result {
            println!("FAILED {what}: {name}: {why}");
        }
    }
    println!(
        "golden {what}: {} passed, {failed} failed",
        results.len() - failed
    );
    assert_eq!(failed, 0, "{what}");
}
