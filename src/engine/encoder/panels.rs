//! Q8_0 matrices that meet float activations: in memory as in the file, a
//! quarter of f32's size and traffic, but in the order in which products read
//! them. Owns that order. Must not know which map a matrix is.

use super::pointwise::unpack;
use crate::kernels::Instructions;
use crate::kernels::Onto;
use crate::kernels::PANEL;
use crate::kernels::Rows;
use crate::kernels::RowsMut;
use crate::kernels::panel_product;

/// Weights in a Q8_0 block, and its bytes: an f16 scale before the codes.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 2 + BLOCK;
/// Rows of a matrix in one slice: a panel's share of it, unpacked to 48 KiB,
/// stays in the nearest caches while it meets all rows of the left side.
const SLICE: usize = 384;

/// The scale of a Q8_0 block, and its codes.
fn block_parts(block: &[u8]) -> (f32, impl Iterator<Item = i8>) {
    let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    (scale, block[2..].iter().map(|code| code.cast_signed()))
}

/// A weight matrix in slices of rows, in each slice panels of 32 columns, in
/// each panel blocks of 32 rows. A block has a scale for each column, and its
/// codes row after row.
pub(super) struct Panels {
    codes: Vec<i8>,
    scales: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Panels {
    /// Packs a Q8_0 matrix stored as one row of `inputs` weights per output;
    /// both numbers must be multiples of 32.
    pub(super) fn pack(matrix: &[u8], inputs: usize) -> Self {
        let row_bytes = inputs / BLOCK * BLOCK_BYTES;
        let mut codes = vec![0; matrix.len() / BLOCK_BYTES * BLOCK];
        let mut scales = Vec::with_capacity(matrix.len() / BLOCK_BYTES);
        let mut packed = codes.chunks_exact_mut(BLOCK * PANEL);
        for first in (0..inputs).step_by(SLICE) {
            let slice = first / BLOCK..inputs.min(first + SLICE) / BLOCK;
            for columns in matrix.chunks_exact(PANEL * row_bytes) {
                for (block, packed) in slice.clone().zip(&mut packed) {
                    for (column, row) in columns.chunks_exact(row_bytes).enumerate() {
                        let source = &row[block * BLOCK_BYTES..][..BLOCK_BYTES];
                        let (scale, values) = block_parts(source);
                        scales.push(scale);
                        let target = packed[column..].iter_mut().step_by(PANEL);
                        target.zip(values).for_each(|(code, value)| *code = value);
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

    /// `out = bias + input · self` for so many rows.
    pub(super) fn apply(
        &self,
        instructions: Instructions,
        rows: usize,
        input: Rows<'_>,
        bias: &[f32],
        out: RowsMut<'_>,
    ) {
        let mut unpacked = [0.0; SLICE * PANEL];
        let (mut codes, mut scales) = (self.codes.as_slice(), self.scales.as_slice());
        for first in (0..self.inputs).step_by(SLICE) {
            let depth = SLICE.min(self.inputs - first);
            for column in (0..self.outputs).step_by(PANEL) {
                let panel = &mut unpacked[..depth * PANEL];
                let (panel_codes, rest) = codes.split_at(panel.len());
                codes = rest;
                let (panel_scales, rest) = scales.split_at(panel.len() / BLOCK);
                scales = rest;
                unpack(instructions, panel_codes, panel_scales, panel);
                let onto = if first == 0 {
                    Onto::Bias(&bias[column..])
                } else {
                    Onto::Output
                };
                let left = Rows {
                    values: &input.values[first..],
                    stride: input.stride,
                };
                let right = Rows {
                    values: panel,
                    stride: PANEL,
                };
                let target = RowsMut {
                    values: &mut out.values[column..],
                    stride: out.stride,
                };
                panel_product(instructions, (rows, depth), left, right, onto, target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, so that sums are exact in every order.
    fn number(n: usize, seed: usize) -> f32 {
        ((n * 7 + seed * 3 + n / 5) % 9) as f32 - 4.0
    }

    /// A Q8_0 matrix, and the weights that it stands for.
    fn matrix(count: usize) -> (Vec<u8>, Vec<f32>) {
        let (mut packed, mut plain) = (Vec::new(), Vec::new());
        for block in 0..count / BLOCK {
            let scale = [0.5, 1.0, 2.0][block % 3];
            packed.extend(half::f16::from_f32(scale).to_le_bytes());
            for n in block * BLOCK..(block + 1) * BLOCK {
                packed.push((number(n, 1) as i8).cast_unsigned());
                plain.push(number(n, 1) * scale);
            }
        }
        (packed, plain)
    }

    #[test]
    fn product_equals_the_definition_for_every_number_of_rows() {
        let (inputs, outputs) = (SLICE + BLOCK, 2 * PANEL);
        let (packed, weights) = matrix(inputs * outputs);
        let bias: Vec<f32> = (0..outputs).map(|n| number(n, 2)).collect();
        let panels = Panels::pack(&packed, inputs);
        for instructions in Instructions::available() {
            for rows in [1, 2, 3, 5, 7, 11, 12, 13, 23, 25] {
                let input: Vec<f32> = (0..rows * inputs).map(|n| number(n, rows)).collect();
                let mut out = vec![f32::NAN; rows * outputs];
                let left = Rows {
                    values: &input,
                    stride: inputs,
                };
                let target = RowsMut {
                    values: &mut out,
                    stride: outputs,
                };
                panels.apply(instructions, rows, left, &bias, target);
                for (at, &value) in out.iter().enumerate() {
                    let (row, column) = (at / outputs, at % outputs);
                    let left = &input[row * inputs..][..inputs];
                    let right = &weights[column * inputs..][..inputs];
                    let sum: f32 = left.iter().zip(right).map(|(a, b)| a * b).sum();
                    assert_eq!(value, sum + bias[column], "{instructions:?} {rows} {at}");
                }
            }
        }
    }
}
