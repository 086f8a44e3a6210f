//! Q8_0 matrices that meet floats or 16-bit codes: in memory as in the file, a
//! quarter of f32's size and traffic, but in the order in which products read
//! them. Owns that order. Must not know which map a matrix is.

use super::pointwise::unpack;
use crate::kernels::Onto;
use crate::kernels::PANEL;
use crate::kernels::Rows;
use crate::kernels::RowsMut;
use crate::kernels::Workers;
use crate::kernels::fine::FineCodes;
use crate::kernels::fine::FinePanel;
use crate::kernels::fine::SPAN;
use crate::kernels::fine::fine_product;
use crate::kernels::panel_product;

/// Weights in a Q8_0 block, and its bytes: an f16 scale before the codes.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 2 + BLOCK;

/// The scale of a Q8_0 block, and its codes.
fn block_parts(block: &[u8]) -> (f32, impl Iterator<Item = i8>) {
    let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    (scale, block[2..].iter().map(|code| code.cast_signed()))
}

/// What a product's rows are given as.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    Floats(Rows<'a>),
    Fine(&'a FineCodes),
}

/// A weight matrix in slices of rows, in each slice panels of 32 columns, in
/// each panel blocks of 32 rows. A block has a scale for each column; its codes
/// are pairs of rows, column after column, as a [`FinePanel`] takes them.
pub(super) struct Panels {
    codes: Vec<i8>,
    scales: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

/// A slice's share of a panel: unpacked to at most 48 KiB, it stays in the
/// nearest caches while it meets all rows of the left side.
struct Part<'a> {
    /// Where it begins, and how many rows it has.
    first: usize,
    depth: usize,
    column: usize,
    codes: &'a [i8],
    scales: &'a [f32],
}

impl Panels {
    /// Packs a Q8_0 matrix stored as one row of `inputs` weights per output;
    /// both numbers must be multiples of 32.
    pub(super) fn pack(matrix: &[u8], inputs: usize) -> Self {
        let row_bytes = inputs / BLOCK * BLOCK_BYTES;
        let mut codes = vec![0; matrix.len() / BLOCK_BYTES * BLOCK];
        let mut scales = Vec::with_capacity(matrix.len() / BLOCK_BYTES);
        let mut packed = codes.chunks_exact_mut(BLOCK * PANEL);
        for first in (0..inputs).step_by(SPAN) {
            let slice = first / BLOCK..inputs.min(first + SPAN) / BLOCK;
            for columns in matrix.chunks_exact(PANEL * row_bytes) {
                for (block, packed) in slice.clone().zip(&mut packed) {
                    for (column, row) in columns.chunks_exact(row_bytes).enumerate() {
                        let source = &row[block * BLOCK_BYTES..][..BLOCK_BYTES];
                        let (scale, values) = block_parts(source);
                        scales.push(scale);
                        for (row, value) in values.enumerate() {
                            packed[(row / 2 * PANEL + column) * 2 + row % 2] = value;
                        }
                    }
                }
            }
        }
        Self {
            codes,
            scales,
            inputs,
            outputs: matrix.len() / row_bytes,
        }
    }

    /// The length of an input row.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of columns.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// All of it, in the order in which it lies.
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let (mut codes, mut scales) = (self.codes.as_slice(), self.scales.as_slice());
        let slices = (0..self.inputs).step_by(SPAN);
        let places =
            slices.flat_map(|first| (0..self.outputs).step_by(PANEL).map(move |at| (first, at)));
        places.map(move |(first, column)| {
            let depth = SPAN.min(self.inputs - first);
            let (own_codes, rest) = codes.split_at(depth * PANEL);
            codes = rest;
            let (own_scales, rest) = scales.split_at(depth * PANEL / BLOCK);
            scales = rest;
            Part {
                first,
                depth,
                column,
                codes: own_codes,
                scales: own_scales,
            }
        })
    }

    /// `out = bias + left · self` for so many rows.
    pub(super) fn apply(
        &self,
        workers: &Workers,
        rows: usize,
        left: Left<'_>,
        bias: &[f32],
        out: RowsMut<'_>,
    ) {
        match left {
            Left::Floats(left) => self.apply_floats(workers, rows, left, bias, out),
            Left::Fine(left) => self.apply_fine(workers, rows, left, bias, out),
        }
    }

    fn apply_floats(
        &self,
        workers: &Workers,
        rows: usize,
        left: Rows<'_>,
        bias: &[f32],
        out: RowsMut<'_>,
    ) {
        let instructions = workers.instructions;
        let mut unpacked = [0.0; SPAN * PANEL];
        for part in self.parts() {
            let values = &mut unpacked[..part.codes.len()];
            unpack(instructions, part.codes, part.scales, values);
            let left = Rows {
                values: &left.values[part.first..],
                stride: left.stride,
            };
            let right = Rows {
                values,
                stride: PANEL,
            };
            let target = RowsMut {
                values: &mut out.values[part.column..],
                stride: out.stride,
            };
            let (size, onto) = ((rows, part.depth), part.onto(bias));
            panel_product(instructions, size, left, right, onto, target);
        }
    }

    fn apply_fine(
        &self,
        workers: &Workers,
        rows: usize,
        left: &FineCodes,
        bias: &[f32],
        out: RowsMut<'_>,
    ) {
        let mut right = FinePanel::empty();
        for part in self.parts() {
            right.fill(workers.level, part.codes, part.scales);
            let target = RowsMut {
                values: &mut out.values[part.column..],
                stride: out.stride,
            };
            let (left, onto) = (left.span(part.first), part.onto(bias));
            fine_product(workers.level, rows, left, &right, onto, target);
        }
    }
}

