//! The hyperparameters of a decoder, read from a GGUF file's metadata and the
//! names of its tensors. Everything by which the supported architectures
//! differ is a field here, so that networks need not know architectures.

use super::Architecture;
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::rope::{Rope, RopeFrequencies, RopeLayout};
use crate::tokens::whole_number;
use candle_core::quantized::gguf_file::Value;

/// More layers than any real model has; bounds what a hostile file can reserve.
const MAX_LAYERS: usize = 1024;
/// More than any real side of a matrix, and small enough for products of three.
const MAX_SIDE: usize = 1 << 20;
/// SmolLM3 leaves every so many-th layer without positions.
const SMOLLM3_ROPE_PERIOD: usize = 4;
/// Layer counts of the two largest Gemma models, whose attention is scaled by
/// the width of the model per head instead of the width of a head.
const GEMMA2_27B_LAYERS: usize = 46;
const GEMMA3_27B_LAYERS: usize = 62;

/// What the gate of the feed-forward part goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Silu,
    /// The tanh approximation of GELU.
    GeluTanh,
}

/// What layers of one model can differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerShape {
    /// How many key and value heads there are; a divisor of the query heads.
    pub(super) kv_heads: usize,
    /// A token sees itself and the tokens before it, so many in all; none: all.
    pub(super) window: Option<usize>,
    /// Whether positions turn queries and keys.
    pub(super) rotary: bool,
}

/// The hyperparameters of a decoder. Norms are all RMS norms whose weights in
/// the file are complete (Gemma's `+ 1` is already in them).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) architecture: Architecture,
    /// How many tokens the model was trained to hold.
    pub(super) context: usize,
    /// Rows of the token embedding; the logits are as many.
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) feed_forward: usize,
    /// Query heads of each layer.
    pub(super) heads: usize,
    /// Width of a query or key head.
    pub(super) key_length: usize,
    /// Width of a value head.
    pub(super) value_length: usize,
    pub(super) layers: Vec<LayerShape>,
    pub(super) norm_epsilon: f32,
    pub(super) rope: Rope,
    /// What the products of queries and keys are multiplied with.
    pub(super) attention_scale: f32,
    /// `c` of `c * tanh(score / c)` on the scaled scores, before the mask.
    pub(super) attention_soft_cap: Option<f32>,
    /// The same on the logits.
    pub(super) final_soft_cap: Option<f32>,
    /// What token embeddings are multiplied with.
    pub(super) embedding_scale: Option<f32>,
    pub(super) activation: Activation,
    /// `post_attention_norm` and `post_ffw_norm` on what a layer's two parts
    /// put out, before it is added to what went in.
    pub(super) post_norms: bool,
    /// `attn_q_norm` and `attn_k_norm` over each head, before the rotation.
    pub(super) query_key_norms: bool,
    /// `attn_q.bias`, `attn_k.bias` and `attn_v.bias` (or `attn_qkv.bias`).
    pub(super) qkv_biases: bool,
    /// `attn_output.bias`.
    pub(super) attention_output_bias: bool,
    /// `ffn_gate.bias`, `ffn_up.bias` and `ffn_down.bias`.
    pub(super) feed_forward_biases: bool,
    /// `output.bias`.
    pub(super) logit_bias: bool,
    /// Queries, keys and values, in that order, are the rows of `attn_qkv`.
    pub(super) fused_qkv: bool,
    /// `ffn_up` holds the rows of the gate and then those of up.
    pub(super) fused_gate_up: bool,
    /// There is no `output.weight`: logits are products with the embedding.
    pub(super) tied_output: bool,
}

