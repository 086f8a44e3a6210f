//! One layer: attention, then the gated feed-forward part, each added to the
//! residual stream.

use super::attention::{Batch, Heads, attend};
use super::cache::{BLOCK_TOKENS, LayerCache};
use super::split::{join, plan};
use super::{Network, Scratch, Segment, each_row};
use crate::decoder::rope::RopeLayout;
use crate::decoder::shape::{Activation, Shape};
use crate::kernels::pointwise::{
    add, gelu_gate, rms_norm, rms_norm_in_place, rotate_halves, rotate_pairs, silu_gate,
};
use crate::kernels::{Disjoint, Input, Matrix, Product, Workers, products};
use std::sync::PoisonError;

impl Network {
    /// Runs a layer on the `rows` tokens of the stream.
    pub(super) fn layer(
        &mut self,
        cache: &mut LayerCache,
        layer: usize,
        segments: &[Segment<'_>],
        rows: usize,
    ) {
        self.project(layer, rows);
        self.place(cache, layer, rows);
        self.attend(cache, layer, segments, rows);
        self.feed_forward(layer, rows);
    }

    /// Queries, keys and values of the stream, into `wide`.
    fn project(&mut self, layer: usize, rows: usize) {
        let (shape, weights) = (&self.shape, &self.weights.layers[layer]);
        let scratch = &mut self.scratch;
        norm_stream(
            &mut self.workers,
            scratch,
            shape,
            rows,
            &weights.attention_norm,
        );
        let input = Input {
            rows,
            floats: &scratch.floats,
            stride: shape.hidden,
            codes: &scratch.codes,
        };
        let stride = shape.qkv_width(layer);
        let parts = side_by_side(&weights.qkv);
        products(&mut self.workers, input, &parts, &mut scratch.wide, stride);
    }

    /// Biases, norms and positions of queries and keys; keys and values go to
    /// the cache.
    fn place(&mut self, cache: &mut LayerCache, layer: usize, rows: usize) {
        let (shape, weights) = (&self.shape, &self.weights.layers[layer]);
        let (instructions, scratch) = (self.workers.instructions, &mut self.scratch);
        let (length, value_length) = (shape.key_length, shape.value_length);
        let kv_heads = shape.layers[layer].kv_heads;
        let stride = shape.qkv_width(layer);
        let turned = (shape.heads + kv_heads) * length;
        let angles = self.table_of[layer].map(|table| &scratch.angles[table]);
        let places = &scratch.places;
        let writer = cache.writer();
        let wide = Disjoint::new(&mut scratch.wide);
        self.workers.pool.each(rows, 4, |_, row| {
            // SAFETY: each item is its row.
            #[allow(unsafe_code)]
            let all = unsafe { wide.part(row * stride, stride) };
            if let Some(bias) = &weights.qkv_bias {
                add(instructions, all, bias);
            }
            let (heads, values) = all.split_at_mut(turned);
            for (n, head) in heads.chunks_exact_mut(length).enumerate() {
                let norm = match n < shape.heads {
                    true => &weights.query_norm,
                    false => &weights.key_norm,
                };
                if let Some(norm) = norm {
                    rms_norm_in_place(instructions, head, norm, shape.norm_epsilon);
                }
                if let Some((cosines, sines)) = angles {
                    let pairs = shape.rope.dimensions / 2;
                    let cosines = &cosines[row * pairs..][..pairs];
                    let sines = &sines[row * pairs..][..pairs];
                    match shape.rope.layout {
                        RopeLayout::Halves => rotate_halves(instructions, head, cosines, sines),
                        RopeLayout::Interleaved => {
                            rotate_pairs(instructions, head, cosines, sines);
                        }
                    }
                }
            }
            let place = places[row];
            let keys = heads[shape.heads * length..].chunks_exact(length);
            for (head, (key, value)) in keys.zip(values.chunks_exact(value_length)).enumerate() {
                let at = (place.block, place.position % BLOCK_TOKENS);
                // SAFETY: a token of the batch is one row.
                #[allow(unsafe_code)]
                unsafe {
                    writer.write(at, head, key, value);
                }
            }
        });
    }

    /// Attention and its output, added to the stream.
    fn attend(&mut self, cache: &LayerCache, layer: usize, segments: &[Segment<'_>], rows: usize) {
        let (shape, weights) = (&self.shape, &self.weights.layers[layer]);
        let (instructions, scratch) = (self.workers.instructions, &mut self.scratch);
        let kv_heads = shape.layers[layer].kv_heads;
        let heads = Heads {
            group: shape.heads / kv_heads,
            key_length: shape.key_length,
            value_length: shape.value_length,
            scale: shape.attention_scale,
            soft_cap: shape.attention_soft_cap,
            window: shape.layers[layer].window,
        };
        let width = shape.heads * shape.value_length;
        let kept_width = cache.value_width();
        let threads = self.workers.pool.size();
        let plan = plan(segments, heads, kv_heads, kept_width, threads);
        if scratch.shares.len() < plan.shared {
            scratch.shares.resize(plan.shared, 0.0);
        }
        let out = Disjoint::new(&mut scratch.attended);
        let shares = Disjoint::new(&mut scratch.shares);
        let batch = Batch {
            queries: &scratch.wide,
            query_stride: shape.qkv_width(layer),
            out: &out,
            out_stride: width,
            shares: &shares,
        };
        let threads = &scratch.attention;
        self.workers.pool.each(plan.parts.len(), 1, |thread, part| {
            let mut scratch = threads[thread]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            // SAFETY: no two parts have the same tokens, head and share.
            #[allow(unsafe_code)]
            unsafe {
                attend(
                    instructions,
                    cache,
                    heads,
                    plan.parts[part],
                    &batch,
                    &mut scratch,
                );
            }
        });
        self.workers.pool.each(plan.splits.len(), 1, |_, split| {
            // SAFETY: all shares are there; splits have tokens and heads of
            // their own.
            #[allow(unsafe_code)]
            unsafe {
                join(&plan.splits[split], heads, kept_width, &batch);
            }
        });
        let attended = &scratch.attended;
        each_row(
            &mut self.workers,
            (rows, width),
            &mut scratch.floats,
            &mut scratch.codes,
            |row, out| out.copy_from_slice(&attended[row * width..][..width]),
        );
        let output = Output {
            matrix: &weights.attention_output,
            bias: weights.attention_output_bias.as_deref(),
            norm: weights.post_attention_norm.as_deref(),
        };
        add_product(&mut self.workers, scratch, shape, (rows, width), &output);
    }

    /// The gated feed-forward part, added to the stream.
    fn feed_forward(&mut self, layer: usize, rows: usize) {
        let (shape, weights) = (&self.shape, &self.weights.layers[layer]);
        let (instructions, scratch) = (self.workers.instructions, &mut self.scratch);
        let (hidden, width) = (shape.hidden, shape.feed_forward);
        norm_stream(
            &mut self.workers,
            scratch,
            shape,
            rows,
            &weights.feed_forward_norm,
        );
        let input = Input {
            rows,
            floats: &scratch.floats,
            stride: hidden,
            codes: &scratch.codes,
        };
        let parts = side_by_side(&weights.gate_up);
        products(
            &mut self.workers,
            input,
            &parts,
            &mut scratch.wide,
            2 * width,
        );
        let wide = Disjoint::new(&mut scratch.wide);
        each_row(
            &mut self.workers,
            (rows, width),
            &mut scratch.floats,
            &mut scratch.codes,
            |row, out| {
                // SAFETY: each item is its row.
                #[allow(unsafe_code)]
                let both = unsafe { wide.part(row * 2 * width, 2 * width) };
                if let Some(bias) = &weights.gate_up_bias {
                    add(instructions, both, bias);
                }
                let (gate, up) = both.split_at(width);
                out.copy_from_slice(gate);
                match shape.activation {
                    Activation::Silu => silu_gate(instructions, out, up),
                    Activation::GeluTanh => gelu_gate(instructions, out, up),
                }
            },
        );
        let output = Output {
            matrix: &weights.down,
            bias: weights.down_bias.as_deref(),
            norm: weights.post_feed_forward_norm.as_deref(),
        };
        add_product(&mut self.workers, scratch, shape, (rows, width), &output);
    }
}

/// The stream, normed by `weight`, for the products of a part.
fn norm_stream(
    workers: &mut Workers,
    scratch: &mut Scratch,
    shape: &Shape,
    rows: usize,
    weight: &[f32],
) {
    let (hidden, instructions) = (shape.hidden, workers.instructions);
    let stream = &scratch.stream;
    each_row(
        workers,
        (rows, hidden),
        &mut scratch.floats,
        &mut scratch.codes,
        |row, out| {
            let row = &stream[row * hidden..][..hidden];
            rms_norm(instructions, row, weight, shape.norm_epsilon, out);
        },
    );
}

/// What brings a part's result back to the stream.
struct Output<'a> {
    matrix: &'a Matrix,
    bias: Option<&'a [f32]>,
    norm: Option<&'a [f32]>,
}

/// Adds the product of the rows, [rows][width], to the stream.
fn add_product(
    workers: &mut Workers,
    scratch: &mut Scratch,
    shape: &Shape,
    (rows, width): (usize, usize),
    output: &Output<'_>,
) {
    let (hidden, instructions) = (shape.hidden, workers.instructions);
    let input = Input {
        rows,
        floats: &scratch.floats,
        stride: width,
        codes: &scratch.codes,
    };
    let product = Product {
        matrix: output.matrix,
        column: 0,
    };
    products(workers, input, &[product], &mut scratch.narrow, hidden);
    let narrow = Disjoint::new(&mut scratch.narrow);
    let stream = Disjoint::new(&mut scratch.stream);
    workers.pool.each(rows, 16, |_, row| {
        // SAFETY: each item is its row.
        #[allow(unsafe_code)]
        let (from, to) = unsafe {
            (
                narrow.part(row * hidden, hidden),
                stream.part(row * hidden, hidden),
            )
        };
        if let Some(bias) = output.bias {
            add(instructions, from, bias);
        }
        if let Some(norm) = output.norm {
            rms_norm_in_place(instructions, from, norm, shape.norm_epsilon);
        }
        add(instructions, to, from);
    });
}

/// Products whose results lie beside each other.
fn side_by_side(matrices: &[Matrix]) -> Vec<Product<'_>> {
    let mut column = 0;
    matrices
        .iter()
        .map(|matrix| {
            let product = Product { matrix, column };
            column += matrix.rows();
            product
        })
        .collect()
}
