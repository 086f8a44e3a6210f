//! The forward pass on the CPU: tokens of several sequences at once -> logits.
//! One network for all architectures; what differs is in the shape. Must not
//! know what is done with the logits, nor which blocks belong to whom.

mod attention;
mod cache;
mod layer;
mod split;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use cache::{BLOCK_TOKENS, BlockId, Cache};

use super::error::DecoderError;
use super::model_file::ModelFile;
use super::rope::RopeFrequencies;
use super::shape::Shape;
use crate::kernels::pointwise::{add, rms_norm, scale, soft_cap};
use crate::kernels::{
    Activations, Disjoint, GROUP, Input, Product, Workers, products, quantize_row,
};
use attention::AttentionScratch;
use std::sync::Mutex;
use weights::Weights;

/// Most tokens of one pass.
pub(super) const MAX_BATCH: usize = 512;

/// Tokens of one sequence in a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) tokens: &'a [u32],
    /// Position of the first of them.
    pub(super) position: usize,
    /// The sequence's blocks from its start on, with room for these tokens.
    pub(super) blocks: &'a [BlockId],
    /// For how many of the last tokens logits are wanted.
    pub(super) logits: usize,
}

/// A loaded network and its scratch memory.
pub(super) struct Network {
    shape: Shape,
    weights: Weights,
    workers: Workers,
    /// Different tables of rotary frequencies, and which a layer uses.
    tables: Vec<RopeFrequencies>,
    table_of: Vec<Option<usize>>,
    scratch: Scratch,
}

/// A token of the batch.
#[derive(Clone, Copy)]
struct Place {
    position: usize,
    block: BlockId,
}

/// Memory of a pass, kept for the next one.
struct Scratch {
    places: Vec<Place>,
    /// Residual stream: [token][hidden].
    stream: Vec<f32>,
    /// What products read: [token][width].
    floats: Vec<f32>,
    codes: Activations,
    /// What wide products write: queries, keys and values, or gate and up.
    wide: Vec<f32>,
    /// What narrow products write: [token][hidden].
    narrow: Vec<f32>,
    /// Results of attention: [token][heads · value length].
    attended: Vec<f32>,
    /// Per table: cosines, sines: [token][pairs].
    angles: Vec<(Vec<f32>, Vec<f32>)>,
    attention: Vec<Mutex<AttentionScratch>>,
    /// Attention to parts of a long cache.
    shares: Vec<f32>,
    logits: Vec<f32>,
}

impl Network {
    /// Loads the weights of `file` for sequences of up to `context` tokens;
    /// `threads` 0: one a core.
    pub(super) fn load(
        file: &ModelFile,
        shape: Shape,
        context: usize,
        threads: usize,
    ) -> Result<Self, DecoderError> {
        let mut workers = Workers::new(threads)
            .map_err(|error| DecoderError::Internal(format!("no threads for it: {error}")))?;
        let weights = Weights::read(file, &shape, &mut workers)?;
        let mut tables: Vec<RopeFrequencies> = Vec::new();
        let table_of = (0..shape.layers.len()).map(|layer| {
            let table = shape.rope_frequencies(layer, context)?;
            let known = tables.iter().position(|one| *one == table);
            Some(known.unwrap_or_else(|| {
                tables.push(table);
                tables.len() - 1
            }))
        });
        let table_of = table_of.collect();
        let scratch = Scratch {
            places: Vec::new(),
            stream: Vec::new(),
            floats: Vec::new(),
            codes: Activations::with_capacity(0, 0),
            wide: Vec::new(),
            narrow: Vec::new(),
            attended: Vec::new(),
            angles: vec![(Vec::new(), Vec::new()); tables.len()],
            attention: (0..workers.pool.size()).map(|_| Mutex::default()).collect(),
            shares: Vec::new(),
            logits: Vec::new(),
        };
        Ok(Self {
            shape,
            weights,
            workers,
            tables,
            table_of,
            scratch,
        })
    }

