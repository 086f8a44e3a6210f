//! Self-attention within one text, a head at a time and some hundred queries at
//! a time, so that a long text needs no square of scores. Must not know layers.

use super::pointwise::exponentials;
use super::shape::Positions;
use super::shape::Shape;
use crate::kernels::Instructions;
use crate::kernels::Onto;
use crate::kernels::PANEL;
use crate::kernels::Rows;
use crate::kernels::RowsMut;
use crate::kernels::panel_product;

/// Queries that are answered at once.
const QUERIES: usize = 256;

/// Room for intermediate results.
#[derive(Default)]
pub(super) struct Heads {
    /// Of one head, transposed and scaled.
    keys: Vec<f32>,
    /// Of one head, in panels of 32 columns. They are read again for every few
    /// queries, and where they lie, far apart, they push each other out of the
    /// nearest cache.
    values: Vec<f32>,
    scores: Vec<f32>,
    scales: Vec<f32>,
}

/// What all heads of a text share.
struct Text<'a> {
    instructions: Instructions,
    shape: &'a Shape,
    /// Tokens on either side that a token sees; all where it is nothing.
    reach: Option<usize>,
    /// Query, key and value side by side, a row for each token.
    projected: &'a [f32],
    length: usize,
}

/// From `projected` to `mixed`, the rows of one text.
pub(super) fn attend(
    instructions: Instructions,
    shape: &Shape,
    reach: Option<usize>,
    projected: &[f32],
    mixed: &mut [f32],
    heads: &mut Heads,
) {
    let text = Text {
        instructions,
        shape,
        reach,
        projected,
        length: projected.len() / (3 * shape.hidden),
    };
    let (length, head) = (text.length, shape.head());
    let columns = length.next_multiple_of(PANEL);
    heads.keys.resize(head * columns, 0.0);
    for number in 0..shape.heads {
        let keys = text.part(shape.hidden + number * head, 0);
        let scale = 1.0 / (head as f32).sqrt();
        transpose(keys, (length, head), scale, &mut heads.keys, columns);
        heads.values.clear();
        for column in (0..head).step_by(PANEL) {
            let values = text.part(2 * shape.hidden + number * head + column, 0);
            let rows = values.values.chunks(values.stride);
            rows.for_each(|row| heads.values.extend_from_slice(&row[..PANEL]));
        }
        for first in (0..length).step_by(QUERIES) {
            let queries = first..length.min(first + QUERIES);
            text.answer(number, queries, mixed, heads);
        }
    }
}

impl Text<'_> {
    /// The projected values from `column` on, of the tokens from `row` on.
    fn part(&self, column: usize, row: usize) -> Rows<'_> {
        let stride = 3 * self.shape.hidden;
        Rows {
            values: &self.projected[row * stride + column..],
            stride,
        }
    }

    /// The mixed values of some queries of one head.
    fn answer(
        &self,
        number: usize,
        queries: std::ops::Range<usize>,
        mixed: &mut [f32],
        heads: &mut Heads,
    ) {
        let Heads {
            keys,
            values,
            scores,
            scales,
        } = heads;
        let (hidden, head) = (self.shape.hidden, self.shape.head());
        let stride = self.length.next_multiple_of(PANEL);
        let rows = queries.len();
        // Whole panels of keys.
        let (from, until) = match self.reach {
            Some(reach) => (
                queries.start.saturating_sub(reach) / PANEL * PANEL,
                self.length.min(queries.end + reach),
            ),
            None => (0, self.length),
        };
        let seen = until - from;
        let columns = seen.next_multiple_of(PANEL);
        scores.resize(rows * columns, 0.0);
        scales.resize(rows, 0.0);
        let first = number * head;
        for column in (0..columns).step_by(PANEL) {
            let right = Rows {
                values: &keys[from + column..],
                stride,
            };
            let out = RowsMut {
                values: &mut scores[column..],
                stride: columns,
            };
            let left = self.part(first, queries.start);
            let onto = Onto::Zero;
            panel_product(self.instructions, (rows, head), left, right, onto, out);
        }
        self.place(number, queries.start, from, seen, (scores, columns));
        exponentials(self.instructions, scores, columns, seen, scales);
        let mixed = &mut mixed[queries.start * hidden..queries.end * hidden];
        let panels = values.chunks(self.length * PANEL);
        for (column, values) in (first..).step_by(PANEL).zip(panels) {
            let left = Rows {
                values: scores,
                stride: columns,
            };
            let right = Rows {
                values: &values[from * PANEL..],
                stride: PANEL,
            };
            let out = RowsMut {
                values: &mut mixed[column..],
                stride: hidden,
            };
            let onto = Onto::Zero;
            panel_product(self.instructions, (rows, seen), left, right, onto, out);
        }
        for (row, scale) in mixed.chunks_exact_mut(hidden).zip(&*scales) {
            row[first..first + head]
                .iter_mut()
                .for_each(|value| *value *= scale);
        }
    }

    /// Takes from the scores what the distance costs, and hides what is out of reach.
    fn place(
        &self,
        number: usize,
        first: usize,
        from: usize,
        seen: usize,
        (scores, columns): (&mut [f32], usize),
    ) {
        if self.shape.positions == Positions::Slopes {
            let slope = slope(number, self.shape.heads);
            for (query, row) in (first..).zip(scores.chunks_exact_mut(columns)) {
                for (key, score) in (from..).zip(&mut row[..seen]) {
                    *score -= slope * query.abs_diff(key) as f32;
                }
            }
        }
        if let Some(reach) = self.reach {
            for (query, row) in (first..).zip(scores.chunks_exact_mut(columns)) {
                let low = query.saturating_sub(reach).saturating_sub(from);
                let high = (query + reach + 1 - from).min(seen);
                row[..low].fill(f32::NEG_INFINITY);
                row[high..seen].fill(f32::NEG_INFINITY);
            }
        }
    }
}

/// How fast a head's scores fall with the distance: the powers of 2^(-8/n) for
/// n heads; where n is no power of two, the next smaller one, and then every
/// other of twice as many.
fn slope(number: usize, heads: usize) -> f32 {
    let whole = 1 << heads.ilog2();
    let power = match number < whole {
        true => -8.0 * (number + 1) as f32 / whole as f32,
        false => -4.0 * (2 * (number - whole) + 1) as f32 / whole as f32,
    };
    power.exp2()
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
