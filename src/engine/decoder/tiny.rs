//! Random-weight models for tests and benchmarks: everything that a real model
//! file has, in about a megabyte. What they write is nonsense, but always the
//! same nonsense.

use super::Architecture;
use super::blueprint::{Blueprint, PlannedTensor, Stretched};
use super::error::DecoderError;
use super::gguf_writer::{TensorHeader, write_gguf};
use super::made_numbers::MadeNumbers;
use super::made_vocabulary::{Dialect, MadeVocabulary};
use super::weight_format::{Role, WeightFormat};
use crate::guarded::guarded;
use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result as CandleResult, Tensor};
use std::path::Path;

const CONTEXT: usize = 2048;
/// Formats with blocks of this many numbers get matrices that consist of them.
const LONG_BLOCK: usize = 256;
/// So that scores differ enough for the best one to be clear.
const OUTPUT_REACH: f32 = 0.25;
/// Not nothing: the output may be the embedding, too.
const SILENCED: f32 = 0.01;

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

/// Writes a random-weight model, for tests and benchmarks. The same seed makes
/// the same file. It never ends an answer by itself when sampled greedily.
pub fn write_tiny_model(
    path: &Path,
    architecture: Architecture,
    seed: u64,
) -> Result<(), DecoderError> {
    write_tiny_model_as(path, architecture, WeightFormat::Q4KM, seed)
}

/// The same with weights of the given format.
pub fn write_tiny_model_as(
    path: &Path,
    architecture: Architecture,
    format: WeightFormat,
    seed: u64,
) -> Result<(), DecoderError> {
    guarded(|| write(path, architecture, format, seed)).map_err(|reason| {
        DecoderError::Internal(format!("{} cannot be written: {reason}", path.display()))
    })
}

fn write(
    path: &Path,
    architecture: Architecture,
    format: WeightFormat,
    seed: u64,
) -> CandleResult<()> {
    let blueprint = blueprint(architecture, format);
    let vocabulary = MadeVocabulary::with_merges(Dialect::ChatMl, &MERGES);
    let mut metadata = vec![
        (
            "general.architecture".to_owned(),
            Value::String(architecture.name().to_owned()),
        ),
        (
            "general.name".to_owned(),
            Value::String(blueprint.name.clone()),
        ),
        (
            "general.file_type".to_owned(),
            Value::U32(format.file_type()),
        ),
    ];
    metadata.extend(vocabulary.metadata());
    metadata.extend(blueprint.metadata());
    let plan = blueprint.tensors(vocabulary.tokens.len());
    let headers: Vec<TensorHeader> = plan
        .iter()
        .map(|tensor| TensorHeader {
            name: tensor.name.clone(),
            dimensions: tensor.dimensions.clone(),
            kind: tensor_type(format, tensor, blueprint.layers),
        })
        .collect();
    let mut random = MadeNumbers::new(seed);
    write_gguf(path, &metadata, &headers, |index, output| {
        let numbers = numbers(&plan[index], &vocabulary, &mut random);
        let header = &headers[index];
        let bytes = encoded(numbers, header).map_err(std::io::Error::other)?;
        output.write_all(&bytes)
    })?;
    Ok(())
}

/// Small, but with all that is particular about the architecture: enough layers
/// for each kind of them, windows and original contexts that a test's prompt
/// exceeds, heads of another width than the model's share where real ones are.
fn blueprint(architecture: Architecture, format: WeightFormat) -> Blueprint {
    let long_blocks = format.main_type().block_size() == LONG_BLOCK;
    let (hidden, feed_forward, heads, even_head) = match long_blocks {
        true => (256, 512, 4, 64),
        // Multiples of 32 and of 64, but of nothing more.
        false => (192, 352, 6, 32),
    };
    let (layers, head, window) = match architecture {
        Architecture::Llama | Architecture::Qwen2 => (2, even_head, None),
        Architecture::Qwen3 => (2, 2 * even_head, None),
        Architecture::Gemma2 => (3, 2 * even_head, Some(24)),
        Architecture::Gemma3 => (7, 2 * even_head, Some(16)),
        Architecture::Phi3 => (2, even_head, Some(32)),
        Architecture::SmolLm3 => (5, even_head, None),
    };
    let (rotated, stretched) = match architecture {
        Architecture::Llama => (
            head,
            Stretched::Llama3 {
                factor: 8.0,
                original_context: 256,
            },
        ),
        Architecture::Phi3 => (
            head / 4 * 3,
            Stretched::ByContext {
                original_context: 512,
            },
        ),
        _ => (head, Stretched::No),
    };
    Blueprint {
        name: format!("Tiny {}", architecture.name()),
        architecture,
        context: CONTEXT,
        layers,
        hidden,
        feed_forward,
        heads,
        kv_heads: 2,
        head,
        rotated,
        rope_base: match architecture {
            Architecture::Gemma3 => 1_000_000.0,
            _ => 10_000.0,
        },
        stretched,
        window,
        norm_epsilon: 1e-6,
        tied: matches!(
            architecture,
            Architecture::Gemma2 | Architecture::Gemma3 | Architecture::SmolLm3
        ),
    }
}

fn tensor_type(format: WeightFormat, tensor: &PlannedTensor, layers: usize) -> GgmlDType {
    let is_matrix = tensor.dimensions.len() == 2;
    match format {
        WeightFormat::Q4KM => {
            let columns = tensor.dimensions.last().copied().unwrap_or(1);
            format.quantized_type(tensor.role, tensor.layer, layers, columns)
        }
        // The other formats are for tests of just that format.
        _ if is_matrix => format.main_type(),
        _ => GgmlDType::F32,
    }
}

/// Numbers that keep activations near one.
fn numbers(
    tensor: &PlannedTensor,
    vocabulary: &MadeVocabulary,
    random: &mut MadeNumbers,
) -> Vec<f32> {
    if let Some(numbers) = &tensor.numbers {
        return numbers.clone();
    }
    let count = tensor.dimensions.iter().product();
    let columns = tensor.dimensions.last().copied().unwrap_or(1);
    match tensor.role {
        Role::Norm => random.around(1.0, 0.3, count),
        Role::Bias | Role::RopeFactors => random.around(0.0, 0.3, count),
        Role::Output => {
            let mut numbers = random.around(0.0, OUTPUT_REACH, count);
            silence(&mut numbers, columns, vocabulary);
            numbers
        }
        _ => random.around(0.0, (3.0 / columns as f32).sqrt(), count),
    }
}

/// Makes the scores of the next token small, and so never the best, for all that
/// is not visible text.
fn silence(output: &mut [f32], columns: usize, vocabulary: &MadeVocabulary) {
    for (text, row) in vocabulary.tokens.iter().zip(output.chunks_mut(columns)) {
        let visible = |character: char| character.is_ascii_graphic() || character == 'Ġ';
        if vocabulary.is_control(text) || !text.chars().all(visible) {
            row.iter_mut().for_each(|weight| *weight *= SILENCED);
        }
    }
}

fn encoded(numbers: Vec<f32>, header: &TensorHeader) -> CandleResult<Vec<u8>> {
    let tensor = Tensor::from_vec(numbers, header.dimensions.as_slice(), &Device::Cpu)?;
    Ok(QTensor::quantize(&tensor, header.kind)?
        .data()?
        .into_owned())
}