    /// What the network looks like.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Reads the tokens of all segments, whose keys and values go to `cache`,
    /// and gives the logits of the wanted ones: [wanted][vocabulary], in the
    /// order of the segments. At most [`MAX_BATCH`] tokens.
    pub(super) fn forward(&mut self, cache: &mut Cache, segments: &[Segment<'_>]) -> &mut [f32] {
        let rows = segments.iter().map(|segment| segment.tokens.len()).sum();
        assert!(rows <= MAX_BATCH, "a pass has at most {MAX_BATCH} tokens");
        self.prepare(segments, rows);
        self.embed(segments);
        for layer in 0..self.weights.layers.len() {
            self.layer(&mut cache.layers[layer], layer, segments, rows);
        }
        self.logits(segments)
    }

    fn prepare(&mut self, segments: &[Segment<'_>], rows: usize) {
        let (shape, scratch) = (&self.shape, &mut self.scratch);
        scratch.places.clear();
        for segment in segments {
            let positions = segment.position..segment.position + segment.tokens.len();
            scratch.places.extend(positions.map(|position| Place {
                position,
                block: segment.blocks[position / BLOCK_TOKENS],
            }));
        }
        for (table, (cosines, sines)) in self.tables.iter().zip(&mut scratch.angles) {
            cosines.clear();
            sines.clear();
            for place in &scratch.places {
                for (cosine, sine) in table.turns(place.position) {
                    cosines.push(cosine);
                    sines.push(sine);
                }
            }
        }
        let widest = shape
            .hidden
            .max(shape.feed_forward)
            .max(shape.heads * shape.value_length);
        let grow = |values: &mut Vec<f32>, width: usize| {
            if values.len() < rows * width {
                values.resize(rows * width, 0.0);
            }
        };
        grow(&mut scratch.stream, shape.hidden);
        grow(&mut scratch.floats, widest);
        grow(
            &mut scratch.wide,
            (2 * shape.feed_forward).max(shape.widest_qkv()),
        );
        grow(&mut scratch.narrow, shape.hidden);
        grow(&mut scratch.attended, shape.heads * shape.value_length);
    }

    fn embed(&mut self, segments: &[Segment<'_>]) {
        let hidden = self.shape.hidden;
        let tokens: Vec<u32> = segments
            .iter()
            .flat_map(|segment| segment.tokens)
            .copied()
            .collect();
        let (embedding, factor) = (&self.weights.embedding, self.shape.embedding_scale);
        let instructions = self.workers.instructions;
        let stream = Disjoint::new(&mut self.scratch.stream);
        self.workers.pool.each(tokens.len(), 4, |_, row| {
            // SAFETY: each item is its row.
            #[allow(unsafe_code)]
            let to = unsafe { stream.part(row * hidden, hidden) };
            embedding.row(tokens[row] as usize, to);
            if let Some(factor) = factor {
                scale(instructions, to, factor);
            }
        });
    }

    /// Logits of the last tokens of the segments.
    fn logits(&mut self, segments: &[Segment<'_>]) -> &mut [f32] {
        let (shape, weights, scratch) = (&self.shape, &self.weights, &mut self.scratch);
        let mut wanted = Vec::new();
        let mut end = 0;
        for segment in segments {
            end += segment.tokens.len();
            wanted.extend(end - segment.logits..end);
        }
        let (rows, vocabulary) = (wanted.len(), shape.vocabulary);
        if rows == 0 {
            return &mut [];
        }
        if scratch.logits.len() < rows * vocabulary {
            scratch.logits.resize(rows * vocabulary, 0.0);
        }
        let (stream, instructions) = (&scratch.stream, self.workers.instructions);
        let hidden = shape.hidden;
        each_row(
            &mut self.workers,
            (rows, hidden),
            &mut scratch.floats,
            &mut scratch.codes,
            |row, out| {
                let row = &stream[wanted[row] * hidden..][..hidden];
                rms_norm(
                    instructions,
                    row,
                    &weights.output_norm,
                    shape.norm_epsilon,
                    out,
                );
            },
        );
        let input = Input {
            rows,
            floats: &scratch.floats,
            stride: hidden,
            codes: &scratch.codes,
        };
        let matrix = weights.output.as_ref().unwrap_or(&weights.embedding);
        let product = Product { matrix, column: 0 };
        products(
            &mut self.workers,
            input,
            &[product],
            &mut scratch.logits,
            vocabulary,
        );
        let logits = &mut scratch.logits[..rows * vocabulary];
        for row in logits.chunks_exact_mut(vocabulary) {
            if let Some(bias) = &weights.output_bias {
                add(instructions, row, bias);
            }
            if let Some(cap) = shape.final_soft_cap {
                soft_cap(instructions, row, cap);
            }
        }
        logits
    }
}

/// Lets `fill` write each row of `floats`, [rows][width], and quantizes it.
/// Widths that are no whole blocks have no quantized weights to meet.
fn each_row(
    workers: &mut Workers,
    (rows, width): (usize, usize),
    floats: &mut [f32],
    codes: &mut Activations,
    fill: impl Fn(usize, &mut [f32]) + Sync,
) {
    let quantizes = width.is_multiple_of(32);
    codes.resize(
        if quantizes { rows } else { 0 },
        if quantizes { width } else { 0 },
    );
    let (level, row_bytes) = (workers.level, codes.row_bytes());
    let floats = Disjoint::new(floats);
    let bytes = Disjoint::new(codes.bytes_mut());
    workers.pool.each(rows.div_ceil(GROUP), 1, |_, group| {
        let first = group * GROUP;
        let count = GROUP.min(rows - first);
        // SAFETY: each item is its group of rows.
        #[allow(unsafe_code)]
        let (floats, bytes) = unsafe {
            (
                floats.part(first * width, count * width),
                bytes.part(first * row_bytes, count * row_bytes),
            )
        };
        for (r, row) in floats.chunks_exact_mut(width).enumerate() {
            fill(first + r, row);
            if quantizes {
                quantize_row(level, row, (r, count), bytes);
            }
        }
    });
}
