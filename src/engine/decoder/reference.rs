//! The forward pass as plain tensor operations, one after the other: what the
//! fast network is measured against, and what runs on accelerators. Owns no
//! shortcut of any kind; every supported architecture is run from its `Shape`.

mod weights;

use super::error::DecoderError;
use super::model_file::ModelFile;
use super::rope::{RopeFrequencies, RopeLayout};
use super::shape::{Activation, Shape};
use crate::engine::guarded::guarded;
use candle_core::quantized::QMatMul;
use candle_core::{D, Device, Result as CandleResult, Tensor};
use weights::{Layer, Linear, Loader};

/// The weights of a model.
pub(super) struct ReferenceNetwork {
    shape: Shape,
    device: Device,
    embedding: QMatMul,
    layers: Vec<Layer>,
    /// The different tables and windows that layers have.
    ropes: Vec<RopeFrequencies>,
    windows: Vec<Option<usize>>,
    output_norm: Tensor,
    output: Linear,
}

/// The keys and values of the tokens that one sequence has read.
pub(super) struct ReferenceCache {
    layers: Vec<Option<KeysAndValues>>,
    tokens: usize,
}

/// Both are (key heads, tokens, width of a head).
#[derive(Clone)]
struct KeysAndValues {
    keys: Tensor,
    values: Tensor,
}

impl ReferenceNetwork {
    /// Loads the weights for sequences of up to `context` tokens onto `device`:
    /// as 32-bit numbers if `dequantize`, else as they are in the file.
    pub(super) fn load(
        file: &ModelFile,
        shape: Shape,
        context: usize,
        device: &Device,
        dequantize: bool,
    ) -> Result<Self, DecoderError> {
        let loader = Loader {
            file,
            device,
            dequantize,
        };
        guarded(|| loader.network(shape, context)).map_err(|reason| file.damaged(reason))
    }

    /// An empty sequence.
    pub(super) fn cache(&self) -> ReferenceCache {
        ReferenceCache {
            layers: vec![None; self.layers.len()],
            tokens: 0,
        }
    }

    /// Reads `tokens`, the first of which is at `position`; what the cache holds
    /// from there on is forgotten. Returns the logits after each of them, as
    /// (tokens, vocabulary).
    pub(super) fn forward(
        &self,
        tokens: &[u32],
        position: usize,
        cache: &mut ReferenceCache,
    ) -> Result<Tensor, DecoderError> {
        guarded(|| {
            cache.truncate(position)?;
            let logits = self.logits(tokens, cache)?;
            cache.tokens += tokens.len();
            Ok::<_, candle_core::Error>(logits)
        })
        .map_err(DecoderError::Internal)
    }

    fn logits(&self, tokens: &[u32], cache: &mut ReferenceCache) -> CandleResult<Tensor> {
        let step = self.step(tokens.len(), cache.tokens)?;
        let mut hidden = self
            .embedding
            .embedding(&Tensor::new(tokens, &self.device)?)?;
        if let Some(scale) = self.shape.embedding_scale {
            hidden = (hidden * f64::from(scale))?;
        }
        for (layer, cached) in self.layers.iter().zip(&mut cache.layers) {
            hidden = self.layer(layer, &hidden, &step, cached)?;
        }
        let logits = self
            .output
            .forward(&self.norm(&hidden, &self.output_norm)?)?;
        match self.shape.final_soft_cap {
            Some(cap) => soft_cap(&logits, cap),
            None => Ok(logits),
        }
    }

    /// What layers share when so many tokens are read at `position`.
    fn step(&self, tokens: usize, position: usize) -> CandleResult<Step> {
        let seen = position + tokens;
        let turns = |table| Turns::new(table, position, tokens, &self.device);
        let mask = |window: &Option<usize>| {
            let numbers = visible(tokens, position, seen, *window);
            Tensor::from_vec(numbers, (tokens, seen), &self.device)
        };
        Ok(Step {
            turns: self.ropes.iter().map(turns).collect::<CandleResult<_>>()?,
            masks: self.windows.iter().map(mask).collect::<CandleResult<_>>()?,
        })
    }