impl Shape {
    /// Reads the hyperparameters of `file`, whose architecture is known.
    pub(super) fn read(file: &ModelFile, architecture: Architecture) -> Result<Self, DecoderError> {
        let keys = Keys {
            file,
            prefix: architecture.name(),
        };
        if keys.number("expert_count").unwrap_or(0) > 0 {
            return Err(file.unsupported("it is a mixture of experts"));
        }
        let layer_count = keys.needed("block_count")?;
        if !(1..=MAX_LAYERS).contains(&layer_count) {
            return Err(file.damaged(format!("{layer_count} layers are impossible")));
        }
        let hidden = keys.side("embedding_length")?;
        let heads = keys.uniform("attention.head_count", layer_count)?;
        let (key_length, value_length) = keys.head_lengths(hidden, heads)?;
        let context = keys.needed("context_length")?;
        if context == 0 {
            return Err(file.damaged("a context of 0 tokens holds nothing"));
        }
        let has = |tensor: &str| file.content.tensor_infos.contains_key(tensor);
        let is_gemma = matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3);
        let (attention_soft_cap, final_soft_cap) = keys.soft_caps(architecture)?;
        Ok(Self {
            architecture,
            context,
            vocabulary: vocabulary(file, hidden)?,
            hidden,
            feed_forward: keys.uniform("feed_forward_length", layer_count)?,
            heads,
            key_length,
            value_length,
            layers: keys.layers(architecture, layer_count, heads)?,
            norm_epsilon: keys.norm_epsilon()?,
            rope: keys.rope(architecture, key_length, context)?,
            attention_scale: attention_scale(architecture, layer_count, hidden, heads, key_length),
            attention_soft_cap,
            final_soft_cap,
            embedding_scale: is_gemma.then(|| (hidden as f32).sqrt()),
            activation: match is_gemma {
                true => Activation::GeluTanh,
                false => Activation::Silu,
            },
            post_norms: is_gemma,
            query_key_norms: matches!(architecture, Architecture::Qwen3 | Architecture::Gemma3),
            qkv_biases: has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias"),
            attention_output_bias: has("blk.0.attn_output.bias"),
            feed_forward_biases: has("blk.0.ffn_down.bias"),
            logit_bias: has("output.bias"),
            fused_qkv: has("blk.0.attn_qkv.weight"),
            fused_gate_up: architecture == Architecture::Phi3 && !has("blk.0.ffn_gate.weight"),
            tied_output: !has("output.weight"),
        })
    }

    /// Queries, keys and values of a token in `layer`, beside each other.
    pub(super) fn qkv_width(&self, layer: usize) -> usize {
        let kv_heads = self.layers[layer].kv_heads;
        self.heads * self.key_length + kv_heads * (self.key_length + self.value_length)
    }

    /// The same where it is widest.
    pub(super) fn widest_qkv(&self) -> usize {
        let widths = (0..self.layers.len()).map(|layer| self.qkv_width(layer));
        widths.max().unwrap_or(0)
    }

    /// What positions turn the queries and keys of `layer` by, when sequences
    /// may grow to `context` tokens; none: not at all.
    pub(super) fn rope_frequencies(&self, layer: usize, context: usize) -> Option<RopeFrequencies> {
        let layer = self.layers.get(layer)?;
        layer
            .rotary
            .then(|| self.rope.frequencies(layer.window.is_some(), context))
    }
}

/// The metadata under an architecture's prefix.
struct Keys<'a> {
    file: &'a ModelFile,
    prefix: &'static str,
}

