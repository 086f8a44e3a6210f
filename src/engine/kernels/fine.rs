//! Activations as codes of 15 bits, and their products with weights of 11 bits,
//! one panel of 32 columns at a time. Such codes lose next to nothing of Q8_0
//! weights and of what these are multiplied with, and there are instructions
//! that multiply and add twice as many of them as of floats. Owns both layouts
//! and the choice of instructions. Must not know what is multiplied.
//!
//!   left side  = rows of codes; a row has a scale for each 384 columns
//!   right side = pairs of rows, at most 384 rows: [pair][column][2]; a column
//!                has one scale

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::cover::Tiled;
use super::dense::{Instructions, Onto, PANEL, Rows, RowsMut, spans};
use super::lanes::{LANES, fma, for_each_instruction_set};
use super::level::Level;

/// Columns of the left side, and rows of the right side, that share a scale.
pub(crate) const SPAN: usize = 384;
/// Codes of Q8_0 that share a scale.
const BLOCK: usize = 32;
/// Products that are summed up in 32 bits: as many as their largest, of the
/// two largest codes, allows.
const DEPTH: usize = 96;
/// The largest code of the left side.
const LARGEST_LEFT: i32 = 16383;
/// The largest code of the right side, and the factor that makes it of a code
/// of eight bits, in units of 2^-11.
const LARGEST_RIGHT: i32 = 1365;
const FACTOR: i32 = LARGEST_RIGHT << 4;

const _: () = assert!(DEPTH as i64 * LARGEST_LEFT as i64 * LARGEST_RIGHT as i64 <= i32::MAX as i64);

/// Whether these products are faster here than those of floats: they are if
/// floats have no longer vectors. ARM adds up as many floats at a time.
pub(crate) fn pays(level: Level, instructions: Instructions) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match instructions {
        Instructions::Avx2 => level != Level::Portable,
        Instructions::Avx512 | Instructions::Portable => false,
    };
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (level, instructions);
        false
    }
}

/// The left side of a product.
#[derive(Default)]
pub(crate) struct FineCodes {
    codes: Vec<i16>,
    /// Span after span, in each a scale per row.
    scales: Vec<f32>,
    rows: usize,
    columns: usize,
}

/// Up to 384 columns of the left side.
#[derive(Clone, Copy)]
pub(crate) struct FineRows<'a> {
    codes: &'a [i16],
    stride: usize,
    scales: &'a [f32],
}

/// Up to 384 rows of the right side, 32 columns wide.
pub(crate) struct FinePanel {
    codes: [i16; SPAN * PANEL],
    scales: [f32; PANEL],
    depth: usize,
}

impl FineCodes {
    /// Takes the first `columns` values of each row, a multiple of 32.
    pub(crate) fn quantize(
        &mut self,
        instructions: Instructions,
        values: Rows<'_>,
        (rows, columns): (usize, usize),
    ) {
        assert!(columns.is_multiple_of(BLOCK), "whole blocks of 32 columns");
        (self.rows, self.columns) = (rows, columns);
        self.codes.resize(rows * columns, 0);
        self.scales.resize(rows * columns.div_ceil(SPAN), 0.0);
        let strided = values.values.chunks(values.stride).take(rows);
        for (row, values) in strided.enumerate() {
            let codes = &mut self.codes[row * columns..][..columns];
            let scales = self.scales[row..].iter_mut().step_by(rows);
            let spans = values[..columns].chunks(SPAN).zip(codes.chunks_mut(SPAN));
            for ((values, codes), scale) in spans.zip(scales) {
                quantize_span(instructions, values, codes, scale);
            }
        }
    }

    /// The columns from `first` on, where a span begins.
    pub(crate) fn span(&self, first: usize) -> FineRows<'_> {
        debug_assert!(first.is_multiple_of(SPAN));
        FineRows {
            codes: &self.codes[first..],
            stride: self.columns,
            scales: &self.scales[first / SPAN * self.rows..][..self.rows],
        }
    }
}

impl FinePanel {
    /// Without rows.
    pub(crate) fn empty() -> Self {
        Self {
            codes: [0; SPAN * PANEL],
            scales: [0.0; PANEL],
            depth: 0,
        }
    }

    /// Takes up to 384 rows of eight-bit codes that lie as the panel's do, with
    /// a scale per column for each 32 rows.
    pub(crate) fn fill(&mut self, instructions: Instructions, codes: &[i8], scales: &[f32]) {
        assert!(codes.len() <= SPAN * PANEL && codes.len() == scales.len() * BLOCK);
        self.depth = codes.len() / PANEL;
        self.scales = [0.0; PANEL];
        let wide = &mut self.codes[..codes.len()];
        widen(instructions, codes, scales, wide, &mut self.scales);
    }
}