    fn layer(
        &self,
        layer: &Layer,
        input: &Tensor,
        step: &Step,
        cached: &mut Option<KeysAndValues>,
    ) -> CandleResult<Tensor> {
        let attended = self.norm(input, &layer.attention_norm)?;
        let attended = self.attention(layer, &attended, step, cached)?;
        let attended = self.optional_norm(attended, layer.post_attention_norm.as_ref())?;
        let hidden = (input + attended)?;

        let fed = self.norm(&hidden, &layer.feed_forward_norm)?;
        let (gate, up) = layer.gate_and_up.forward(&fed, self.shape.feed_forward)?;
        let gate = match self.shape.activation {
            Activation::Silu => gate.silu()?,
            Activation::GeluTanh => gate.gelu()?,
        };
        let fed = layer.down.forward(&(gate * up)?)?;
        let fed = self.optional_norm(fed, layer.post_feed_forward_norm.as_ref())?;
        hidden + fed
    }

    fn attention(
        &self,
        layer: &Layer,
        input: &Tensor,
        step: &Step,
        cached: &mut Option<KeysAndValues>,
    ) -> CandleResult<Tensor> {
        let Shape {
            heads,
            key_length,
            value_length,
            ..
        } = self.shape;
        let kv_heads = layer.kv_heads;
        let widths = [
            heads * key_length,
            kv_heads * key_length,
            kv_heads * value_length,
        ];
        let [queries, keys, values] = layer.projection.forward(input, widths)?;
        let queries = by_heads(&queries, heads, key_length)?;
        let keys = by_heads(&keys, kv_heads, key_length)?;
        let values = by_heads(&values, kv_heads, value_length)?;
        let queries = self.optional_norm(queries, layer.query_norm.as_ref())?;
        let keys = self.optional_norm(keys, layer.key_norm.as_ref())?;
        let (queries, keys) = match &layer.rope {
            Some(table) => {
                let turns = &step.turns[*table];
                let layout = self.shape.rope.layout;
                (turns.apply(&queries, layout)?, turns.apply(&keys, layout)?)
            }
            None => (queries, keys),
        };
        let all = match cached.take() {
            Some(old) => KeysAndValues {
                keys: Tensor::cat(&[&old.keys, &keys], 1)?,
                values: Tensor::cat(&[&old.values, &values], 1)?,
            },
            None => KeysAndValues { keys, values },
        };
        let mixed = self.mix(&queries, &all, &step.masks[layer.window])?;
        *cached = Some(all);
        layer.attention_output.forward(&mixed)
    }

    /// The values that the queries ask for, as (tokens, heads * width).
    fn mix(&self, queries: &Tensor, all: &KeysAndValues, mask: &Tensor) -> CandleResult<Tensor> {
        let (heads, tokens, key_length) = queries.dims3()?;
        let (kv_heads, seen, value_length) = all.values.dims3()?;
        let group = heads / kv_heads;
        let queries = queries.reshape((kv_heads, group * tokens, key_length))?;
        let scores = queries.matmul(&all.keys.t()?)?;
        let scores = (scores * f64::from(self.shape.attention_scale))?;
        let scores = match self.shape.attention_soft_cap {
            Some(cap) => soft_cap(&scores, cap)?,
            None => scores,
        };
        let scores = scores.reshape((heads, tokens, seen))?.broadcast_add(mask)?;
        let weights = softmax(&scores)?.reshape((kv_heads, group * tokens, seen))?;
        weights
            .matmul(&all.values)?
            .reshape((heads, tokens, value_length))?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((tokens, heads * value_length))
    }

    /// Root-mean-square norm over the last dimension.
    fn norm(&self, input: &Tensor, weight: &Tensor) -> CandleResult<Tensor> {
        let mean_square = input.sqr()?.mean_keepdim(D::Minus1)?;
        let scale = (mean_square + f64::from(self.shape.norm_epsilon))?.sqrt()?;
        input.broadcast_div(&scale)?.broadcast_mul(weight)
    }

    fn optional_norm(&self, input: Tensor, weight: Option<&Tensor>) -> CandleResult<Tensor> {
        match weight {
            Some(weight) => self.norm(&input, weight),
            None => Ok(input),
        }
    }
}

