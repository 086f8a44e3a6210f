//! A random-weight model for tests and benchmarks: everything that a real
//! model file has, in about a megabyte. What it writes is nonsense, but always
//! the same nonsense.

use super::Architecture;
use super::error::DecoderError;
use crate::engine::guarded::guarded;
use crate::engine::tokens::character_of;
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result as CandleResult, Tensor};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

const LAYERS: usize = 2;
const HIDDEN: usize = 256;
const FEED_FORWARD: usize = 512;
const HEADS: usize = 4;
const KEY_HEADS: usize = 2;
const HEAD: usize = HIDDEN / HEADS;
const CONTEXT: u32 = 2048;
const TOKEN_TEXT: i32 = 1;
const TOKEN_CONTROL: i32 = 3;

/// Merges of the vocabulary, in order.
const MERGES: [(&str, &str); 12] = [
    ("t", "h"),
    ("th", "e"),
    ("i", "n"),
    ("a", "n"),
    ("an", "d"),
    ("o", "u"),
    ("e", "r"),
    ("Ġ", "the"),
    ("Ġ", "a"),
    ("in", "g"),
    ("Ġ", "and"),
    ("ou", "r"),
];
const CONTROLS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const TEMPLATE: &str = "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

/// Writes a random-weight model, for tests and benchmarks. The same seed makes
/// the same file. It never ends an answer by itself when sampled greedily.
pub fn write_tiny_model(
    path: &Path,
    architecture: Architecture,
    seed: u64,
) -> Result<(), DecoderError> {
    guarded(|| write(path, architecture, seed)).map_err(|reason| {
        DecoderError::Internal(format!("{} cannot be written: {reason}", path.display()))
    })
}

fn write(path: &Path, architecture: Architecture, seed: u64) -> CandleResult<()> {
    let tokens = token_texts();
    let metadata = metadata(architecture, &tokens);
    let tensors = tensors(architecture, &tokens, seed)?;
    let metadata: Vec<(&str, &Value)> = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = BufWriter::new(File::create(path)?);
    gguf_file::write(&mut file, &metadata, &tensors)
}

fn token_texts() -> Vec<String> {
    let bytes = (0..=255).map(|byte| character_of(byte).to_string());
    let merged = MERGES.map(|(left, right)| format!("{left}{right}"));
    let controls = CONTROLS.map(str::to_owned);
    bytes.chain(merged).chain(controls).collect()
}

