//! What the layers share in one pass: where keys and values go, what turns
//! them, and which tokens attend together. Sequences that are being written
//! attend as one padded batch; slices of prompts attend in tiles, so that the
//! scores of a long context never lie in memory whole.

use super::AcceleratedNetwork;
use super::cache::slot;
use crate::decoder::network::Segment;
use crate::decoder::rope::{RopeFrequencies, RopeLayout};
use candle_core::{Device, Result as CandleResult, Tensor};
use candle_nn::rotary_emb::{rope, rope_i};

/// Tokens of a segment up to which it attends together with others.
const SHORT: usize = 16;

/// Tokens that follow each other in batch and cache, on average, from which on
/// they are copied run by run.
const LONG_RUN: usize = 8;

/// What a score is lowered by for each token that it is out of sight: no
/// exponential survives it.
const OUT_OF_SIGHT: f64 = 1e30;

/// The position of what pads a shorter sequence: out of everybody's sight.
const NOWHERE: f32 = 1e9;

/// What layers share.
pub(super) struct Pass {
    /// Tokens of the batch.
    pub(super) rows: usize,
    pub(super) places: Places,
    /// For each of the network's turned heads.
    pub(super) turns: Vec<Turns>,
    pub(super) groups: Vec<Group>,
    /// Which of the groups' rows is which of the batch; none: they agree.
    order: Option<Tensor>,
}

impl Pass {
    pub(super) fn new(
        network: &AcceleratedNetwork,
        segments: &[Segment<'_>],
    ) -> CandleResult<Self> {
        let device = &network.device;
        let positions: Vec<usize> = segments
            .iter()
            .flat_map(|segment| segment.position..segment.position + segment.tokens.len())
            .collect();
        let slots = segments.iter().flat_map(|segment| {
            let positions = segment.position..segment.position + segment.tokens.len();
            positions.map(|position| slot(segment.blocks, position))
        });
        let slots: Vec<u32> = slots.collect();
        let turns = network.turned.iter().map(|turned| {
            let table = &network.ropes[turned.table];
            Turns::new(table, turned.heads, &positions, device)
        });
        // A tile of a few tokens may have more.
        let most_scores = network.most_scores / network.shape.heads;
        let pieces = pieces(segments, most_scores);
        let groups = pieces
            .iter()
            .map(|group| Group::new(group, segments, &network.windows, device));
        let order = order(&pieces, positions.len());
        Ok(Self {
            rows: positions.len(),
            places: Places::new(slots, device)?,
            turns: turns.collect::<CandleResult<_>>()?,
            groups: groups.collect::<CandleResult<_>>()?,
            order: order.map(|order| Tensor::new(order, device)).transpose()?,
        })
    }

    /// The groups' rows in the order of the batch.
    pub(super) fn in_order(&self, groups: &[Tensor]) -> CandleResult<Tensor> {
        let all = match groups {
            [only] => only.clone(),
            several => Tensor::cat(several, 0)?,
        };
        match &self.order {
            Some(order) => all.index_select(order, 0),
            None => Ok(all),
        }
    }
}

/// Where the keys and values of a pass go.
pub(super) enum Places {
    /// Row, slot, and how many follow each other in both.
    Runs(Vec<(usize, usize, usize)>),
    /// The slot of each row.
    Scattered(Tensor),
}

impl Places {
    fn new(slots: Vec<u32>, device: &Device) -> CandleResult<Self> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (row, slot) in slots.iter().enumerate() {
            let slot = *slot as usize;
            match runs.last_mut() {
                Some((_, first, count)) if *first + *count == slot => *count += 1,
                _ => runs.push((row, slot, 1)),
            }
        }
        match runs.len() * LONG_RUN <= slots.len() {
            true => Ok(Self::Runs(runs)),
            false => Ok(Self::Scattered(Tensor::new(slots, device)?)),
        }
    }