impl ReferenceCache {
    /// How many tokens are held.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    fn truncate(&mut self, tokens: usize) -> CandleResult<()> {
        if tokens > self.tokens {
            candle_core::bail!(
                "position {tokens} is beyond the {} tokens read",
                self.tokens
            );
        }
        for layer in &mut self.layers {
            *layer = match layer.take() {
                Some(held) if tokens > 0 => Some(KeysAndValues {
                    keys: held.keys.narrow(1, 0, tokens)?,
                    values: held.values.narrow(1, 0, tokens)?,
                }),
                _ => None,
            };
        }
        self.tokens = tokens;
        Ok(())
    }
}

/// What the layers share in one pass: for each table, for each window.
struct Step {
    turns: Vec<Turns>,
    masks: Vec<Tensor>,
}

/// Cosines and sines of consecutive positions, each (tokens, pairs).
struct Turns {
    cosines: Tensor,
    sines: Tensor,
    pairs: usize,
}

impl Turns {
    fn new(
        table: &RopeFrequencies,
        position: usize,
        tokens: usize,
        device: &Device,
    ) -> CandleResult<Self> {
        let pairs = table.inverse.len();
        let angles: Vec<f32> = (position..position + tokens)
            .flat_map(|position| table.inverse.iter().map(move |step| position as f32 * step))
            .collect();
        let tensor = |function: fn(f32) -> f32| {
            let scaled = |angle: &f32| function(*angle) * table.attention_factor;
            Tensor::from_vec(angles.iter().map(scaled).collect(), (tokens, pairs), device)
        };
        Ok(Self {
            cosines: tensor(f32::cos)?,
            sines: tensor(f32::sin)?,
            pairs,
        })
    }

    /// Turns the first pairs of each of (heads, tokens, width).
    fn apply(&self, input: &Tensor, layout: RopeLayout) -> CandleResult<Tensor> {
        let (heads, tokens, width) = input.dims3()?;
        let turning = input.narrow(D::Minus1, 0, 2 * self.pairs)?.contiguous()?;
        let (shape, side) = match layout {
            RopeLayout::Interleaved => ((heads, tokens, self.pairs, 2), 3),
            RopeLayout::Halves => ((heads, tokens, 2, self.pairs), 2),
        };
        let turning = turning.reshape(shape)?;
        let first = turning.narrow(side, 0, 1)?.squeeze(side)?;
        let second = turning.narrow(side, 1, 1)?.squeeze(side)?;
        let cosine = |part: &Tensor| part.broadcast_mul(&self.cosines);
        let sine = |part: &Tensor| part.broadcast_mul(&self.sines);
        let turned = [
            (cosine(&first)? - sine(&second)?)?,
            (cosine(&second)? + sine(&first)?)?,
        ];
        let turned = Tensor::stack(&turned, side)?.reshape((heads, tokens, 2 * self.pairs))?;
        match width - 2 * self.pairs {
            0 => Ok(turned),
            rest => {
                let rest = input.narrow(D::Minus1, 2 * self.pairs, rest)?;
                Tensor::cat(&[&turned, &rest], D::Minus1)
            }
        }
    }
}

/// From (tokens, heads * width) to (heads, tokens, width).
fn by_heads(input: &Tensor, heads: usize, width: usize) -> CandleResult<Tensor> {
    input
        .reshape((input.dim(0)?, heads, width))?
        .transpose(0, 1)?
        .contiguous()
}

/// 0 where a token may look, minus infinity elsewhere; row by row.
fn visible(tokens: usize, position: usize, seen: usize, window: Option<usize>) -> Vec<f32> {
    let window = window.unwrap_or(usize::MAX);
    (position..position + tokens)
        .flat_map(|asking| {
            (0..seen).map(
                move |asked| match asked <= asking && asking - asked < window {
                    true => 0.0,
                    false => f32::NEG_INFINITY,
                },
            )
        })
        .collect()
}

fn softmax(scores: &Tensor) -> CandleResult<Tensor> {
    let highest = scores.max_keepdim(D::Minus1)?;
    let powers = scores.broadcast_sub(&highest)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

fn soft_cap(numbers: &Tensor, cap: f32) -> CandleResult<Tensor> {
    let cap = f64::from(cap);
    (numbers / cap)?.tanh()? * cap
}

#[cfg(test)]
mod tests;