for_each_instruction_set! {
    /// Codes of up to 384 numbers, and their scale.
    quantize_span => quantize_lanes(values: &[f32], codes: &mut [i16], scale: &mut f32)
}

for_each_instruction_set! {
    /// Codes of 11 bits with one scale per column from codes of eight bits with
    /// several.
    widen => widen_lanes(codes: &[i8], scales: &[f32], wide: &mut [i16], own: &mut [f32; PANEL])
}

#[inline(always)]
fn quantize_lanes<const FUSED: bool>(values: &[f32], codes: &mut [i16], scale: &mut f32) {
    // Adding it rounds to a whole number and leaves that in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let mut most = [0f32; LANES];
    for block in values.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            most[lane] = most[lane].max(block[lane].abs());
        }
    }
    let largest = most.iter().fold(0f32, |a, b| a.max(*b));
    let steps = LARGEST_LEFT as f32 / largest;
    let steps = if steps.is_finite() { steps } else { 0.0 };
    for (code, value) in codes.iter_mut().zip(values) {
        *code = fma::<FUSED>(*value, steps, ROUND).to_bits() as i16;
    }
    *scale = largest / LARGEST_LEFT as f32;
}

/// There is nothing to fuse; the parameter is that of its siblings.
#[inline(always)]
fn widen_lanes<const FUSED: bool>(
    codes: &[i8],
    scales: &[f32],
    wide: &mut [i16],
    own: &mut [f32; PANEL],
) {
    let scales = scales.as_chunks::<PANEL>().0;
    let mut largest = [0f32; PANEL];
    for scales in scales {
        for column in 0..PANEL {
            largest[column] = largest[column].max(scales[column].abs());
        }
    }
    let units = largest.map(|largest| FACTOR as f32 / largest);
    let units = units.map(|unit| if unit.is_finite() { unit } else { 0.0 });
    *own = largest.map(|largest| largest * 2048.0 / FACTOR as f32);
    let blocks = codes.chunks_exact(BLOCK * PANEL);
    for ((codes, wide), scales) in blocks.zip(wide.chunks_exact_mut(BLOCK * PANEL)).zip(scales) {
        let mut factors = [0i16; 2 * PANEL];
        for column in 0..PANEL {
            let factor = (scales[column] * units[column]) as i16;
            factors[2 * column] = factor;
            factors[2 * column + 1] = factor;
        }
        let pairs = codes.as_chunks::<{ 2 * PANEL }>().0.iter();
        for (codes, wide) in pairs.zip(wide.as_chunks_mut::<{ 2 * PANEL }>().0) {
            for at in 0..2 * PANEL {
                // What `vpmulhrsw` computes.
                let product = i32::from(i16::from(codes[at]) << 4) * i32::from(factors[at]);
                wide[at] = (((product >> 14) + 1) >> 1) as i16;
            }
        }
    }
}

/// Pointers of one tile; read and written within the bounds that
/// [`fine_product`] checked for all its tiles. Codes lie in pairs.
#[derive(Clone, Copy)]
struct Tile {
    left: *const [i16; 2],
    left_stride: usize,
    left_scales: *const f32,
    right: *const [i16; 2],
    right_scales: *const f32,
    start: *const f32,
    start_stride: usize,
    out: *mut f32,
    out_stride: usize,
    pairs: usize,
}

impl Tiled for Tile {
    fn below(self, rows: usize) -> Self {
        Self {
            left: self.left.wrapping_add(rows * self.left_stride),
            left_scales: self.left_scales.wrapping_add(rows),
            start: self.start.wrapping_add(rows * self.start_stride),
            out: self.out.wrapping_add(rows * self.out_stride),
            ..self
        }
    }

    fn beside(self, columns: usize) -> Self {
        Self {
            right: self.right.wrapping_add(columns),
            right_scales: self.right_scales.wrapping_add(columns),
            start: self.start.wrapping_add(columns),
            out: self.out.wrapping_add(columns),
            ..self
        }
    }
}

