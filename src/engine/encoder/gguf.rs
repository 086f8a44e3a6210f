//! Reads an encoder from a GGUF file. Owns the keys of its metadata.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;

use super::bytes::Bytes;
use super::bytes::Reader;
use super::entailment::tell_entailment;
use super::error::EncoderError;
use super::model::Model;
use super::names;
use super::prompts::Prompts;
use super::shape::Activation;
use super::shape::LARGEST;
use super::shape::Local;
use super::shape::Pooling;
use super::shape::Positions;
use super::shape::Shape;
use super::tensors::Tensors;
use super::tokens::Tokens;
use super::weights;
use crate::guarded::guarded;
use crate::tokens::Tokenizer;
use crate::tokens::whole_number;

/// The architectures that the forward pass knows.
pub(super) const ARCHITECTURES: [&str; 4] = ["bert", "nomic-bert", "jina-bert-v2", "modern-bert"];

/// Bytes at the start of a file in which its architecture is looked for.
const START: u64 = 1 << 16;

/// What the classes of a classifier are called, behind the architecture's name.
const LABELS: &str = "classifier.output_labels";

/// Numbers of types in metadata.
const TEXT: [u8; 4] = 8u32.to_le_bytes();
const LIST: [u8; 4] = 9u32.to_le_bytes();

/// Whether a GGUF file says that it is an encoder, without reading it whole.
pub fn is_encoder(path: &Path) -> bool {
    start(path).is_some_and(|start| names_encoder(&start))
}

/// Whether a GGUF file says that it is an encoder that tells entailment, without
/// reading it whole.
pub fn is_entailment(path: &Path) -> bool {
    start(path).is_some_and(|start| {
        names_encoder(&start) && labels(&start).is_some_and(|labels| tell_entailment(&labels))
    })
}

fn start(path: &Path) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    read.is_ok().then_some(start)
}

fn names_encoder(start: &[u8]) -> bool {
    let name = behind(start, "general.architecture").and_then(|rest| text_of(rest, &TEXT));
    name.is_some_and(|(name, _)| ARCHITECTURES.contains(&name))
}

/// The labels of a classifier: the number of their type, how many there are,
/// each with its length before it.
fn labels(start: &[u8]) -> Option<Vec<String>> {
    let rest = behind(start, LABELS)?.strip_prefix(&LIST)?;
    let (count, mut rest) = rest.strip_prefix(&TEXT)?.split_first_chunk::<8>()?;
    let mut labels = Vec::new();
    for _ in 0..u64::from_le_bytes(*count) {
        let (label, behind) = text_of(rest, &[])?;
        labels.push(label.to_owned());
        rest = behind;
    }
    Some(labels)
}

/// What stands behind a key.
fn behind<'a>(start: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let at = start
        .windows(key.len())
        .position(|part| part == key.as_bytes())?;
    start.get(at + key.len()..)
}

/// A text and what follows it; before it stand `mark` and its length.
fn text_of<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let (length, rest) = bytes.strip_prefix(mark)?.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// How many marks stand between the two texts of a pair: RoBERTa and XLM-R, whose
/// files have BERT's architecture and another tokenizer, have two.
fn marks_between(architecture: &str, tokenizer: &str) -> usize {
    match (architecture, tokenizer) {
        (_, "t5") | ("bert", "gpt2") => 2,
        _ => 1,
    }
}

/// Reads a model; `hash` identifies the file.
pub(super) fn open(bytes: Bytes, hash: String) -> Result<Model, EncoderError> {
    // Buffered, because the reader asks for a few bytes at a time.
    let mut reader = std::io::BufReader::with_capacity(
        1 << 20,
        Reader {
            bytes: &bytes,
            at: 0,
        },
    );
    // The library divides by the alignment that the file states, zero included.
    let mut content = guarded(|| Content::read(&mut reader)).map_err(EncoderError::Damaged)?;
    let tokenizer_kind = text(&content.metadata, "tokenizer.ggml.model")?.to_owned();
    let metadata = Metadata {
        architecture: text(&content.metadata, "general.architecture")?.to_owned(),
        values: &content.metadata,
    };
    let shape = metadata.shape(|name| content.tensor_infos.contains_key(name))?;
    let labels = metadata.labels();
    let marks = marks_between(&metadata.architecture, &tokenizer_kind);
    let pooling = match metadata.number("pooling_type")? {
        Some(1) => Some(Pooling::Mean),
        Some(2) => Some(Pooling::First),
        Some(3) => Some(Pooling::Last),
        _ => None,
    };
    let name = text(&content.metadata, "general.name")
        .unwrap_or("unnamed")
        .to_owned();
    let names = names::gguf(shape.norms_first);
    let tokenizer = Tokenizer::take(&mut content.metadata)
        .map_err(|error| EncoderError::Unsupported(format!("its tokenizer: {error}")))?;
    let tensors = Tensors::of_gguf(bytes, &content)?;
    let head = weights::read_head(&tensors, &names, shape.hidden, labels)?;
    let weights = weights::read(&tensors, &names, shape, 0)?;
    let tokens = Tokens::of_file(tokenizer, marks)?;
    let prompts = Prompts::known(&name);
    Model::join(name, hash, weights, tokens, pooling, head, prompts)
}