impl Part<'_> {
    /// What its product is added to.
    fn onto<'b>(&self, bias: &'b [f32]) -> Onto<'b> {
        match self.first {
            0 => Onto::Bias(&bias[self.column..]),
            _ => Onto::Output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Instructions;
    use crate::kernels::Level;

    /// Small whole numbers, so that sums are exact in every order.
    fn number(n: usize, seed: usize) -> f32 {
        ((n * 7 + seed * 3 + n / 5) % 9) as f32 - 4.0
    }

    /// A Q8_0 matrix of codes up to 124, and the weights that it stands for.
    fn matrix(count: usize) -> (Vec<u8>, Vec<f32>) {
        let (mut packed, mut plain) = (Vec::new(), Vec::new());
        for block in 0..count / BLOCK {
            let scale = [0.5, 1.0, 2.0][block % 3];
            packed.extend(half::f16::from_f32(scale).to_le_bytes());
            for n in block * BLOCK..(block + 1) * BLOCK {
                let code = 31.0 * number(n, 1);
                packed.push((code as i8).cast_unsigned());
                plain.push(code * scale);
            }
        }
        (packed, plain)
    }

    #[test]
    fn product_equals_the_definition_for_every_number_of_rows() {
        let (inputs, outputs) = (SPAN + BLOCK, 2 * PANEL);
        let (packed, weights) = matrix(inputs * outputs);
        let bias: Vec<f32> = (0..outputs).map(|n| number(n, 2)).collect();
        let panels = Panels::pack(&packed, inputs);
        let mut workers = Workers::alone();
        let mut fine = FineCodes::default();
        for rows in [1, 2, 3, 5, 7, 11, 12, 13, 23, 25] {
            let input: Vec<f32> = (0..rows * inputs).map(|n| number(n, rows)).collect();
            let wanted: Vec<f32> = (0..rows * outputs)
                .map(|at| {
                    let (row, column) = (at / outputs, at % outputs);
                    let left = &input[row * inputs..][..inputs];
                    let right = &weights[column * inputs..][..inputs];
                    let sum: f32 = left.iter().zip(right).map(|(a, b)| a * b).sum();
                    sum + bias[column]
                })
                .collect();
            let floats = Rows {
                values: &input,
                stride: inputs,
            };
            let run = |workers: &Workers, left: Left<'_>| {
                let mut out = vec![f32::NAN; rows * outputs];
                let target = RowsMut {
                    values: &mut out,
                    stride: outputs,
                };
                panels.apply(workers, rows, left, &bias, target);
                out
            };
            for instructions in Instructions::available() {
                workers.instructions = instructions;
                let found = run(&workers, Left::Floats(floats));
                assert_eq!(found, wanted, "{instructions:?} {rows}");
            }
            fine.quantize(Instructions::Portable, floats, (rows, inputs));
            for level in Level::available() {
                workers.level = level;
                let found = run(&workers, Left::Fine(&fine));
                for (found, wanted) in found.iter().zip(&wanted) {
                    // 416 products of up to 4 · 248, each off by half a code.
                    assert!((found - wanted).abs() < 30.0, "{level:?} {found} {wanted}");
                }
            }
        }
    }
}
