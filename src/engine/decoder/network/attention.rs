//! Grouped-query attention over the blocks of a sequence, a tile of tokens at
//! a time with a running softmax (Dao et al., 2022: FlashAttention), so that no
//! matrix of all scores is made and no key is repeated for the heads that
//! share it.

use super::cache::{BLOCK_TOKENS, BlockId, LayerCache};
use super::split::share_width;
use crate::kernels::pointwise::{online_softmax, scale, soft_cap};
use crate::kernels::{Disjoint, Instructions, Onto, PANEL, Rows, RowsMut, panel_product};

/// Tokens of the cache that are looked at at once.
pub(super) const TILE: usize = 4 * BLOCK_TOKENS;

/// What holds for a layer.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    /// Query heads that share a key head.
    pub(super) group: usize,
    pub(super) key_length: usize,
    pub(super) value_length: usize,
    pub(super) scale: f32,
    pub(super) soft_cap: Option<f32>,
    pub(super) window: Option<usize>,
}

/// Some tokens of a sequence, one of its key heads, and what of the cache they
/// look at.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// Blocks of the sequence, from its start on.
    pub(super) blocks: &'a [BlockId],
    /// Row of the first token in the batch, its position, and how many follow.
    pub(super) row: usize,
    pub(super) position: usize,
    pub(super) tokens: usize,
    pub(super) head: usize,
    /// Tokens of the cache, from the start of a tile on.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Where the result goes if others look at the rest of the cache.
    pub(super) share: Option<usize>,
}

/// Queries of the batch and where the results go.
pub(super) struct Batch<'a> {
    /// [row][..], queries first.
    pub(super) queries: &'a [f32],
    pub(super) query_stride: usize,
    /// [row][query heads · value length].
    pub(super) out: &'a Disjoint<'a, f32>,
    pub(super) out_stride: usize,
    /// Results that are to be joined.
    pub(super) shares: &'a Disjoint<'a, f32>,
}

impl Batch<'_> {
    /// Where the result of row `n` of a part goes.
    ///
    /// # Safety
    /// Nobody else writes it meanwhile.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(super) unsafe fn result(&self, heads: Heads, part: Part<'_>, n: usize) -> &mut [f32] {
        let (token, member) = (n / heads.group, n % heads.group);
        let column = (part.head * heads.group + member) * heads.value_length;
        let from = (part.row + token) * self.out_stride + column;
        // SAFETY: passed on to the caller.
        unsafe { self.out.part(from, heads.value_length) }
    }
}

/// What a thread keeps.
#[derive(Default)]
pub(super) struct AttentionScratch {
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
    sums: Vec<f32>,
    states: Vec<[f32; 3]>,
}

/// Attention of a part of the batch.
///
/// # Safety
/// Nobody else writes the results of these tokens and heads, or this share.
#[allow(unsafe_code)]
pub(super) unsafe fn attend(
    instructions: Instructions,
    cache: &LayerCache,
    heads: Heads,
    part: Part<'_>,
    batch: &Batch<'_>,
    scratch: &mut AttentionScratch,
) {
    let rows = part.tokens * heads.group;
    let width = cache.value_width();
    scratch.resize(rows, heads, width);
    gather(heads, part, batch, &mut scratch.queries);
    for (number, from) in (part.from..part.to).step_by(TILE).enumerate() {
        let tokens = TILE.min(part.to - from);
        load(instructions, cache, heads, part, (from, tokens), scratch);
        score(instructions, heads, part, (from, tokens), scratch);
        let onto = if number == 0 {
            Onto::Zero
        } else {
            Onto::Output
        };
        for column in (0..width).step_by(PANEL) {
            panel_product(
                instructions,
                (rows, tokens),
                Rows {
                    values: &scratch.scores,
                    stride: TILE,
                },
                Rows {
                    values: &scratch.values[column..],
                    stride: width,
                },
                onto,
                RowsMut {
                    values: &mut scratch.sums[column..],
                    stride: width,
                },
            );
        }
    }
    let results = scratch.sums.chunks_exact(width).zip(&scratch.states);
    for (n, (sums, [largest, sum, _])) in results.enumerate() {
        let Some(share) = part.share else {
            // SAFETY: passed on to the caller.
            let to = unsafe { batch.result(heads, part, n) };
            for (to, value) in to.iter_mut().zip(sums) {
                *to = value / sum;
            }
            continue;
        };
        let size = share_width(width);
        // SAFETY: passed on to the caller.
        let to = unsafe { batch.shares.part(share + n * size, size) };
        to[..2].copy_from_slice(&[*largest, *sum]);
        to[2..].copy_from_slice(sums);
    }
}

