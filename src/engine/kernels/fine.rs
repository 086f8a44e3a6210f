//! Activations as codes of 13 bits, and their products with weights of 11 bits,
//! one panel of 32 columns at a time. Such codes lose next to nothing of Q8_0
//! weights and of what these are multiplied with, 384 of their products fit into
//! 32 bits, and there are instructions that multiply and add twice as many of
//! them as of floats. Owns both layouts and the choice of instructions. Must not
//! know what is multiplied.
//!
//!   left side  = 384 columns after the other, of these 6 rows after the other,
//!                in the order in which a tile reads them: [4 columns][row][4];
//!                a row has a scale for each 384 columns
//!   right side = pairs of rows, at most 384 rows: [pair][column][2]; a column
//!                has one scale

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::cover::Tiled;
use super::dense::{Instructions, Onto, PANEL, Rows, RowsMut, spans};
use super::lanes::{LANES, fma, for_each_instruction_set, larger, together};
use super::level::Level;

/// Columns of the left side, and rows of the right side, that share a scale, and
/// whose products are summed up in 32 bits.
pub(crate) const SPAN: usize = 384;
/// Rows of the left side in a group, the rows of the tallest tile; the last
/// group has what is left.
const GROUP: usize = 6;
/// Columns of a row of the left side that lie one after the other.
const RUN: usize = 4;
/// Codes of Q8_0 that share a scale.
const BLOCK: usize = 32;
/// The largest code of the left side.
const LARGEST_LEFT: i32 = 4095;
/// The largest code of the right side, and the factor that makes it of a code
/// of eight bits, in units of 2^-11.
const LARGEST_RIGHT: i32 = 1365;
const FACTOR: i32 = LARGEST_RIGHT << 4;

const _: () = assert!(SPAN as i64 * LARGEST_LEFT as i64 * LARGEST_RIGHT as i64 <= i32::MAX as i64);

/// Whether these products are faster here than those of floats: they are if
/// floats have no longer vectors, or if adding up comes with multiplying. ARM
/// adds up as many floats at a time.
pub(crate) fn pays(level: Level, instructions: Instructions) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match instructions {
        Instructions::Avx512 => level == Level::Vnni512,
        Instructions::Avx2 => level != Level::Portable,
        Instructions::Portable => false,
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
    codes: Vec<[i16; RUN]>,
    /// Span after span, in each a scale per row.
    scales: Vec<f32>,
    rows: usize,
    columns: usize,
}

/// Up to 384 columns of the left side.
#[derive(Clone, Copy)]
pub(crate) struct FineRows<'a> {
    codes: &'a [[i16; RUN]],
    columns: usize,
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
        self.codes.resize(rows * columns / RUN, [0; RUN]);
        self.scales.resize(rows * columns.div_ceil(SPAN), 0.0);
        for first in (0..columns).step_by(SPAN) {
            let (span, begin) = (first..columns.min(first + SPAN), rows * first / RUN);
            let codes = &mut self.codes[begin..][..rows * span.len() / RUN];
            let scales = &mut self.scales[rows * (first / SPAN)..][..rows];
            for (row, scale) in scales.iter_mut().enumerate() {
                let values = &values.values[row * values.stride..][span.clone()];
                let group = row / GROUP * GROUP;
                let height = GROUP.min(rows - group);
                let codes = &mut codes[group * span.len() / RUN..][..height * span.len() / RUN];
                quantize_span(instructions, values, codes, (row - group, height), scale);
            }
        }
    }

    /// The columns from `first` on, where a span begins.
    pub(crate) fn span(&self, first: usize) -> FineRows<'_> {
        debug_assert!(first.is_multiple_of(SPAN));
        let columns = SPAN.min(self.columns - first);
        FineRows {
            codes: &self.codes[self.rows * first / RUN..][..self.rows * columns / RUN],
            columns,
            scales: &self.scales[self.rows * (first / SPAN)..][..self.rows],
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
    /// a scale per column for each 32 rows; makes of them codes of 11 bits with
    /// one scale per column.
    pub(crate) fn fill(&mut self, level: Level, codes: &[i8], scales: &[f32]) {
        assert!(codes.len() <= SPAN * PANEL && codes.len() == scales.len() * BLOCK);
        self.depth = codes.len() / PANEL;
        let blocks = Blocks {
            codes: codes.as_chunks().0,
            scales: scales.as_chunks().0,
        };
        let wide = self.codes.as_chunks_mut().0;
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Vnni512 | Level::Vnni256 | Level::Avx2 => {
                // SAFETY: a level other than `Portable` exists only after
                // detection.
                #[allow(unsafe_code)]
                unsafe {
                    x86::widen(blocks, wide, &mut self.scales);
                }
            }
            _ => portable::widen(blocks, wide, &mut self.scales),
        }
    }
}

/// Codes of a pair of rows, column after column.
type Pair<T> = [T; 2 * PANEL];

/// A panel of eight-bit codes.
#[derive(Clone, Copy)]
struct Blocks<'a> {
    codes: &'a [Pair<i8>],
    /// Of each 32 rows.
    scales: &'a [[f32; PANEL]],
}