/// `out = onto + left · right` for `rows` rows of the left side.
pub(crate) fn fine_product(
    level: Level,
    rows: usize,
    left: FineRows<'_>,
    right: &FinePanel,
    onto: Onto<'_>,
    out: RowsMut<'_>,
) {
    assert!(right.depth.is_multiple_of(2) && left.stride.is_multiple_of(2));
    assert!(spans(left.codes.len(), left.stride, rows, right.depth));
    assert!(left.scales.len() >= rows);
    assert!(spans(out.values.len(), out.stride, rows, PANEL));
    let target = out.values.as_mut_ptr();
    let (start, start_stride) = onto.start(target, out.stride);
    let tile = Tile {
        left: left.codes.as_ptr().cast(),
        left_stride: left.stride / 2,
        left_scales: left.scales.as_ptr(),
        right: right.codes.as_ptr().cast(),
        right_scales: right.scales.as_ptr(),
        start,
        start_stride,
        out: target,
        out_stride: out.stride,
        pairs: right.depth / 2,
    };
    // SAFETY: the assertions above bound every row of every tile, and a level
    // other than `Portable` exists only after detection.
    #[allow(unsafe_code)]
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Vnni512 | Level::Vnni256 | Level::Avx2 => x86::avx2(tile, rows),
            _ => portable::product(tile, rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panel of codes, and the values that they stand for.
    fn panel(code: impl Fn(usize, usize) -> i8) -> (FinePanel, Vec<f32>) {
        let scales: Vec<f32> = (0..SPAN / BLOCK * PANEL)
            .map(|n| 0.05 - (n * 7 % 11) as f32 * 0.003)
            .collect();
        let (mut codes, mut values) = (vec![0; SPAN * PANEL], vec![0.0; SPAN * PANEL]);
        for row in 0..SPAN {
            for column in 0..PANEL {
                let (code, scale) = (code(row, column), scales[row / BLOCK * PANEL + column]);
                codes[(row / 2 * PANEL + column) * 2 + row % 2] = code;
                values[row * PANEL + column] = f32::from(code) * scale;
            }
        }
        let mut panel = FinePanel::empty();
        panel.fill(Instructions::detect(), &codes, &scales);
        (panel, values)
    }

    /// The largest difference of a product of 384 columns from the definition,
    /// in units of the root of the sum of what is summed up, squared.
    fn error(level: Level, left: &[f32], right: &(FinePanel, Vec<f32>)) -> f64 {
        let rows = left.len() / SPAN;
        let mut fine = FineCodes::default();
        let floats = Rows {
            values: left,
            stride: SPAN,
        };
        fine.quantize(Instructions::detect(), floats, (rows, SPAN));
        let mut out = vec![f32::NAN; rows * PANEL];
        let target = RowsMut {
            values: &mut out,
            stride: PANEL,
        };
        fine_product(level, rows, fine.span(0), &right.0, Onto::Zero, target);
        let errors = out.iter().enumerate().map(|(at, found)| {
            let (row, column) = (at / PANEL, at % PANEL);
            let products = (0..SPAN).map(|k| {
                let (a, b) = (left[row * SPAN + k], right.1[k * PANEL + column]);
                f64::from(a) * f64::from(b)
            });
            let size = products.clone().map(|p| p * p).sum::<f64>().sqrt();
            (f64::from(*found) - products.sum::<f64>()).abs() / size
        });
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn product_is_that_of_the_numbers_for_every_number_of_rows() {
        let right = panel(|row, column| ((row * 37 + column * 11) % 255) as u8 as i8);
        for rows in 1..=26 {
            let left: Vec<f32> = (0..rows * SPAN)
                .map(|n| (n as f32 * 0.37).sin() * if n % 71 == 0 { 9.0 } else { 1.0 })
                .collect();
            for level in Level::available() {
                let error = error(level, &left, &right);
                assert!(error < 4e-3, "{level:?} {rows} {error}");
            }
        }
    }

    #[test]
    fn the_largest_codes_do_not_overflow() {
        for code in [-128, 127] {
            let right = panel(|_, _| code);
            for level in Level::available() {
                for value in [3.5, -3.5] {
                    let error = error(level, &[value; 7 * SPAN], &right);
                    assert!(error < 1e-2, "{level:?} {code} {value} {error}");
                }
            }
        }
    }

    #[test]
    fn codes_are_within_half_a_step_and_nothing_stays_nothing() {
        let width = SPAN + BLOCK;
        let mut values: Vec<f32> = (0..2 * width).map(|n| (n as f32 * 0.7).cos()).collect();
        values[..SPAN].fill(0.0);
        values[SPAN..width].fill(f32::MIN_POSITIVE);
        values[width + 5] = -400.0;
        for instructions in Instructions::available() {
            let mut fine = FineCodes::default();
            let rows = Rows {
                values: &values,
                stride: width,
            };
            fine.quantize(instructions, rows, (2, width));
            for (at, value) in values.iter().enumerate() {
                let (row, column) = (at / width, at % width);
                let span = fine.span(column / SPAN * SPAN);
                let code = span.codes[row * width + column % SPAN];
                let scale = span.scales[row];
                let difference = (f32::from(code) * scale - value).abs();
                assert!(difference <= scale * 0.501 + f32::MIN_POSITIVE);
            }
            assert_eq!(i32::from(fine.codes[width + 5]), -LARGEST_LEFT);
        }
    }
}
