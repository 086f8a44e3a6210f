//! The list of licences that the page shows.

use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;

/// Locked for a target that does not exist: nobody ever builds it.
const NEVER_BUILT: [&str; 1] = ["cxxbridge-cmd"];

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_package_of_the_lock_file_is_listed_with_its_licence() {
    let listed: Value = serde_json::from_str(&read("static/licences.json")).unwrap();
    let packages = listed["packages"].as_array().unwrap();
    let known: HashSet<(&str, &str)> = packages
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["version"].as_str().unwrap(),
            )
        })
        .collect();
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let locked = lock["package"].as_array().unwrap();
    let lacking: Vec<_> = locked
        .iter()
        .filter(|one| one.get("source").is_some())
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["version"].as_str().unwrap(),
            )
        })
        .filter(|one| !known.contains(one) && !NEVER_BUILT.contains(&one.0))
        .collect();
    assert!(
        lacking.is_empty(),
        "run `cargo run --example licences`: {lacking:?}"
    );
    for one in packages {
        assert!(one["licence"].as_str().unwrap().len() > 2, "{one}");
    }
    for licence in ["MIT", "Apache-2.0", "BSD-3-Clause"] {
        assert!(listed["texts"][licence].as_str().unwrap().len() > 500);
    }
}

#[test]
fn the_bundled_model_and_the_catalogue_are_listed() {
    let listed: Value = serde_json::from_str(&read("static/licences.json")).unwrap();
    let models = listed["models"].as_array().unwrap();
    assert_eq!(models[0]["name"], "all-MiniLM-L6-v2");
    assert_eq!(models[0]["bundled"], true);
    let entries = satchel::engine::hub::catalogue();
    assert_eq!(
        models.len(),
        entries.len() + 1,
        "run `cargo run --example licences`"
    );
}