impl<'a> Blocks<'a> {
    /// The pairs of each 32 rows, and these rows' scales.
    fn each(self) -> impl Iterator<Item = (&'a [Pair<i8>], &'a [f32; PANEL])> {
        self.codes.chunks(BLOCK / 2).zip(self.scales)
    }
}

for_each_instruction_set! {
    /// Codes of up to 384 numbers, and their scale; they become the row `place.0`
    /// of a group of `place.1`.
    quantize_span => quantize_lanes(
        values: &[f32], codes: &mut [[i16; RUN]], place: (usize, usize), scale: &mut f32
    )
}

#[inline(always)]
fn quantize_lanes<const FUSED: bool>(
    values: &[f32],
    codes: &mut [[i16; RUN]],
    (row, height): (usize, usize),
    scale: &mut f32,
) {
    // Adding it rounds to a whole number and leaves that in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let mut most = [0f32; LANES];
    for block in values.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            most[lane] = larger(most[lane], block[lane].abs());
        }
    }
    let largest = together(most, larger);
    let steps = LARGEST_LEFT as f32 / largest;
    let steps = if steps.is_finite() { steps } else { 0.0 };
    // Computed in one place and moved from there, for the compiler takes lanes
    // one by one if they have different places to go to.
    let mut whole = [0i16; SPAN];
    for (code, value) in whole.iter_mut().zip(values) {
        *code = fma::<FUSED>(*value, steps, ROUND).to_bits() as i16;
    }
    let runs = whole.as_chunks::<RUN>().0;
    for (rows, run) in codes.chunks_exact_mut(height).zip(runs) {
        rows[row] = *run;
    }
    *scale = largest / LARGEST_LEFT as f32;
}

/// Pointers of one tile; read and written within the bounds that
/// [`fine_product`] checked for all its tiles.
#[derive(Clone, Copy)]
struct Tile {
    left: *const [i16; RUN],
    left_scales: *const f32,
    right: *const [i16; 2],
    right_scales: *const f32,
    start: *const f32,
    start_stride: usize,
    out: *mut f32,
    out_stride: usize,
    /// Runs of columns.
    runs: usize,
}

impl Tiled for Tile {
    /// Only whole groups of rows further down.
    fn below(self, rows: usize) -> Self {
        Self {
            left: self.left.wrapping_add(rows * self.runs),
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
    assert!(left.columns == right.depth && right.depth.is_multiple_of(RUN));
    assert!(left.scales.len() == rows && left.codes.len() == rows * (right.depth / RUN));
    assert!(spans(out.values.len(), out.stride, rows, PANEL));
    let target = out.values.as_mut_ptr();
    let (start, start_stride) = onto.start(target, out.stride);
    let tile = Tile {
        left: left.codes.as_ptr(),
        left_scales: left.scales.as_ptr(),
        right: right.codes.as_ptr().cast(),
        right_scales: right.scales.as_ptr(),
        start,
        start_stride,
        out: target,
        out_stride: out.stride,
        runs: right.depth / RUN,
    };
    // SAFETY: the assertions above bound every row of every tile, and a level
    // other than `Portable` exists only after detection.
    #[allow(unsafe_code)]
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Vnni512 => x86::vnni512(tile, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Vnni256 => x86::vnni256(tile, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => x86::avx2(tile, rows),
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
        panel.fill(Level::detect(), &codes, &scales);
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
    fn every_level_widens_to_the_same_codes() {
        let codes: Vec<i8> = (0..SPAN * PANEL)
            .map(|n| (n * 89 % 256) as u8 as i8)
            .collect();
        let mut scales: Vec<f32> = (0..SPAN / BLOCK * PANEL)
            .map(|n| 0.05 - (n * 7 % 17) as f32 * 0.006)
            .collect();
        // Columns of nothing, and of less than can be told.
        for block in scales.as_chunks_mut::<PANEL>().0 {
            (block[3], block[20]) = (0.0, f32::MIN_POSITIVE / 64.0);
        }
        for depth in [SPAN, 2 * BLOCK] {
            let widened = |level| {
                let mut panel = FinePanel::empty();
                panel.fill(level, &codes[..depth * PANEL], &scales[..depth]);
                (panel.codes, panel.scales)
            };
            let wanted = widened(Level::Portable);
            assert!(
                wanted
                    .0
                    .iter()
                    .any(|code| i32::from(*code) > LARGEST_RIGHT / 2)
            );
            for level in Level::available() {
                assert!(widened(level) == wanted, "{level:?} {depth}");
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
                // Both rows are one group.
                let run = span.codes[column % SPAN / RUN * 2 + row];
                let code = run[column % RUN];
                let scale = span.scales[row];
                let difference = (f32::from(code) * scale - value).abs();
                assert!(difference <= scale * 0.501 + f32::MIN_POSITIVE);
            }
            assert_eq!(
                i32::from(fine.codes[5 / RUN * 2 + 1][5 % RUN]),
                -LARGEST_LEFT
            );
        }
    }
}
