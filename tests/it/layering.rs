//! The module graph and the file sizes are rules of the code base, so they are tests.
//! `types` (with `error`) and `engine` are crates of their own, which the
//! compiler keeps apart; the table says who may name them.

use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module with the modules it may name. A module may name only
/// rows above its own, so the graph cannot have a cycle.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("telemetry", &[]),
    ("types", &["error"]),
    ("config", &["error", "telemetry", "types"]),
    ("store", COMMON),
    ("extract", COMMON),
    ("lexical", COMMON),
    ("vectors", COMMON),
    ("engine", COMMON),
    ("retrieve", LOWEST),
    ("answer", LOWEST),
    ("jobs", KNOWLEDGE),
    (
        "service",
        &[
            "error",
            "telemetry",
            "types",
            "config",
            "store",
            "extract",
            "lexical",
            "vectors",
            "engine",
            "retrieve",
            "answer",
            "jobs",
        ],
    ),
    (
        "http",
        &["error", "telemetry", "types", "config", "service"],
    ),
    (
        "cli",
        &[
            "error",
            "telemetry",
            "types",
            "config",
            "store",
            "extract",
            "lexical",
            "vectors",
            "engine",
            "retrieve",
            "answer",
            "jobs",
            "service",
            "http",
        ],
    ),
];

const COMMON: &[&str] = &["error", "telemetry", "types", "config"];

const LOWEST: &[&str] = &[
    "error",
    "telemetry",
    "types",
    "config",
    "store",
    "extract",
    "lexical",
    "vectors",
    "engine",
];

const KNOWLEDGE: &[&str] = &[
    "error",
    "telemetry",
    "types",
    "config",
    "store",
    "extract",
    "lexical",
    "vectors",
    "engine",
    "retrieve",
    "answer",
];

/// Modules that are crates: `crate::` in them is the module itself.
const CRATES: &[&str] = &["types", "engine"];

const MAX_LINES: usize = 500;

#[test]
fn table_is_complete_and_has_no_cycle() {
    for (row, (module, may)) in ALLOWED.iter().enumerate() {
        for name in *may {
            let above = ALLOWED.iter().take(row).any(|(earlier, _)| earlier == name);
            assert!(above, "{module} may import {name}, which is not above it");
        }
    }
    for entry in fs::read_dir(src()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let listed = ALLOWED.iter().any(|(module, _)| *module == name);
        assert!(
            listed || ["lib", "main"].contains(&name.as_str()),
            "src/{name} is not in the table"
        );
    }
}

#[test]
fn modules_import_only_downwards() {
    let mut faults = Vec::new();
    for (module, may) in ALLOWED {
        for file in files(module) {
            let root = file == src().join(format!("{module}.rs"))
                || file == src().join(module).join("mod.rs");
            let text = fs::read_to_string(&file).unwrap();
            // In the tests of a module `super` is the module itself.
            let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
            let last = text[..tests].lines().count();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let mut fault = |what: String| {
                    faults.push(format!("{}:{}: {what}", file.display(), number + 1))
                };
                let own = CRATES.contains(module);
                if (code.contains("crate::{") && !own) || code.contains("super::super") {
                    fault("name one module per `use crate::…` line".to_owned());
                }
                if root && number < last && code.contains("super::") {
                    fault("`super::` at the top of a module leaves the module".to_owned());
                }
                for rest in code.split("crate::").skip(1) {
                    let name: String = rest
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    let known = ALLOWED.iter().any(|(other, _)| *other == name);
                    if known && name != *module && !may.contains(&name.as_str()) {
                        fault(format!("{module} must not import {name}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = ALLOWED
        .iter()
        .flat_map(|(module, _)| files(module))
        .filter(|file| fs::read_to_string(file).unwrap().lines().count() > MAX_LINES)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(module: &str) -> Vec<PathBuf> {
    let mut found = vec![src().join(format!("{module}.rs"))];
    found.retain(|file| file.is_file());
    let mut folders = vec![src().join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found
}