fn metadata(architecture: Architecture, tokens: &[String]) -> Vec<(String, Value)> {
    let name = architecture.name();
    let text = |text: &str| Value::String(text.to_owned());
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    let id = |token: &str| {
        let id = tokens.iter().position(|text| text == token).unwrap_or(0);
        Value::U32(id as u32)
    };
    let kinds = tokens.iter().map(|text| {
        let control = CONTROLS.contains(&text.as_str());
        Value::I32(if control { TOKEN_CONTROL } else { TOKEN_TEXT })
    });
    let merges = MERGES.map(|(left, right)| format!("{left} {right}"));
    let shape = [
        ("context_length", CONTEXT),
        ("embedding_length", HIDDEN as u32),
        ("block_count", LAYERS as u32),
        ("feed_forward_length", FEED_FORWARD as u32),
        ("attention.head_count", HEADS as u32),
        ("attention.head_count_kv", KEY_HEADS as u32),
        ("attention.key_length", HEAD as u32),
        ("rope.dimension_count", HEAD as u32),
    ];
    let mut metadata: Vec<(String, Value)> = [
        ("general.architecture", text(name)),
        ("general.name", text(&format!("Tiny {name}"))),
        ("general.file_type", Value::U32(15)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("qwen2")),
        ("tokenizer.ggml.tokens", texts(tokens.to_vec())),
        ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
        ("tokenizer.ggml.merges", texts(merges.to_vec())),
        ("tokenizer.ggml.eos_token_id", id("<|im_end|>")),
        ("tokenizer.ggml.bos_token_id", id("<|endoftext|>")),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.chat_template", text(TEMPLATE)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    metadata.extend(shape.map(|(key, number)| (format!("{name}.{key}"), Value::U32(number))));
    metadata.push((
        format!("{name}.attention.layer_norm_rms_epsilon"),
        Value::F32(1e-6),
    ));
    metadata.push((format!("{name}.rope.freq_base"), Value::F32(10_000.0)));
    metadata
}

fn tensors(
    architecture: Architecture,
    tokens: &[String],
    seed: u64,
) -> CandleResult<Vec<(String, QTensor)>> {
    let mut random = Random(seed);
    let kv = KEY_HEADS * HEAD;
    let mut tensors = vec![
        random.matrix("token_embd", tokens.len(), HIDDEN, GgmlDType::Q6K)?,
        ones("output_norm", HIDDEN)?,
        output(&mut random, tokens)?,
    ];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for (part, rows, columns, kind) in [
            ("attn_q", HIDDEN, HIDDEN, GgmlDType::Q4K),
            ("attn_k", kv, HIDDEN, GgmlDType::Q4K),
            ("attn_v", kv, HIDDEN, GgmlDType::Q6K),
            ("attn_output", HIDDEN, HIDDEN, GgmlDType::Q4K),
            ("ffn_gate", FEED_FORWARD, HIDDEN, GgmlDType::Q4K),
            ("ffn_up", FEED_FORWARD, HIDDEN, GgmlDType::Q4K),
            ("ffn_down", HIDDEN, FEED_FORWARD, GgmlDType::Q6K),
        ] {
            tensors.push(random.matrix(&name(part), rows, columns, kind)?);
        }
        tensors.push(ones(&name("attn_norm"), HIDDEN)?);
        tensors.push(ones(&name("ffn_norm"), HIDDEN)?);
        match architecture {
            Architecture::Llama
            | Architecture::Gemma2
            | Architecture::Gemma3
            | Architecture::Phi3
            | Architecture::SmolLm3 => {}
            Architecture::Qwen2 => {
                for (part, length) in [("attn_q", HIDDEN), ("attn_k", kv), ("attn_v", kv)] {
                    tensors.push(random.bias(&name(part), length)?);
                }
            }
            Architecture::Qwen3 => {
                tensors.push(ones(&name("attn_q_norm"), HEAD)?);
                tensors.push(ones(&name("attn_k_norm"), HEAD)?);
            }
        }
    }
    Ok(tensors)
}

/// Scores of the next token: zero, and so never the best, for all that is not
/// visible text.
fn output(random: &mut Random, tokens: &[String]) -> CandleResult<(String, QTensor)> {
    let mut weights = random.numbers(tokens.len() * HIDDEN);
    for (text, row) in tokens.iter().zip(weights.chunks_mut(HIDDEN)) {
        let control = CONTROLS.contains(&text.as_str());
        let visible = |character: char| character.is_ascii_graphic() || character == 'Ġ';
        if control || !text.chars().all(visible) {
            row.fill(0.0);
        }
    }
    let weights = Tensor::from_vec(weights, (tokens.len(), HIDDEN), &Device::Cpu)?;
    let weights = QTensor::quantize(&weights, GgmlDType::Q6K)?;
    Ok(("output.weight".to_owned(), weights))
}

fn ones(name: &str, length: usize) -> CandleResult<(String, QTensor)> {
    let ones = Tensor::ones(length, candle_core::DType::F32, &Device::Cpu)?;
    let ones = QTensor::quantize(&ones, GgmlDType::F32)?;
    Ok((format!("{name}.weight"), ones))
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly distributed over -0.25 to 0.25, which keeps activations near one.
    fn numbers(&mut self, count: usize) -> Vec<f32> {
        let unit = |bits: u64| (bits >> 40) as f32 / (1_u64 << 24) as f32;
        (0..count)
            .map(|_| (unit(self.next()) - 0.5) * 0.5)
            .collect()
    }

    fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        kind: GgmlDType,
    ) -> CandleResult<(String, QTensor)> {
        let weights =
            Tensor::from_vec(self.numbers(rows * columns), (rows, columns), &Device::Cpu)?;
        let weights = QTensor::quantize(&weights, kind)?;
        Ok((format!("{name}.weight"), weights))
    }

    fn bias(&mut self, name: &str, length: usize) -> CandleResult<(String, QTensor)> {
        let bias = Tensor::from_vec(self.numbers(length), length, &Device::Cpu)?;
        let bias = QTensor::quantize(&bias, GgmlDType::F32)?;
        Ok((format!("{name}.bias"), bias))
    }
}