    /// Writes rows to their slots.
    pub(super) fn write(&self, rows: &Tensor, to: &Tensor) -> CandleResult<()> {
        match self {
            Self::Runs(runs) => runs.iter().try_for_each(|(row, slot, count)| {
                to.slice_set(&rows.narrow(0, *row, *count)?, 0, *slot)
            }),
            Self::Scattered(slots) => {
                let slots = slots.unsqueeze(1)?.broadcast_as(rows.shape())?;
                to.scatter_set(&slots.contiguous()?, rows, 0)
            }
        }
    }
}

/// Cosines and sines for each head of each row: [row · heads][pairs].
pub(super) struct Turns {
    cosines: Tensor,
    sines: Tensor,
    pairs: usize,
}

impl Turns {
    fn new(
        table: &RopeFrequencies,
        heads: usize,
        positions: &[usize],
        device: &Device,
    ) -> CandleResult<Self> {
        let pairs = table.inverse.len();
        let (cosines, sines): (Vec<f32>, Vec<f32>) = positions
            .iter()
            .flat_map(|position| table.turns(*position))
            .unzip();
        let rows = positions.len();
        let for_each_head = |numbers: Vec<f32>| {
            Tensor::from_vec(numbers, (rows, 1, pairs), device)?
                .broadcast_as((rows, heads, pairs))?
                .contiguous()?
                .reshape((rows * heads, pairs))
        };
        Ok(Self {
            cosines: for_each_head(cosines)?,
            sines: for_each_head(sines)?,
            pairs,
        })
    }

    /// Turns the first pairs of each of [row · heads][width].
    pub(super) fn apply(&self, input: &Tensor, layout: RopeLayout) -> CandleResult<Tensor> {
        let (rows, width) = input.dims2()?;
        let turning = 2 * self.pairs;
        let part = input
            .narrow(1, 0, turning)?
            .contiguous()?
            .reshape((1, 1, rows, turning))?;
        let turned = match layout {
            RopeLayout::Halves => rope(&part, &self.cosines, &self.sines)?,
            RopeLayout::Interleaved => rope_i(&part, &self.cosines, &self.sines)?,
        };
        let turned = turned.reshape((rows, turning))?;
        match width - turning {
            0 => Ok(turned),
            rest => Tensor::cat(&[&turned, &input.narrow(1, turning, rest)?], 1),
        }
    }
}

/// Tokens that attend at once: of several sequences, all padded to the most
/// tokens and to the longest past.
pub(super) struct Group {
    pub(super) sequences: usize,
    /// Tokens of each sequence.
    pub(super) tokens: usize,
    /// Tokens that each has read, these included.
    pub(super) seen: usize,
    /// The batch's rows, [sequence][token]: either that many from the first
    /// on, or any.
    rows: Rows,
    /// Where keys and values are: [sequence][seen].
    pub(super) slots: Tensor,
    /// For each of the network's windows what is added to scores:
    /// [sequence][1][token][seen].
    pub(super) masks: Vec<Tensor>,
}

enum Rows {
    From(usize),
    Any(Tensor),
}

/// Consecutive tokens of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    segment: usize,
    /// Row of the first in the batch, and its position.
    row: usize,
    position: usize,
    tokens: usize,
}

impl Piece {
    fn seen(&self) -> usize {
        self.position + self.tokens
    }

    /// The number of a piece's token, or of its last where it is padded.
    fn padded(self, count: usize) -> impl Iterator<Item = usize> {
        (0..count).map(move |n| n.min(self.tokens - 1))
    }
}

