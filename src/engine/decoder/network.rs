//! The forward pass: the only place that knows which of the inference
//! library's models runs. What it needs of the metadata is checked and
//! completed first, because the library trusts its files.

use super::Architecture;
use super::device::best_device;
use super::error::{DecoderError, guarded};
use super::model_file::ModelFile;
use candle_core::quantized::gguf_file::Value;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2, quantized_qwen3};

/// More blocks than any real model has; bounds what a hostile file can reserve.
const MAX_BLOCKS: u64 = 1024;

/// A loaded model with the keys and values of the tokens it has read.
pub(super) struct Network {
    weights: Weights,
    device: Device,
}

enum Weights {
    Llama(quantized_llama::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Qwen3(quantized_qwen3::ModelWeights),
}

impl Network {
    /// How many tokens a model of this file can hold, given that `wanted` would do.
    pub(super) fn context_tokens(
        file: &ModelFile,
        architecture: Architecture,
        wanted: usize,
    ) -> Result<usize, DecoderError> {
        let key = format!("{}.context_length", architecture.name());
        let trained = file.number(&key).ok_or_else(|| file.missing(key))?;
        let trained = usize::try_from(trained).unwrap_or(usize::MAX);
        let limit = match architecture {
            Architecture::Llama => trained.min(quantized_llama::MAX_SEQ_LEN),
            _ => trained,
        };
        match wanted.min(limit) {
            0 => Err(DecoderError::Invalid(
                "a context of 0 tokens holds no prompt".to_owned(),
            )),
            context => Ok(context),
        }
    }

    /// Loads the weights.
    pub(super) fn load(
        mut file: ModelFile,
        architecture: Architecture,
        context_tokens: usize,
    ) -> Result<Self, DecoderError> {
        complete_metadata(&mut file, architecture, context_tokens)?;
        let device = best_device();
        let ModelFile {
            name,
            content,
            mut reader,
            ..
        } = file;
        let weights = guarded(|| -> candle_core::Result<Weights> {
            let reader = &mut reader;
            Ok(match architecture {
                Architecture::Llama => Weights::Llama(quantized_llama::ModelWeights::from_gguf(
                    content, reader, &device,
                )?),
                Architecture::Qwen2 => Weights::Qwen2(quantized_qwen2::ModelWeights::from_gguf(
                    content, reader, &device,
                )?),
                Architecture::Qwen3 => Weights::Qwen3(quantized_qwen3::ModelWeights::from_gguf(
                    content, reader, &device,
                )?),
                other => candle_core::bail!("{} models cannot be run yet", other.name()),
            })
        })
        .map_err(|reason| DecoderError::Damaged { file: name, reason })?;
        Ok(Self { weights, device })
    }

    /// Reads `tokens`, the first of which is at `position`, and returns the
    /// scores of each possible next token.
    pub(super) fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
    ) -> Result<Tensor, DecoderError> {
        guarded(|| {
            let input = Tensor::new(tokens, &self.device)?.unsqueeze(0)?;
            match &mut self.weights {
                Weights::Llama(model) => model.forward(&input, position),
                Weights::Qwen2(model) => model.forward(&input, position),
                Weights::Qwen3(model) => model.forward(&input, position),
            }?
            .squeeze(0)
        })
        .map_err(DecoderError::Internal)
    }

    /// Forgets all tokens read.
    pub(super) fn forget(&mut self) {
        match &mut self.weights {
            Weights::Llama(model) => model.clear_kv_cache(),
            Weights::Qwen2(model) => model.clear_kv_cache(),
            Weights::Qwen3(model) => model.clear_kv_cache(),
        }
    }
}

/// Checks the metadata that shapes the network, fills in what older files
/// leave out, and brings all numbers to the width that the library expects.
fn complete_metadata(
    file: &mut ModelFile,
    architecture: Architecture,
    context_tokens: usize,
) -> Result<(), DecoderError> {
    let prefix = architecture.name();
    let key = |name: &str| format!("{prefix}.{name}");
    let needed = |file: &ModelFile, name: &str| {
        file.number(&key(name))
            .ok_or_else(|| file.missing(key(name)))
    };
    let embedding = needed(file, "embedding_length")?;
    let blocks = needed(file, "block_count")?;
    let heads = needed(file, "attention.head_count")?;
    let kv_heads = file
        .number(&key("attention.head_count_kv"))
        .unwrap_or(heads);
    if blocks > MAX_BLOCKS || embedding == 0 || heads == 0 || kv_heads == 0 {
        return Err(file.damaged("its dimensions are impossible"));
    }
    if embedding % heads != 0 || heads % kv_heads != 0 {
        return Err(file.damaged(format!(
            "{heads} heads and {kv_heads} key heads do not share a width of {embedding} evenly"
        )));
    }
    let head = file
        .number(&key("attention.key_length"))
        .unwrap_or(embedding / heads);
    check_variant(file, architecture, head, embedding / heads)?;

    let numbers = [
        ("embedding_length", embedding),
        ("block_count", blocks),
        ("attention.head_count", heads),
        ("attention.head_count_kv", kv_heads),
        ("attention.key_length", head),
        ("rope.dimension_count", head),
        // The library makes tables as long as the context it is told.
        ("context_length", context_tokens as u64),
    ];
    for (name, number) in numbers {
        let number = u32::try_from(number)
            .map_err(|_| file.damaged(format!("{} is impossible", key(name))))?;
        file.content.metadata.insert(key(name), Value::U32(number));
    }
    file.content
        .metadata
        .entry(key("rope.freq_base"))
        .or_insert(Value::F32(10_000.0));
    // Without this the Qwen3 model computes its rotary angles in half
    // precision, which cannot even count positions beyond 2048.
    file.content
        .metadata
        .insert("general.dtype".to_owned(), Value::U32(0));
    Ok(())
}

/// Refuses variants of the architectures that the library would run wrongly.
fn check_variant(
    file: &ModelFile,
    architecture: Architecture,
    head: u64,
    even_head: u64,
) -> Result<(), DecoderError> {
    let prefix = architecture.name();
    if file.number(&format!("{prefix}.expert_count")).unwrap_or(0) > 1 {
        return Err(file.unsupported("it is a mixture of experts"));
    }
    if architecture != Architecture::Qwen3 && head != even_head {
        return Err(file.unsupported(format!(
            "its attention heads are {head} wide instead of {even_head}"
        )));
    }
    let rotated = file.number(&format!("{prefix}.rope.dimension_count"));
    if rotated.is_some_and(|rotated| rotated != head) {
        return Err(file.unsupported("it rotates only a part of each attention head"));
    }
    let scaling = file.text(&format!("{prefix}.rope.scaling.type"));
    if scaling == Some("linear") {
        return Err(file.unsupported("it stretches its positions linearly"));
    }
    if file.content.tensor_infos.contains_key("rope_freqs.weight") {
        tracing::warn!(
            file = file.name,
            "the model's own rotary frequencies are not applied; long prompts may suffer"
        );
    }
    Ok(())
}
