//! Models for benchmarks: the shapes of real ones, random weights that are made
//! directly in the blocks of their format. Files are written as a stream and
//! have all that other programs want to see, so that these can be measured on
//! the same file.

use super::Architecture;
use super::blueprint::{Blueprint, PlannedTensor, Stretched};
use super::error::DecoderError;
use super::gguf_writer::{TensorHeader, write_gguf};
use super::made_numbers::MadeNumbers;
use super::made_vocabulary::{Dialect, MadeVocabulary};
use super::weight_format::{Role, WeightFormat};
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Value;
use half::f16;
use std::io::{self, Write};
use std::path::Path;

/// Standard deviation of the weights, as after training.
const DEVIATION: f32 = 0.02;
/// Bytes that are made at a time, about.
const CHUNK_BYTES: usize = 1 << 18;
const SEED: u64 = 20;

/// A real model's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntheticShape {
    Qwen25_05B,
    Qwen25_15B,
    Llama32_1B,
}

impl SyntheticShape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Qwen25_05B, Self::Qwen25_15B, Self::Llama32_1B];

    /// The name under which a benchmark asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qwen25_05B => "qwen2.5-0.5b",
            Self::Qwen25_15B => "qwen2.5-1.5b",
            Self::Llama32_1B => "llama-3.2-1b",
        }
    }

    /// The inverse of [`Self::name`], in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }

    fn blueprint(self) -> Blueprint {
        let qwen = Blueprint {
            name: format!("Synthetic {}", self.name()),
            architecture: Architecture::Qwen2,
            context: 32_768,
            layers: 24,
            hidden: 896,
            feed_forward: 4864,
            heads: 14,
            kv_heads: 2,
            head: 64,
            rotated: 64,
            rope_base: 1_000_000.0,
            stretched: Stretched::No,
            window: None,
            norm_epsilon: 1e-6,
            tied: true,
        };
        match self {
            Self::Qwen25_05B => qwen,
            Self::Qwen25_15B => Blueprint {
                layers: 28,
                hidden: 1536,
                feed_forward: 8960,
                heads: 12,
                head: 128,
                rotated: 128,
                ..qwen
            },
            Self::Llama32_1B => Blueprint {
                architecture: Architecture::Llama,
                context: 131_072,
                layers: 16,
                hidden: 2048,
                feed_forward: 8192,
                heads: 32,
                kv_heads: 8,
                rope_base: 500_000.0,
                stretched: Stretched::Llama3 {
                    factor: 32.0,
                    original_context: 8192,
                },
                norm_epsilon: 1e-5,
                ..qwen
            },
        }
    }

    fn vocabulary(self) -> MadeVocabulary {
        match self {
            Self::Qwen25_05B | Self::Qwen25_15B => {
                MadeVocabulary::of_size(Dialect::ChatMl, 151_936)
            }
            Self::Llama32_1B => MadeVocabulary::of_size(Dialect::Llama3, 128_256),
        }
    }
}

/// Writes a model with random weights in the shape of a real one. `format` is
/// one of Q4_K_M, Q8_0, Q4_0 and F16; tensors get the types that llama.cpp's
/// quantizer would give them. The same arguments make the same file.
pub fn write_synthetic(
    path: &Path,
    shape: SyntheticShape,
    format: WeightFormat,
) -> Result<(), DecoderError> {
    write_blueprint(path, &shape.blueprint(), &shape.vocabulary(), format)
}

fn write_blueprint(
    path: &Path,
    blueprint: &Blueprint,
    vocabulary: &MadeVocabulary,
    format: WeightFormat,
) -> Result<(), DecoderError> {
    if !matches!(
        format,
        WeightFormat::Q4KM | WeightFormat::Q8_0 | WeightFormat::Q4_0 | WeightFormat::F16
    ) {
        return Err(DecoderError::Invalid(format!(
            "synthetic models are not made in {}, but in Q4_K_M, Q8_0, Q4_0 and F16",
            format.name()
        )));
    }
    let plan = blueprint.tensors(vocabulary.tokens.len());
    let headers: Vec<TensorHeader> = plan
        .iter()
        .map(|tensor| header(tensor, blueprint.layers, format))
        .collect();
    let metadata = metadata(blueprint, vocabulary, format);
    let mut random = MadeNumbers::new(SEED);
    write_gguf(path, &metadata, &headers, |index, output| {
        fill(&plan[index], &headers[index], &mut random, output)
    })
    .map_err(|error| {
        DecoderError::Internal(format!("{} cannot be written: {error}", path.display()))
    })
}

