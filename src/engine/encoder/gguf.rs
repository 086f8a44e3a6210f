//! Reads an encoder from a GGUF file. Owns the keys of its metadata.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;

use super::bytes::Bytes;
use super::bytes::Reader;
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

/// Whether a GGUF file says that it is an encoder, without reading it whole.
pub fn is_encoder(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    read.is_ok() && architecture(&start).is_some_and(|name| ARCHITECTURES.contains(&name))
}

/// The text behind the key: the number of its type, its length, its bytes.
fn architecture(start: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b"general.architecture";
    const TEXT: [u8; 4] = 8u32.to_le_bytes();
    let at = start.windows(KEY.len()).position(|part| part == KEY)? + KEY.len();
    let rest = start.get(at..)?.strip_prefix(&TEXT)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
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
    let head = weights::read_head(&tensors, &names, shape.hidden)?;
    let weights = weights::read(&tensors, &names, shape, 0)?;
    let tokens = Tokens::of_file(tokenizer, &tokenizer_kind)?;
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
