//! The forward pass over several texts at once, without padding: products over
//! all tokens of all texts, attention within each text. Must not know text.

use super::pointwise::add_and_normalise;
use super::pointwise::exponentials;
use super::pointwise::gelu;
use super::weights::Layer;
use super::weights::Linear;
use super::weights::Shape;
use super::weights::Weights;
use crate::engine::kernels::Instructions;
use crate::engine::kernels::Onto;
use crate::engine::kernels::PANEL;
use crate::engine::kernels::Rows;
use crate::engine::kernels::RowsMut;
use crate::engine::kernels::panel_product;

/// Room for intermediate results, kept from one pass to the next.
#[derive(Default)]
pub(super) struct Scratch {
    hidden: Vec<f32>,
    projected: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
    keys: Vec<f32>,
    scores: Vec<f32>,
    scales: Vec<f32>,
}

/// Runs the model over `texts`, each a list of token ids; returns the last
/// layer's vectors of all tokens, text after text.
pub(super) fn forward<'s>(
    weights: &Weights,
    instructions: Instructions,
    texts: &[&[u32]],
    scratch: &'s mut Scratch,
) -> &'s [f32] {
    let width = weights.shape.hidden;
    let tokens: usize = texts.iter().map(|text| text.len()).sum();
    embed_tokens(weights, instructions, texts, scratch);
    scratch.mixed.resize(tokens * width, 0.0);
    for layer in &weights.layers {
        apply(
            &layer.query_key_value,
            instructions,
            &scratch.hidden,
            &mut scratch.projected,
        );
        let mut start = 0;
        for text in texts {
            attend(&weights.shape, instructions, start, text.len(), scratch);
            start += text.len();
        }
        finish_layer(layer, &weights.shape, instructions, scratch);
    }
    &scratch.hidden
}

fn embed_tokens(
    weights: &Weights,
    instructions: Instructions,
    texts: &[&[u32]],
    scratch: &mut Scratch,
) {
    let width = weights.shape.hidden;
    let tokens: usize = texts.iter().map(|text| text.len()).sum();
    scratch.hidden.resize(tokens * width, 0.0);
    scratch.projected.clear();
    let mut rows = scratch.hidden.chunks_exact_mut(width);
    for text in texts {
        scratch
            .projected
            .extend_from_slice(&weights.positions[..text.len() * width]);
        for (id, row) in text.iter().zip(&mut rows) {
            weights.token(*id, row);
        }
    }
    add_and_normalise(
        instructions,
        &mut scratch.hidden,
        &scratch.projected,
        &weights.embedding_norm.weight,
        &weights.embedding_norm.bias,
        weights.shape.epsilon,
    );
}

/// What follows attention: its output map, and the two maps of the layer.
fn finish_layer(layer: &Layer, shape: &Shape, instructions: Instructions, scratch: &mut Scratch) {
    let Scratch {
        hidden,
        projected,
        mixed,
        inner,
        ..
    } = scratch;
    apply(&layer.attention_output, instructions, mixed, projected);
    let norm = &layer.attention_norm;
    add_and_normalise(
        instructions,
        hidden,
        projected,
        &norm.weight,
        &norm.bias,
        shape.epsilon,
    );
    apply(&layer.up, instructions, hidden, inner);
    gelu(instructions, inner);
    apply(&layer.down, instructions, inner, projected);
    let norm = &layer.output_norm;
    add_and_normalise(
        instructions,
        hidden,
        projected,
        &norm.weight,
        &norm.bias,
        shape.epsilon,
    );
}

fn apply(linear: &Linear, instructions: Instructions, input: &[f32], out: &mut Vec<f32>) {
    let rows = input.len() / linear.weight.inputs();
    out.resize(rows * linear.weight.outputs(), 0.0);
    linear.weight.apply(instructions, input, &linear.bias, out);
}

/// Self-attention of the text whose tokens are `start..start + length`: from
/// `projected` (query, key and value side by side) to `mixed`.
fn attend(
    shape: &Shape,
    instructions: Instructions,
    start: usize,
    length: usize,
    scratch: &mut Scratch,
) {
    let Scratch {
        projected,
        mixed,
        keys,
        scores,
        scales,
        ..
    } = scratch;
    let (hidden, head) = (shape.hidden, shape.head());
    let scale = 1.0 / (head as f32).sqrt();
    let stride = 3 * hidden;
    let columns = length.next_multiple_of(PANEL);
    let projected = &projected[start * stride..][..length * stride];
    let mixed = &mut mixed[start * hidden..][..length * hidden];
    keys.resize(head * columns, 0.0);
    scores.resize(length * columns, 0.0);
    scales.resize(length, 0.0);
    for first in (0..hidden).step_by(head) {
        let part = |offset: usize| Rows {
            values: &projected[offset + first..],
            stride,
        };
        transpose(part(hidden), (length, head), scale, keys, columns);
        for column in (0..columns).step_by(PANEL) {
            let right = Rows {
                values: &keys[column..],
                stride: columns,
            };
            let out = RowsMut {
                values: &mut scores[column..],
                stride: columns,
            };
            panel_product(
                instructions,
                (length, head),
                part(0),
                right,
                Onto::Zero,
                out,
            );
        }
        exponentials(instructions, scores, columns, length, scales);
        for column in (0..head).step_by(PANEL) {
            let left = Rows {
                values: scores,
                stride: columns,
            };
            let out = RowsMut {
                values: &mut mixed[first + column..],
                stride: hidden,
            };
            let right = part(2 * hidden + column);
            panel_product(instructions, (length, length), left, right, Onto::Zero, out);
        }
        for (row, scale) in mixed.chunks_exact_mut(hidden).zip(&*scales) {
            row[first..first + head]
                .iter_mut()
                .for_each(|value| *value *= scale);
        }
    }
}

/// Turns `length` rows of `width` values into columns and scales them. Columns
/// beyond them keep what they hold: their scores are never read.
fn transpose(
    rows: Rows<'_>,
    (length, width): (usize, usize),
    scale: f32,
    columns: &mut [f32],
    stride: usize,
) {
    for (at, row) in rows.values.chunks(rows.stride).take(length).enumerate() {
        let column = columns[at..].iter_mut().step_by(stride);
        for (value, target) in row[..width].iter().zip(column) {
            *target = value * scale;
        }
    }
}