impl Group {
    fn new(
        pieces: &[Piece],
        segments: &[Segment<'_>],
        windows: &[Option<usize>],
        device: &Device,
    ) -> CandleResult<Self> {
        let (tokens, seen) = extent(pieces);
        let sequences = pieces.len();
        let rows = match pieces {
            [only] => Rows::From(only.row),
            several => {
                let rows = several.iter().flat_map(|piece| {
                    piece
                        .padded(tokens)
                        .map(move |token| (piece.row + token) as u32)
                });
                Rows::Any(Tensor::new(rows.collect::<Vec<_>>(), device)?)
            }
        };
        // A shorter past is padded with its own last token, out of sight.
        let slots = pieces.iter().flat_map(|piece| {
            let blocks = segments[piece.segment].blocks;
            (0..seen).map(move |position| slot(blocks, position.min(piece.seen() - 1)))
        });
        let asking = pieces.iter().flat_map(|piece| {
            piece
                .padded(tokens)
                .map(move |token| (piece.position + token) as f32)
        });
        let asked = pieces.iter().flat_map(|piece| {
            (0..seen).map(move |position| match position < piece.seen() {
                true => position as f32,
                false => NOWHERE,
            })
        });
        let asking = Tensor::from_vec(asking.collect(), (sequences, 1, tokens, 1), device)?;
        let asked = Tensor::from_vec(asked.collect(), (sequences, 1, 1, seen), device)?;
        let behind = asking.broadcast_sub(&asked)?;
        let mask = |window: &Option<usize>| mask(&behind, *window);
        Ok(Self {
            sequences,
            tokens,
            seen,
            rows,
            slots: Tensor::new(slots.collect::<Vec<u32>>(), device)?,
            masks: windows.iter().map(mask).collect::<CandleResult<_>>()?,
        })
    }

    /// The group's rows of the batch.
    pub(super) fn queries(&self, batch: &Tensor) -> CandleResult<Tensor> {
        match &self.rows {
            Rows::From(first) => batch.narrow(0, *first, self.tokens),
            Rows::Any(rows) => batch.index_select(rows, 0),
        }
    }
}

/// What is added to scores of tokens that are so far behind.
fn mask(behind: &Tensor, window: Option<usize>) -> CandleResult<Tensor> {
    let hidden = |distance: Tensor| distance.minimum(0.0)? * OUT_OF_SIGHT;
    let later = hidden(behind.clone())?;
    match window {
        Some(window) => {
            let too_early = behind.affine(-1.0, window as f64 - 1.0)?;
            later + hidden(too_early)?
        }
        None => Ok(later),
    }
}

/// Which tokens attend together, with at most so many scores in a head.
fn pieces(segments: &[Segment<'_>], most_scores: usize) -> Vec<Vec<Piece>> {
    let mut groups = Vec::new();
    let mut short = Vec::new();
    let mut row = 0;
    for (number, segment) in segments.iter().enumerate() {
        let piece = |first: usize, tokens: usize| Piece {
            segment: number,
            row: row + first,
            position: segment.position + first,
            tokens,
        };
        let count = segment.tokens.len();
        if count <= SHORT {
            short.extend((count > 0).then(|| piece(0, count)));
        } else {
            let end = segment.position + count;
            let tile = (most_scores / end).max(SHORT);
            groups.extend((0..count).step_by(tile).map(|first| {
                let tokens = tile.min(count - first);
                vec![piece(first, tokens)]
            }));
        }
        row += count;
    }
    short.sort_by_key(|piece| std::cmp::Reverse(piece.seen()));
    let mut together: Vec<Piece> = Vec::new();
    for piece in short {
        // The first has the longest past; padding at most doubles the rest.
        let joins = together.first().is_some_and(|longest| {
            let (tokens, seen) = extent(&together);
            let scores = (together.len() + 1) * tokens.max(piece.tokens) * seen;
            2 * piece.seen() >= longest.seen() && scores <= most_scores
        });
        if !joins && !together.is_empty() {
            groups.push(std::mem::take(&mut together));
        }
        together.push(piece);
    }
    groups.extend((!together.is_empty()).then_some(together));
    groups
}

/// Most tokens of the pieces, and the longest past.
fn extent(pieces: &[Piece]) -> (usize, usize) {
    let most = |of: fn(&Piece) -> usize| pieces.iter().map(of).max().unwrap_or(0);
    (most(|piece| piece.tokens), most(Piece::seen))
}

/// Where in the groups' results each row of the batch is; none: in its place.
fn order(groups: &[Vec<Piece>], rows: usize) -> Option<Vec<u32>> {
    let mut order = vec![0; rows];
    let mut start = 0;
    for group in groups {
        let (tokens, _) = extent(group);
        for piece in group {
            for token in 0..piece.tokens {
                order[piece.row + token] = (start + token) as u32;
            }
            start += tokens;
        }
    }
    let agree = start == rows && order.iter().enumerate().all(|(n, row)| *row as usize == n);
    (!agree).then_some(order)
}
