//! Models as people at a terminal read them.

use indicatif::DecimalBytes;
use serde_json::{Value, json};

/// What is installed, under way and to be had.
pub(super) fn print(list: &Value) {
    let installed = rows(list, "models");
    println!("Installed in the data folder's models/:");
    if installed.is_empty() {
        println!("  none: answers are quotes");
    }
    for model in &installed {
        let state = match (&model["loaded"], &model["loading"]) {
            (Value::Bool(true), _) => "in use",
            (_, Value::Bool(true)) => "being loaded",
            _ => purpose(model),
        };
        println!(
            "  {:<48} {:>9}  {state}",
            word(model, "name"),
            bytes(&model["bytes"])
        );
    }
    if let Value::String(error) = &list["error"] {
        println!("  {error}");
    }
    let downloads = rows(list, "downloads");
    if !downloads.is_empty() {
        println!("\nNot complete:");
    }
    for download in &downloads {
        let done = format!(
            "{} of {}",
            bytes(&download["received_bytes"]),
            bytes(&download["total_bytes"])
        );
        let reason = word(download, "error");
        println!(
            "  {:<48} {done}  {} {reason}",
            word(download, "name"),
            word(download, "state")
        );
    }
    println!("\nTo be had with `satchel models pull NAME`:");
    println!(
        "  {:<18} {:>9} {:>9}  {:<28}",
        "name", "download", "memory", "licence"
    );
    for model in rows(list, "catalogue")
        .iter()
        .filter(|model| model["usable"] == true)
    {
        let row = format!(
            "  {:<18} {:>9} {:>9}  {:<28} {}",
            word(model, "name"),
            bytes(&model["bytes"]),
            bytes(&model["memory_bytes"]),
            word(model, "licence"),
            note(model),
        );
        println!("{}", row.trim_end());
    }
    println!("\n{}", machine(&list["machine"]));
}

/// What a model is for, if it does not write answers.
fn purpose(model: &Value) -> &'static str {
    match word(model, "kind") {
        "embedding" => "for embedding",
        "reranking" => "for reranking",
        "entailment" => "for checking citations",
        _ => "",
    }
}

fn note(model: &Value) -> &'static str {
    match model {
        _ if model["installed"] == true => "installed",
        _ if model["recommended"] == true => "recommended for this machine",
        _ if model["fits"] == false => "too large for the memory that is free",
        _ => purpose(model),
    }
}

fn machine(machine: &Value) -> String {
    let memory = match machine["available_bytes"].is_null() {
        true => "memory not known".to_owned(),
        false => format!(
            "{} of {} memory free",
            bytes(&machine["available_bytes"]),
            bytes(&machine["memory_bytes"])
        ),
    };
    format!(
        "This machine: {} cores, {memory}, {} free on disk.",
        machine["cores"],
        bytes(&machine["free_disk_bytes"])
    )
}

/// All that the list has of one model: what is installed, what is known, or both.
pub(super) fn find(list: &Value, name: &str) -> Option<Value> {
    let catalogue = rows(list, "catalogue");
    let known = catalogue.iter().find(|model| {
        word(model, "name").eq_ignore_ascii_case(name) || word(model, "file") == name
    });
    let file = known.map_or(name, |model| word(model, "file"));
    let is_file = |model: &&Value| {
        let own = word(model, "name");
        own == file || own.strip_suffix(".gguf") == Some(file)
    };
    let installed = rows(list, "models");
    let installed = installed.iter().find(is_file);
    let downloads = rows(list, "downloads");
    let download = downloads.iter().find(is_file);
    if known.is_none() && installed.is_none() && download.is_none() {
        return None;
    }
    Some(json!({"catalogue": known, "installed": installed, "download": download}))
}

/// What [`find`] found.
pub(super) fn print_one(found: &Value) {
    let line = |name: &str, value: &str| {
        if !value.is_empty() {
            println!("{name:<14} {value}");
        }
    };
    let (known, installed) = (&found["catalogue"], &found["installed"]);
    if known.is_object() {
        line("name", word(known, "name"));
        line("title", word(known, "title"));
        line("kind", word(known, "kind"));
        line("good for", word(known, "summary"));
        line("repository", word(known, "repository"));
        line("file", word(known, "file"));
        line("architecture", word(known, "architecture"));
        line("quantization", word(known, "quantization"));
        line("download", &bytes(&known["bytes"]));
        line("memory", &bytes(&known["memory_bytes"]));
        let context = known["context_tokens"].as_u64().unwrap_or_default();
        line("context", &format!("{context} tokens"));
        line("licence", word(known, "licence"));
        let languages = known["languages"].as_array().cloned().unwrap_or_default();
        let languages: Vec<&str> = languages.iter().filter_map(Value::as_str).collect();
        line("languages", &languages.join(", "));
        if known["usable"] == false {
            line("note", "this version cannot run it");
        }
    } else {
        line("title", word(installed, "title"));
        line("kind", word(installed, "kind"));
        line("file", word(installed, "name"));
        line("size", &bytes(&installed["bytes"]));
        line("memory", &bytes(&installed["memory_bytes"]));
    }
    let state = match (
        &installed["loaded"],
        installed.is_object(),
        &found["download"],
    ) {
        (Value::Bool(true), ..) => "in use".to_owned(),
        (_, true, _) => "installed".to_owned(),
        (_, _, Value::Null) => "not installed".to_owned(),
        (_, _, download) => format!(
            "{}, {} of {} arrived",
            word(download, "state"),
            bytes(&download["received_bytes"]),
            bytes(&download["total_bytes"])
        ),
    };
    line("state", &state);
}

fn rows(list: &Value, name: &str) -> Vec<Value> {
    list[name].as_array().cloned().unwrap_or_default()
}

fn word<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn bytes(value: &Value) -> String {
    value
        .as_u64()
        .map_or_else(|| "?".to_owned(), |bytes| DecimalBytes(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::find;
    use serde_json::json;

    #[test]
    fn model_is_found_by_name_file_and_stem() {
        let list = json!({
            "models": [{"name": "A-Q4.gguf"}, {"name": "own.gguf"}],
            "catalogue": [{"name": "a", "file": "A-Q4.gguf"}, {"name": "b", "file": "B.gguf"}],
            "downloads": [{"name": "begun.gguf"}],
        });
        for name in ["a", "A", "A-Q4.gguf"] {
            let found = find(&list, name).unwrap();
            assert_eq!(found["installed"]["name"], "A-Q4.gguf", "{name}");
            assert_eq!(found["catalogue"]["name"], "a", "{name}");
        }
        assert_eq!(find(&list, "own").unwrap()["installed"]["name"], "own.gguf");
        assert!(find(&list, "b").unwrap()["installed"].is_null());
        assert_eq!(
            find(&list, "begun").unwrap()["download"]["name"],
            "begun.gguf"
        );
        assert_eq!(find(&list, "c"), None);
    }
}