fn metadata(
    blueprint: &Blueprint,
    vocabulary: &MadeVocabulary,
    format: WeightFormat,
) -> Vec<(String, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let architecture = blueprint.architecture.name();
    let mut metadata: Vec<(String, Value)> = [
        ("general.architecture", text(architecture)),
        ("general.type", text("model")),
        ("general.name", text(&blueprint.name)),
        ("general.file_type", Value::U32(format.file_type())),
        ("general.quantization_version", Value::U32(2)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    metadata.extend(blueprint.metadata());
    metadata.push((
        format!("{architecture}.vocab_size"),
        Value::U32(vocabulary.tokens.len() as u32),
    ));
    metadata.extend(vocabulary.metadata());
    metadata
}

fn header(tensor: &PlannedTensor, layers: usize, format: WeightFormat) -> TensorHeader {
    let columns = tensor.dimensions.last().copied().unwrap_or(1);
    TensorHeader {
        name: tensor.name.clone(),
        dimensions: tensor.dimensions.clone(),
        kind: format.quantized_type(tensor.role, tensor.layer, layers, columns),
    }
}

fn fill(
    tensor: &PlannedTensor,
    header: &TensorHeader,
    random: &mut MadeNumbers,
    output: &mut dyn Write,
) -> io::Result<()> {
    if header.kind == GgmlDType::F32 {
        let numbers = match (&tensor.numbers, tensor.role) {
            (Some(numbers), _) => numbers.clone(),
            (None, Role::Norm) => random.around(1.0, 0.1, header.elements()),
            (None, _) => random.around(0.0, even_reach(), header.elements()),
        };
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        return output.write_all(&bytes);
    }
    let block = header.kind.type_size();
    let blocks = header.elements() / header.kind.block_size();
    let at_once = (CHUNK_BYTES / block).max(1);
    let mut chunk = vec![0_u8; at_once * block];
    for start in (0..blocks).step_by(at_once) {
        let chunk = &mut chunk[..at_once.min(blocks - start) * block];
        fill_with_bits(chunk, random);
        for block in chunk.chunks_exact_mut(block) {
            finish_block(header.kind, block, random)?;
        }
        output.write_all(chunk)?;
    }
    Ok(())
}

/// Half the width of the even distribution that has the deviation.
fn even_reach() -> f32 {
    DEVIATION * 3_f32.sqrt()
}

fn fill_with_bits(bytes: &mut [u8], random: &mut MadeNumbers) {
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        word.copy_from_slice(&random.bits().to_le_bytes());
    }
    let rest = words.into_remainder();
    let last = random.bits().to_le_bytes();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Turns random bits into a block of a format: the codes stay as they are, the
/// scales are set such that the weights have the deviation and no offset.
fn finish_block(kind: GgmlDType, block: &mut [u8], random: &mut MadeNumbers) -> io::Result<()> {
    // Deviations of even codes of 4, 5, 6 and 8 bits.
    const OF_4_BITS: f32 = 4.61;
    const OF_5_BITS: f32 = 9.23;
    const OF_6_BITS: f32 = 18.47;
    const OF_8_BITS: f32 = 73.6;
    match kind {
        GgmlDType::F16 => {
            let number = f16::from_f32(even_reach() * random.signed());
            block.copy_from_slice(&number.to_le_bytes());
        }
        // Codes of 4 and 5 bits reach one further down than up; signs even it out.
        GgmlDType::Q4_0 => set_scale(block, 0, signed_scale(OF_4_BITS, random)),
        GgmlDType::Q5_0 => set_scale(block, 0, signed_scale(OF_5_BITS, random)),
        GgmlDType::Q8_0 => {
            set_scale(block, 0, DEVIATION / OF_8_BITS);
            for code in &mut block[2..] {
                // The quantizer never makes -128.
                *code = if *code == 0x80 { 0x81 } else { *code };
            }
        }
        GgmlDType::Q4K => finish_q4k(block, DEVIATION / OF_4_BITS, random),
        GgmlDType::Q6K => {
            let mut squares = 0.0;
            for scale in &mut block[192..208] {
                let signed = (64 + (*scale & 63)) as i8 * if *scale & 64 == 0 { 1 } else { -1 };
                squares += f32::from(signed).powi(2) / 16.0;
                *scale = signed.to_le_bytes()[0];
            }
            set_scale(block, 208, DEVIATION / OF_6_BITS / squares.sqrt());
        }
        other => {
            return Err(io::Error::other(format!(
                "weights are not made in {other:?}"
            )));
        }
    }
    Ok(())
}

fn signed_scale(deviation_of_codes: f32, random: &mut MadeNumbers) -> f32 {
    let scale = DEVIATION / deviation_of_codes;
    match random.bits() & 1 {
        0 => scale,
        _ => -scale,
    }
}

fn set_scale(block: &mut [u8], at: usize, scale: f32) {
    block[at..at + 2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
}

/// Eight scales and as many offsets of 6 bits each. With equal ones, and the
/// middle code as the offset's unit, each group of weights is even around zero.
fn finish_q4k(block: &mut [u8], mean_scale: f32, random: &mut MadeNumbers) {
    const MIDDLE: f32 = 7.5;
    let bits = random.bits().to_le_bytes();
    let scales = bits.map(|bits| 32 + (bits & 31));
    let mean_square = scales.map(|s| f32::from(s).powi(2)).iter().sum::<f32>() / 8.0;
    let unit = mean_scale / mean_square.sqrt();
    set_scale(block, 0, unit);
    set_scale(block, 2, unit * MIDDLE);
    for group in 0..4 {
        let (low, high) = (scales[group], scales[group + 4]);
        block[4 + group] = low | (high >> 4) << 6;
        block[8 + group] = low | (high >> 4) << 6;
        block[12 + group] = (high & 15) | (high & 15) << 4;
    }
}

#[cfg(test)]
mod tests;
