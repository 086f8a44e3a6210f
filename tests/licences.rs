//! Writes `static/licences.json`: what satchel is made of and under which
//! licences, from the metadata of all packages in Cargo.lock, the texts that
//! they bring along, and the models of `models/manifest.toml`. Run it after a
//! change of dependencies: `cargo run --example licences`.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

type Done<T> = Result<T, Box<dyn Error>>;

/// Lines of one package that name holders of rights, at most.
const MOST_HOLDERS: usize = 6;

/// What packages carry with them that is written in other languages.
const CARRIED: [(&str, &str, &str); 5] = [
    ("SQLite", "libsqlite3-sys", "blessing"),
    ("usearch (C++)", "usearch", "Apache-2.0"),
    ("simsimd (C)", "usearch", "Apache-2.0"),
    ("Zstandard (C)", "zstd-sys", "BSD-3-Clause"),
    ("Oniguruma (C)", "onig_sys", "BSD-2-Clause"),
];

/// How a licence's text begins or is told apart, the first that fits counts.
const MARKS: [(&str, &str); 11] = [
    ("Apache-2.0", "Apache License"),
    ("MPL-2.0", "Mozilla Public License"),
    ("Unicode-3.0", "UNICODE LICENSE V3"),
    ("BSL-1.0", "Boost Software License"),
    ("CC0-1.0", "CC0 1.0 Universal"),
    ("BSD-3-Clause", "Neither the name of"),
    (
        "BSD-2-Clause",
        "Redistribution and use in source and binary",
    ),
    ("Zlib", "This software is provided 'as-is'"),
    (
        "MIT",
        "The above copyright notice and this permission notice",
    ),
    ("MIT-0", "Permission is hereby granted, free of charge"),
    ("ISC", "Permission to use, copy, modify, and"),
];

fn main() -> Done<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--locked",
            "--all-features",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut texts = BTreeMap::new();
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        // What has no source is satchel itself.
        if package["source"].is_null() {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest.parent().unwrap_or(root);
        packages.push(json!({
            "name": package["name"],
            "version": package["version"],
            "licence": package["license"].as_str().unwrap_or("see its files"),
            "repository": package["repository"],
            "holders": holders(package, folder, &mut texts)?,
        }));
    }
    packages.sort_by_key(|one| (one["name"].to_string(), one["version"].to_string()));
    let names = |name: &str| packages.iter().any(|one| one["name"] == name);
    let carried: Vec<Value> = CARRIED
        .iter()
        .filter(|(_, package, _)| names(package))
        .map(|(name, package, licence)| json!({"name": name, "in": package, "licence": licence}))
        .collect();
    let whole = json!({
        "carried": carried,
        "models": models(root)?,
        "packages": packages,
        "texts": texts,
    });
    write(&root.join("static/licences.json"), &whole)?;
    println!("{} packages, {} texts", packages.len(), texts.len());
    Ok(())
}

/// Who holds rights in a package, as its licence files say; the texts of
/// licences that are not there yet are kept on the way.
fn holders(
    package: &Value,
    folder: &Path,
    texts: &mut BTreeMap<String, String>,
) -> Done<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_uppercase();
        let tells = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "COPYRIGHT",
            "NOTICE",
            "UNLICENSE",
        ];
        if !path.is_file() || !tells.iter().any(|one| name.starts_with(one)) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let lines = text.lines().map(str::trim);
        let says = |line: &&str| {
            let lower = line.to_lowercase();
            lower.starts_with("copyright") && line.chars().any(|c| c.is_ascii_digit() || c == '©')
                || lower.starts_with("copyright (c)")
        };
        // Apache's own text has places to be filled in.
        for line in lines.filter(says).filter(|line| !line.contains(['[', '{'])) {
            if !found.iter().any(|one| one == line) && found.len() < MOST_HOLDERS {
                found.push(line.to_owned());
            }
        }
        let mark = MARKS.iter().find(|(_, mark)| text.contains(mark));
        if let Some((licence, _)) = mark
            && !name.starts_with("NOTICE")
        {
            texts.entry((*licence).to_owned()).or_insert(text);
        }
    }
    if found.is_empty() {
        let authors = package["authors"].as_array().into_iter().flatten();
        let authors = authors.filter_map(|one| one.as_str());
        found = authors.take(MOST_HOLDERS).map(str::to_owned).collect();
    }
    Ok(found)
}

/// The model in the executable, and those that it can fetch.
fn models(root: &Path) -> Done<Vec<Value>> {
    let text = fs::read_to_string(root.join("models/manifest.toml"))?;
    let manifest: toml::Table = text.parse()?;
    let embedding = manifest.get("embedding").ok_or("no bundled model")?;
    let bundled = json!({
        "name": embedding["name"], "licence": embedding["licence"], "bundled": true,
    });
    let catalogue = manifest.get("catalogue").and_then(toml::Value::as_array);
    let others = catalogue.into_iter().flatten().map(
        |entry| json!({"name": entry["title"], "licence": entry["licence"], "bundled": false}),
    );
    Ok(std::iter::once(bundled).chain(others).collect())
}

/// One entry a line, so that a change of dependencies is a change of few lines.
fn write(path: &Path, whole: &Value) -> Done<()> {
    let mut text = String::from("{\n");
    let parts = whole.as_object().ok_or("not an object")?;
    for (n, (name, part)) in parts.iter().enumerate() {
        text += &format!("\"{name}\": ");
        text += &match part {
            Value::Array(entries) => {
                let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
                format!("[\n{}\n]", lines.join(",\n"))
            }
            Value::Object(entries) => {
                let lines = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {value}", json!(key)));
                format!("{{\n{}\n}}", lines.collect::<Vec<_>>().join(",\n"))
            }
            other => other.to_string(),
        };
        text += if n + 1 < parts.len() { ",\n" } else { "\n" };
    }
    fs::write(path, text + "}\n")?;
    Ok(())
}
