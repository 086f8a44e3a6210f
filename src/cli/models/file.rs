//! `satchel models info FILE`: a model file outside the catalogue and the data
//! folder, read where it lies.

use crate::engine::decoder::{FileFacts, TemplateFacts, inspect};
use anyhow::Result;
use indicatif::DecimalBytes;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The file that a name means, if it is one.
pub(super) fn named(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_gguf = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    (is_gguf && path.is_file()).then(|| path.to_owned())
}

/// Prints what the file says of itself.
pub(super) fn print(path: &Path, context_tokens: usize, as_json: bool) -> Result<()> {
    let facts = inspect(path)?;
    let context = (context_tokens as u64).min(facts.context_tokens.unwrap_or(u64::MAX));
    let memory = facts.memory_bytes(context);
    if as_json {
        let facts = json!({
            "file": facts.file,
            "title": facts.title,
            "bytes": facts.bytes,
            "architecture": facts.architecture,
            "quantization": facts.quantization,
            "parameters": facts.parameters,
            "context_tokens": facts.context_tokens,
            "chat_template": facts.chat_template != TemplateFacts::None,
            "supported": facts.unsupported.is_none(),
            "reason": facts.unsupported,
            "memory_bytes": memory,
        });
        println!("{}", serde_json::to_string_pretty(&facts)?);
        return Ok(());
    }
    for (name, value) in lines(&facts, context, memory) {
        println!("{name:<14} {value}");
    }
    Ok(())
}

fn lines(facts: &FileFacts, context: u64, memory: Option<u64>) -> Vec<(&'static str, String)> {
    let size = |bytes: u64| DecimalBytes(bytes).to_string();
    let template = match facts.chat_template {
        TemplateFacts::None => "none: a plain one is used",
        TemplateFacts::Unchecked => "its own",
        TemplateFacts::Works => "its own, and it works",
        TemplateFacts::Fails => "its own does not work: a plain one is used",
    };
    let supported = match &facts.unsupported {
        None => "yes".to_owned(),
        Some(reason) => format!("no: {reason}"),
    };
    let known = [
        ("file", Some(facts.file.clone())),
        ("title", facts.title.clone()),
        ("architecture", facts.architecture.clone()),
        ("quantization", Some(facts.quantization.clone())),
        ("parameters", facts.parameters.map(in_words)),
        ("size", Some(size(facts.bytes))),
        (
            "memory",
            memory.map(|memory| format!("{} with a context of {context} tokens", size(memory))),
        ),
        (
            "context",
            facts.context_tokens.map(|most| format!("{most} tokens")),
        ),
        ("chat template", Some(template.to_owned())),
        ("supported", Some(supported)),
    ];
    let known = known.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A number of parameters as people say it.
fn in_words(parameters: u64) -> String {
    match parameters {
        0..1_000_000 => parameters.to_string(),
        1_000_000..1_000_000_000 => format!("{:.0} million", parameters as f64 / 1e6),
        _ => format!("{:.2} billion", parameters as f64 / 1e9),
    }
}