impl Keys<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn number(&self, name: &str) -> Option<usize> {
        let number = self.file.number(&self.name(name))?;
        Some(usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn needed(&self, name: &str) -> Result<usize, DecoderError> {
        self.number(name)
            .ok_or_else(|| self.file.missing(self.name(name)))
    }

    /// A number that is the side of a matrix.
    fn side(&self, name: &str) -> Result<usize, DecoderError> {
        let number = self.needed(name)?;
        self.check_side(name, number)
    }

    fn check_side(&self, name: &str, number: usize) -> Result<usize, DecoderError> {
        match (1..=MAX_SIDE).contains(&number) {
            true => Ok(number),
            false => Err(self
                .file
                .damaged(format!("{} is {number}", self.name(name)))),
        }
    }

    /// A number for each layer, which may be given once for all.
    fn per_layer(&self, name: &str, layers: usize) -> Result<Option<Vec<usize>>, DecoderError> {
        let key = self.name(name);
        if let Some(Value::Array(values)) = self.file.content.metadata.get(&key) {
            let numbers: Option<Vec<usize>> = values
                .iter()
                .map(|value| whole_number(value)?.try_into().ok())
                .collect();
            return match numbers {
                Some(numbers) if numbers.len() == layers => numbers
                    .into_iter()
                    .map(|number| self.check_side(name, number))
                    .collect::<Result<_, _>>()
                    .map(Some),
                _ => Err(self
                    .file
                    .damaged(format!("{key} does not have one number for each layer"))),
            };
        }
        self.number(name)
            .map(|number| Ok(vec![self.check_side(name, number)?; layers]))
            .transpose()
    }

    /// A number that is the same for all layers, however it is given.
    fn uniform(&self, name: &str, layers: usize) -> Result<usize, DecoderError> {
        let numbers = self
            .per_layer(name, layers)?
            .ok_or_else(|| self.file.missing(self.name(name)))?;
        match numbers.iter().all(|number| *number == numbers[0]) {
            true => Ok(numbers[0]),
            false => Err(self
                .file
                .unsupported(format!("{} differs from layer to layer", self.name(name)))),
        }
    }

    fn head_lengths(&self, hidden: usize, heads: usize) -> Result<(usize, usize), DecoderError> {
        let length = |name: &str| match self.number(name) {
            Some(length) => self.check_side(name, length),
            None if hidden.is_multiple_of(heads) => Ok(hidden / heads),
            None => Err(self.file.damaged(format!(
                "{heads} heads do not share a width of {hidden} evenly"
            ))),
        };
        Ok((
            length("attention.key_length")?,
            length("attention.value_length")?,
        ))
    }

    fn layers(
        &self,
        architecture: Architecture,
        count: usize,
        heads: usize,
    ) -> Result<Vec<LayerShape>, DecoderError> {
        let kv_heads = self
            .per_layer("attention.head_count_kv", count)?
            .unwrap_or_else(|| vec![heads; count]);
        if let Some(odd) = kv_heads
            .iter()
            .find(|kv_heads| !heads.is_multiple_of(**kv_heads))
        {
            return Err(self
                .file
                .damaged(format!("{heads} heads cannot share {odd} key heads")));
        }
        let window = self.window(architecture, count);
        let slides = self.sliding_layers(architecture, count)?;
        let layer = |(index, (kv_heads, slides)): (usize, (usize, bool))| LayerShape {
            kv_heads,
            window: window.filter(|_| slides),
            rotary: architecture != Architecture::SmolLm3
                || !(index + 1).is_multiple_of(SMOLLM3_ROPE_PERIOD),
        };
        Ok(kv_heads
            .into_iter()
            .zip(slides)
            .enumerate()
            .map(layer)
            .collect())
    }

    /// The length of the sliding window, if the architecture has one.
    fn window(&self, architecture: Architecture, layers: usize) -> Option<usize> {
        let given = self.number("attention.sliding_window");
        let window = match architecture {
            Architecture::Gemma2 => given.or(Some(4096)),
            Architecture::Phi3 => given.or_else(|| {
                // Early files of Phi-3-mini-4k and -medium-4k do not say it.
                let is_short = self.number("context_length") == Some(4096);
                (is_short && matches!(layers, 32 | 40)).then_some(2047)
            }),
            Architecture::Llama | Architecture::Gemma3 => given,
            // Their files mention a window that the models do not use.
            Architecture::Qwen2 | Architecture::Qwen3 | Architecture::SmolLm3 => None,
        };
        window.filter(|window| *window > 0)
    }

    /// Which layers have the window, given that there is one.
    fn sliding_layers(
        &self,
        architecture: Architecture,
        count: usize,
    ) -> Result<Vec<bool>, DecoderError> {
        let period = match architecture {
            Architecture::Gemma2 => 2,
            Architecture::Gemma3 => 6,
            _ => return Ok(vec![true; count]),
        };
        let name = "attention.sliding_window_pattern";
        match self.file.content.metadata.get(&self.name(name)) {
            Some(Value::Array(flags)) => {
                let flags: Vec<bool> = flags
                    .iter()
                    .filter_map(|flag| flag.to_bool().ok())
                    .collect();
                match flags.len() == count {
                    true => Ok(flags),
                    false => Err(self.file.damaged(format!(
                        "{} does not have a yes or no for each layer",
                        self.name(name)
                    ))),
                }
            }
            _ => {
                // The last layer of each period sees everything.
                let period = self.number(name).unwrap_or(period);
                let slides = |layer: usize| period == 0 || !(layer + 1).is_multiple_of(period);
                Ok((0..count).map(slides).collect())
            }
        }
    }

    fn norm_epsilon(&self) -> Result<f32, DecoderError> {
        let key = self.name("attention.layer_norm_rms_epsilon");
        match self.file.float(&key) {
            Some(epsilon) if (0.0..1.0).contains(&epsilon) => Ok(epsilon),
            Some(epsilon) => Err(self.file.damaged(format!("{key} is {epsilon}"))),
            None => Err(self.file.missing(key)),
        }
    }

    /// Soft caps of attention scores and of logits.
    fn soft_caps(
        &self,
        architecture: Architecture,
    ) -> Result<(Option<f32>, Option<f32>), DecoderError> {
        let cap = |name: &str, default: Option<f32>| {
            let key = self.name(name);
            match self.file.float(&key) {
                None => Ok(default),
                Some(0.0) => Ok(None),
                Some(cap) if cap.is_finite() && cap > 0.0 => Ok(Some(cap)),
                Some(cap) => Err(self.file.damaged(format!("{key} is {cap}"))),
            }
        };
        let attention = "attn_logit_softcapping";
        let logits = "final_logit_softcapping";
        match architecture {
            Architecture::Gemma2 => Ok((cap(attention, Some(50.0))?, cap(logits, Some(30.0))?)),
            Architecture::Gemma3 => Ok((cap(attention, None)?, cap(logits, None)?)),
            _ => Ok((None, None)),
        }
    }

    fn rope(
        &self,
        architecture: Architecture,
        head: usize,
        context: usize,
    ) -> Result<Rope, DecoderError> {
        let layout = match architecture {
            Architecture::Llama | Architecture::SmolLm3 => RopeLayout::Interleaved,
            Architecture::Qwen2
            | Architecture::Qwen3
            | Architecture::Gemma2
            | Architecture::Gemma3
            | Architecture::Phi3 => RopeLayout::Halves,
        };
        let mut rope = Rope::read(self.file, self.prefix, layout, head, context)?;
        if architecture == Architecture::Gemma3 {
            let given = self.file.float(&self.name("rope.freq_base_swa"));
            rope.local_base = Some(given.filter(|base| *base > 0.0).unwrap_or(10_000.0));
        }
        Ok(rope)
    }
}

/// The rows of the token embedding.
fn vocabulary(file: &ModelFile, hidden: usize) -> Result<usize, DecoderError> {
    let name = "token_embd.weight";
    let info = file
        .content
        .tensor_infos
        .get(name)
        .ok_or_else(|| file.missing(name))?;
    match info.shape.dims() {
        [rows, columns] if *columns == hidden && *rows > 0 => Ok(*rows),
        dimensions => {
            Err(file.damaged(format!("{name} is {dimensions:?} instead of {hidden} wide")))
        }
    }
}

fn attention_scale(
    architecture: Architecture,
    layers: usize,
    hidden: usize,
    heads: usize,
    key_length: usize,
) -> f32 {
    let width = match (architecture, layers) {
        (Architecture::Gemma2, GEMMA2_27B_LAYERS) | (Architecture::Gemma3, GEMMA3_27B_LAYERS) => {
            hidden / heads
        }
        _ => key_length,
    };
    1.0 / (width.max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests;
