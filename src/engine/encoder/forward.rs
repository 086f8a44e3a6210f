//! The forward pass over several texts at once, without padding: products over
//! all tokens of all texts, attention within each text. Must not know text.

use super::attention::Heads;
use super::attention::attend;
use super::panels::Left;
use super::pointwise::gelu;
use super::pointwise::multiply;
use super::pointwise::normalise;
use super::rotation::Rotation;
use super::shape::Activation;
use super::tensors::Factor;
use super::weights::Linear;
use super::weights::Norm;
use super::weights::Weights;
use crate::kernels::Activations;
use crate::kernels::GROUP;
use crate::kernels::Input;
use crate::kernels::Product;
use crate::kernels::Rows;
use crate::kernels::RowsMut;
use crate::kernels::Workers;
use crate::kernels::fine;
use crate::kernels::fine::FineCodes;
use crate::kernels::pointwise::add;
use crate::kernels::pointwise::silu_gate;
use crate::kernels::products;
use crate::kernels::quantize_row;

/// A text as the model takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Framed {
    pub(super) ids: Vec<u32>,
    /// Where the second part of a pair begins; the length if it is no pair.
    pub(super) second: usize,
}

/// What products read as codes.
pub(super) struct Codes {
    bytes: Activations,
    fine: FineCodes,
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            bytes: Activations::with_capacity(0, 0),
            fine: FineCodes::default(),
        }
    }
}

/// What computes, and room for intermediate results, kept from one pass to the
/// next.
pub(super) struct Scratch {
    pub(super) workers: Workers,
    pub(super) codes: Codes,
    hidden: Vec<f32>,
    normed: Vec<f32>,
    projected: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
    heads: Heads,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            workers: Workers::alone(),
            codes: Codes::default(),
            hidden: Vec::new(),
            normed: Vec::new(),
            projected: Vec::new(),
            mixed: Vec::new(),
            inner: Vec::new(),
            heads: Heads::default(),
        }
    }
}

/// Runs the model over `texts`; returns the last layer's vectors of all tokens,
/// text after text.
pub(super) fn forward<'s>(
    weights: &Weights,
    rotation: &Rotation,
    texts: &[&Framed],
    scratch: &'s mut Scratch,
) -> &'s [f32] {
    let shape = &weights.shape;
    embed_tokens(weights, texts, scratch);
    scratch.mixed.resize(scratch.hidden.len(), 0.0);
    for (number, layer) in weights.layers.iter().enumerate() {
        let (reach, base) = shape.view(number);
        let before = layer.attention_norm.as_ref().filter(|_| shape.norms_first);
        scratch.take(before, shape.epsilon);
        scratch.project(&layer.query_key_value);
        let mut start = 0;
        for text in texts {
            let length = text.ids.len();
            let projected =
                &mut scratch.projected[start * 3 * shape.hidden..][..length * 3 * shape.hidden];
            let mixed = &mut scratch.mixed[start * shape.hidden..][..length * shape.hidden];
            let instructions = scratch.workers.instructions;
            if let Some(base) = base {
                rotation.turn(instructions, base, shape, projected);
            }
            attend(
                instructions,
                shape,
                reach,
                projected,
                mixed,
                &mut scratch.heads,
            );
            start += length;
        }
        let Scratch {
            workers,
            codes,
            projected,
            mixed,
            ..
        } = scratch;
        let width = shape.hidden;
        apply(
            &layer.attention_output,
            workers,
            codes,
            (mixed, width),
            projected,
        );
        let behind = layer.attention_norm.as_ref().filter(|_| !shape.norms_first);
        scratch.give(behind, shape.epsilon);
        let first = Some(&layer.feed_forward_norm);
        scratch.take(first.filter(|_| shape.norms_first), shape.epsilon);
        scratch.feed_forward(&layer.up, shape.activation, &layer.down);
        scratch.give(first.filter(|_| !shape.norms_first), shape.epsilon);
    }
    if let Some(norm) = &weights.final_norm {
        let instructions = scratch.workers.instructions;
        let (weight, bias) = (&norm.weight, &norm.bias);
        normalise(
            instructions,
            &mut scratch.hidden,
            weight,
            bias,
            shape.epsilon,
        );
    }
    &scratch.hidden
}

impl Scratch {
    /// Puts what a sublayer reads into `normed`.
    fn take(&mut self, norm: Option<&Norm>, epsilon: f32) {
        self.normed.clear();
        self.normed.extend_from_slice(&self.hidden);
        if let Some(norm) = norm {
            let instructions = self.workers.instructions;
            let (weight, bias) = (&norm.weight, &norm.bias);
            normalise(instructions, &mut self.normed, weight, bias, epsilon);
        }
    }

