//! Tokenizers against what llama.cpp makes of the same vocabularies, templates
//! against what Python makes of them, and small vocabularies of our own.

mod chat_templates;
mod guarding;
mod small;
mod vocabularies;

use super::Tokenizer;
use candle_core::quantized::gguf_file::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The metadata of a file with these tokens, each with its kind as the format
/// numbers it.
fn metadata(model: &str, tokens: &[(&str, i32)]) -> HashMap<String, Value> {
    let list = |values: Vec<Value>| Value::Array(values);
    let texts = tokens.iter().map(|(text, _)| text.to_string());
    let kinds = tokens.iter().map(|(_, kind)| Value::I32(*kind));
    HashMap::from([
        (key("model"), Value::String(model.to_owned())),
        (key("tokens"), list(texts.map(Value::String).collect())),
        (key("token_type"), list(kinds.collect())),
    ])
}

fn key(name: &str) -> String {
    format!("tokenizer.ggml.{name}")
}

/// Byte-pair metadata with all bytes, `merges`, and further tokens.
fn byte_pair(rule: &str, merges: &[&str], further: &[(&str, i32)]) -> HashMap<String, Value> {
    let bytes: Vec<String> = (0..=255)
        .map(|byte| super::character_of(byte).to_string())
        .collect();
    let merged: Vec<String> = merges.iter().map(|merge| merge.replace(' ', "")).collect();
    let tokens: Vec<(&str, i32)> = bytes
        .iter()
        .chain(&merged)
        .map(|text| (text.as_str(), 1))
        .chain(further.iter().copied())
        .collect();
    let mut metadata = metadata("gpt2", &tokens);
    let merges = merges.iter().map(|merge| Value::String(merge.to_string()));
    metadata.insert(key("merges"), Value::Array(merges.collect()));
    metadata.insert(key("pre"), Value::String(rule.to_owned()));
    metadata
}

/// SentencePiece metadata: unknown, BOS, EOS, all bytes, then the pieces, each
/// worse than the one before.
fn sentence_piece(pieces: &[(&str, i32)]) -> HashMap<String, Value> {
    let bytes: Vec<String> = (0..=255).map(|byte| format!("<0x{byte:02X}>")).collect();
    let start = [("<unk>", 2), ("<s>", 3), ("</s>", 3)];
    let tokens: Vec<(&str, i32)> = start
        .into_iter()
        .chain(bytes.iter().map(|text| (text.as_str(), 6)))
        .chain(pieces.iter().copied())
        .collect();
    let mut metadata = metadata("llama", &tokens);
    let scores = (0..tokens.len()).map(|rank| Value::F32(-(rank as f32)));
    metadata.insert(key("scores"), Value::Array(scores.collect()));
    for (name, id) in [("unknown", 0), ("bos", 1), ("eos", 2)] {
        metadata.insert(key(&format!("{name}_token_id")), Value::U32(id));
    }
    metadata
}

fn take(mut metadata: HashMap<String, Value>) -> Tokenizer {
    Tokenizer::take(&mut metadata).unwrap()
}

/// The texts of the tokens, as the file writes them.
fn texts(tokenizer: &Tokenizer, tokens: &[u32]) -> Vec<String> {
    tokens
        .iter()
        .map(|token| tokenizer.vocabulary.text(*token).to_owned())
        .collect()
}

fn shared(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SATCHEL_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = named.clone().unwrap_or_else(beside).join(name);
    let exists = path.exists();
    assert!(exists || named.is_none(), "{} is absent", path.display());
    if !exists {
        eprintln!("skipped: {} is absent", path.display());
    }
    exists.then_some(path)
}