fn text<'a>(values: &'a HashMap<String, Value>, key: &str) -> Result<&'a str, EncoderError> {
    match values.get(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(EncoderError::Unsupported(format!(
            "it does not say its {key}"
        ))),
    }
}

/// What the file says of its architecture.
struct Metadata<'a> {
    architecture: String,
    values: &'a HashMap<String, Value>,
}

impl Metadata<'_> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(&format!("{}.{key}", self.architecture))
    }

    fn number(&self, key: &str) -> Result<Option<usize>, EncoderError> {
        bounded(key, self.value(key))
    }

    fn size(&self, key: &str) -> Result<usize, EncoderError> {
        self.number(key)?.ok_or_else(|| {
            let architecture = &self.architecture;
            EncoderError::Unsupported(format!("it does not say its {architecture}.{key}"))
        })
    }

    /// What the classes of a classifier are called.
    fn labels(&self) -> Vec<String> {
        let Some(Value::Array(labels)) = self.value(LABELS) else {
            return Vec::new();
        };
        let label = |value: &Value| {
            value
                .to_string()
                .map_or_else(|_| String::new(), String::clone)
        };
        labels.iter().map(label).collect()
    }

    fn float(&self, key: &str) -> Option<f32> {
        match self.value(key)? {
            Value::F32(number) => Some(*number),
            Value::F64(number) => Some(*number as f32),
            other => whole_number(other).map(|number| number as f32),
        }
    }

    fn shape(&self, has: impl Fn(&str) -> bool) -> Result<Shape, EncoderError> {
        let rotary = |base: f32| Positions::Rotary {
            base: self.float("rope.freq_base").unwrap_or(base),
        };
        let (positions, activation, norms_first) = match self.architecture.as_str() {
            "bert" => (Positions::Learned, Activation::Gelu, false),
            "nomic-bert" => (rotary(10_000.0), Activation::SiluGate, false),
            "jina-bert-v2" => (Positions::Slopes, Activation::GeluGate, false),
            "modern-bert" => (rotary(160_000.0), Activation::GeluGate, true),
            other => {
                let known = ARCHITECTURES.join(", ");
                return Err(EncoderError::Unsupported(format!(
                    "its architecture is {other:?}; supported are {known}"
                )));
            }
        };
        for unknown in ["blk.0.attn_q_norm.weight", "blk.0.attn_norm_2.weight"] {
            if has(unknown) {
                return Err(EncoderError::Unsupported(format!(
                    "it has the additional norm {unknown}"
                )));
            }
        }
        let longest = self.size("context_length")?;
        let key = "sentence_transformers.max_seq_length";
        let trained = bounded(key, self.values.get(key))?;
        let local = match norms_first {
            true => Some(Local {
                reach: self.number("attention.sliding_window")?.unwrap_or(128) / 2,
                global_every: self
                    .number("attention.sliding_window_pattern")?
                    .unwrap_or(3),
                base: self.float("rope.freq_base_swa").unwrap_or(10_000.0),
            }),
            false => None,
        };
        Shape {
            hidden: self.size("embedding_length")?,
            inner: self.size("feed_forward_length")?,
            heads: self.size("attention.head_count")?,
            layers: self.size("block_count")?,
            window: trained.unwrap_or(longest).min(longest),
            epsilon: self.float("attention.layer_norm_epsilon").unwrap_or(1e-12),
            positions,
            activation,
            norms_first,
            local,
        }
        .checked()
    }
}

fn bounded(key: &str, value: Option<&Value>) -> Result<Option<usize>, EncoderError> {
    let Some(number) = value.and_then(whole_number) else {
        return Ok(None);
    };
    if number > LARGEST {
        return Err(EncoderError::Unsupported(format!("its {key} is {number}")));
    }
    Ok(Some(number as usize))
}

#[cfg(test)]
mod tests {
    use super::marks_between;

    #[test]
    fn pair_of_roberta_and_xlm_r_has_two_marks_between_its_texts() {
        assert_eq!(marks_between("bert", "t5"), 2);
        assert_eq!(marks_between("bert", "gpt2"), 2);
        assert_eq!(marks_between("bert", "bert"), 1);
        assert_eq!(marks_between("modern-bert", "gpt2"), 1);
    }
}