    /// Adds what a sublayer made, `projected`, to the tokens' vectors.
    fn give(&mut self, norm: Option<&Norm>, epsilon: f32) {
        let instructions = self.workers.instructions;
        add(instructions, &mut self.hidden, &self.projected);
        if let Some(norm) = norm {
            let (weight, bias) = (&norm.weight, &norm.bias);
            normalise(instructions, &mut self.hidden, weight, bias, epsilon);
        }
    }

    fn project(&mut self, linear: &Linear) {
        let Self {
            workers,
            codes,
            normed,
            projected,
            ..
        } = self;
        apply(linear, workers, codes, (normed, linear.inputs()), projected);
    }

    fn feed_forward(&mut self, up: &Linear, activation: Activation, down: &Linear) {
        let Self {
            workers,
            codes,
            normed,
            projected,
            inner,
            ..
        } = self;
        apply(up, workers, codes, (normed, up.inputs()), inner);
        let instructions = workers.instructions;
        let (wide, width) = (up.outputs(), down.inputs());
        match activation {
            Activation::Gelu => gelu(instructions, inner),
            Activation::GeluGate => {
                for row in inner.chunks_exact_mut(wide) {
                    let (gate, through) = row.split_at_mut(width);
                    gelu(instructions, gate);
                    multiply(instructions, gate, through);
                }
            }
            Activation::SiluGate => {
                for row in inner.chunks_exact_mut(wide) {
                    let (gate, through) = row.split_at_mut(width);
                    silu_gate(instructions, gate, through);
                }
            }
        }
        apply(down, workers, codes, (inner, wide), projected);
    }
}

fn embed_tokens(weights: &Weights, texts: &[&Framed], scratch: &mut Scratch) {
    let width = weights.shape.hidden;
    let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
    let instructions = scratch.workers.instructions;
    scratch.hidden.resize(tokens * width, 0.0);
    let mut rows = scratch.hidden.chunks_exact_mut(width);
    for text in texts {
        for ((at, id), row) in text.ids.iter().enumerate().zip(&mut rows) {
            weights.tokens.row(*id as usize, row);
            if let Some(positions) = &weights.positions {
                add(instructions, row, &positions[at * width..][..width]);
            }
            if let Some(kinds) = &weights.kinds {
                let kind = usize::from(at >= text.second).min(kinds.len() / width - 1);
                add(instructions, row, &kinds[kind * width..][..width]);
            }
        }
    }
    let norm = &weights.embedding_norm;
    let epsilon = weights.shape.epsilon;
    normalise(
        instructions,
        &mut scratch.hidden,
        &norm.weight,
        &norm.bias,
        epsilon,
    );
}

/// Applies a map to rows that begin `stride` apart.
pub(super) fn apply(
    linear: &Linear,
    workers: &mut Workers,
    codes: &mut Codes,
    (input, stride): (&[f32], usize),
    out: &mut Vec<f32>,
) {
    let (rows, wide) = (input.len() / stride, linear.outputs());
    let size = (rows, linear.inputs());
    out.resize(rows * wide, 0.0);
    if linear.parts.iter().any(Factor::is_quantized) {
        quantize(workers, input, stride, size, &mut codes.bytes);
    }
    let floats = Rows {
        values: input,
        stride,
    };
    let fine = fine::pays(workers.level, workers.instructions);
    if fine && linear.parts.iter().any(Factor::is_exact) {
        codes.fine.quantize(workers.instructions, floats, size);
    }
    let mut column = 0;
    for part in &linear.parts {
        let bias = &linear.bias[column..][..part.rows()];
        match part {
            Factor::Exact(panels) => {
                let target = RowsMut {
                    values: &mut out[column..],
                    stride: wide,
                };
                let left = match fine {
                    true => Left::Fine(&codes.fine),
                    false => Left::Floats(floats),
                };
                panels.apply(workers, rows, left, bias, target);
            }
            Factor::Packed(matrix) => {
                let input = Input {
                    rows,
                    floats: input,
                    stride,
                    codes: &codes.bytes,
                };
                products(workers, input, &[Product { matrix, column }], out, wide);
                for row in out.chunks_exact_mut(wide) {
                    add(workers.instructions, &mut row[column..][..bias.len()], bias);
                }
            }
        }
        column += part.rows();
    }
}

/// The rows as 8-bit codes.
fn quantize(
    workers: &Workers,
    input: &[f32],
    stride: usize,
    (rows, columns): (usize, usize),
    codes: &mut Activations,
) {
    codes.resize(rows, columns);
    let group_bytes = GROUP * codes.row_bytes();
    let groups = codes.bytes_mut().chunks_mut(group_bytes);
    for (group, input) in groups.zip(input.chunks(GROUP * stride)) {
        let in_group = input.len() / stride;
        for (row, values) in input.chunks_exact(stride).enumerate() {
            quantize_row(workers.level, &values[..columns], (row, in_group), group);
        }
    }
}