impl AttentionScratch {
    fn resize(&mut self, rows: usize, heads: Heads, width: usize) {
        self.queries.resize(rows * heads.key_length, 0.0);
        self.keys.resize(TILE * heads.key_length, 0.0);
        self.values.resize(TILE * width, 0.0);
        self.scores.resize(rows * TILE, 0.0);
        self.sums.resize(rows * width, 0.0);
        self.states.clear();
        self.states.resize(rows, [f32::NEG_INFINITY, 0.0, 1.0]);
    }
}

/// The queries of the part, scaled, one row after the other.
fn gather(heads: Heads, part: Part<'_>, batch: &Batch<'_>, queries: &mut [f32]) {
    let length = heads.group * heads.key_length;
    for (token, to) in queries.chunks_exact_mut(length).enumerate() {
        let from = (part.row + token) * batch.query_stride + part.head * length;
        for (to, query) in to.iter_mut().zip(&batch.queries[from..from + length]) {
            *to = query * heads.scale;
        }
    }
}

/// Keys and values of tokens `from..from + tokens` as numbers.
fn load(
    instructions: Instructions,
    cache: &LayerCache,
    heads: Heads,
    part: Part<'_>,
    (from, tokens): (usize, usize),
    scratch: &mut AttentionScratch,
) {
    let width = cache.value_width();
    let keys = scratch
        .keys
        .chunks_exact_mut(heads.key_length * BLOCK_TOKENS);
    let values = scratch.values.chunks_exact_mut(width * BLOCK_TOKENS);
    let blocks = &part.blocks[from / BLOCK_TOKENS..];
    let count = tokens.div_ceil(BLOCK_TOKENS);
    for (n, ((block, keys), values)) in blocks.iter().zip(keys).zip(values).take(count).enumerate()
    {
        let present = BLOCK_TOKENS.min(tokens - n * BLOCK_TOKENS);
        let place = (*block, part.head);
        cache.keys(instructions, place, keys);
        cache.values(instructions, place, present, values);
    }
}

/// Scores of all rows against the tile, and their exponentials; sums so far
/// are brought to the new largest score.
fn score(
    instructions: Instructions,
    heads: Heads,
    part: Part<'_>,
    (from, tokens): (usize, usize),
    scratch: &mut AttentionScratch,
) {
    let length = heads.key_length;
    let rows = scratch.states.len();
    for block in 0..tokens.div_ceil(BLOCK_TOKENS) {
        panel_product(
            instructions,
            (rows, length),
            Rows {
                values: &scratch.queries,
                stride: length,
            },
            Rows {
                values: &scratch.keys[block * length * BLOCK_TOKENS..],
                stride: PANEL,
            },
            Onto::Zero,
            RowsMut {
                values: &mut scratch.scores[block * BLOCK_TOKENS..],
                stride: TILE,
            },
        );
    }
    let width = scratch.sums.len() / rows;
    let sums = scratch.sums.chunks_exact_mut(width);
    let states = scratch.states.iter_mut().zip(sums);
    for (n, (scores, (state, sums))) in scratch.scores.chunks_mut(TILE).zip(states).enumerate() {
        let scores = &mut scores[..tokens];
        if let Some(cap) = heads.soft_cap {
            soft_cap(instructions, scores, cap);
        }
        let position = part.position + n / heads.group;
        let seen = (position + 1).saturating_sub(from).min(tokens);
        scores[seen..].fill(f32::NEG_INFINITY);
        if let Some(window) = heads.window {
            let hidden = (position + 1).saturating_sub(window + from).min(tokens);
            scores[..hidden].fill(f32::NEG_INFINITY);
        }
        online_softmax(instructions, scores, state);
        if state[2] != 1.0 && state[1] > 0.0 {
            scale(instructions, sums, state[2]);
        }
    }
}
