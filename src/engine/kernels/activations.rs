//! Activations as 8-bit codes with one scale per 32 columns, laid out for the
//! products: groups of up to 8 rows, in each group a record per 32 columns,
//! everything read in one sequence.
//!
//!   record of g rows = codes [g][32], scale [g], -128·sum [g],
//!                      -scale·sum [g], -128·(sum of the first 16) [g]
//!
//! For products of byte matrices, the codes of rows 2i and 2i + 1 alternate
//! every 8 columns; a last row without a partner lies as elsewhere.

use super::buffer::Buffer;
use super::format::BLOCK;
use super::level::Level;

/// Rows in a group: as many as keep the innermost loop in the processor's
/// cache of decoded instructions.
pub(crate) const GROUP: usize = 8;

/// Bytes of a row's share of a record.
pub(super) const RECORD: usize = 48;

/// Quantized rows, and room for more.
pub(crate) struct Activations {
    pub(super) rows: usize,
    pub(super) columns: usize,
    data: Buffer,
}

impl Activations {
    /// Room for so many rows and columns.
    pub(crate) fn with_capacity(rows: usize, columns: usize) -> Self {
        Self {
            rows: 0,
            columns: 0,
            data: Buffer::zeroed(rows * columns.div_ceil(BLOCK) * RECORD),
        }
    }

    /// Says how many rows and columns will be written next; the columns are a
    /// multiple of 32.
    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        assert!(columns.is_multiple_of(BLOCK), "whole blocks of 32 columns");
        let bytes = rows * columns / BLOCK * RECORD;
        if bytes > self.data.len() {
            self.data = Buffer::zeroed(bytes);
        }
        (self.rows, self.columns) = (rows, columns);
    }

    /// The bytes of all groups of 8 rows.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data[..self.rows * self.columns / BLOCK * RECORD]
    }

    /// Bytes of a row in its group.
    pub(crate) fn row_bytes(&self) -> usize {
        self.columns / BLOCK * RECORD
    }

    /// The records of the group that starts with row `row`.
    pub(super) fn group(&self, row: usize) -> &[u8] {
        let rows = GROUP.min(self.rows - row);
        &self.data[row * self.columns / BLOCK * RECORD..][..rows * self.columns / BLOCK * RECORD]
    }

    /// Quantizes rows that lie one after the other.
    #[cfg(test)]
    pub(crate) fn quantize(&mut self, level: Level, x: &[f32], rows: usize, columns: usize) {
        self.resize(rows, columns);
        let group_bytes = GROUP * self.row_bytes();
        for (group, x) in self
            .bytes_mut()
            .chunks_mut(group_bytes)
            .zip(x.chunks(GROUP * columns))
        {
            let in_group = x.len() / columns;
            for (r, values) in x.chunks_exact(columns).enumerate() {
                quantize_row(level, values, (r, in_group), group);
            }
        }
    }
}

/// Quantizes row `r` of the `rows` rows of a group.
pub(crate) fn quantize_row(level: Level, x: &[f32], (r, rows): (usize, usize), group: &mut [u8]) {
    let records = group.chunks_exact_mut(RECORD * rows);
    let paired = level.pairs_rows() && r | 1 < rows;
    for (record, values) in records.zip(x.as_chunks::<BLOCK>().0) {
        let (codes, rest) = record.split_at_mut(BLOCK * rows);
        let (scale, first, all) = if paired {
            let mut row = [0; BLOCK];
            let sums = quantize_block(level, values, &mut row);
            let pair = &mut codes[r / 2 * (2 * BLOCK)..][..2 * BLOCK];
            let turns = pair.chunks_exact_mut(16).zip(row.chunks_exact(8));
            turns.for_each(|(two, one)| two[r % 2 * 8..][..8].copy_from_slice(one));
            sums
        } else {
            quantize_block(level, values, &mut codes.as_chunks_mut::<BLOCK>().0[r])
        };
        let numbers = [
            scale.to_bits(),
            (-128 * all) as u32,
            (-scale * all as f32).to_bits(),
            (-128 * first) as u32,
        ];
        let slots = rest.as_chunks_mut::<4>().0;
        for (slot, number) in numbers.into_iter().enumerate() {
            slots[slot * rows + r] = number.to_le_bytes();
        }
    }
}

/// How many steps of the codes make one; none if all numbers are so small that
/// it cannot be told.
#[inline(always)]
fn steps_to_one(largest: f32) -> f32 {
    let steps = 127.0 / largest;
    if steps.is_finite() { steps } else { 0.0 }
}

/// Scale, sum of the first 16 codes and sum of all.
#[inline(always)]
fn quantize_block(level: Level, values: &[f32; BLOCK], codes: &mut [u8; BLOCK]) -> (f32, i32, i32) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Vnni512 {
        // SAFETY: the level exists only where AVX-512 was detected.
        #[allow(unsafe_code)]
        return unsafe { quantize_block_512(values, codes) };
    }
    #[cfg(target_arch = "aarch64")]
    if level != Level::Portable {
        // SAFETY: the other levels exist only where NEON was detected.
        #[allow(unsafe_code)]
        return unsafe { quantize_block_neon(values, codes) };
    }
    let _ = level;
    let largest = values.iter().fold(0f32, |most, v| most.max(v.abs()));
    let inverse = steps_to_one(largest);
    let mut sums = [0i32; 2];
    for (j, value) in values.iter().enumerate() {
        let code = (value * inverse).round_ties_even() as i32;
        sums[j / 16] += code;
        codes[j] = code as i8 as u8;
    }
    (largest / 127.0, sums[0], sums[0] + sums[1])
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn quantize_block_512(values: &[f32; BLOCK], codes: &mut [u8; BLOCK]) -> (f32, i32, i32) {
    use std::arch::x86_64::*;
    // SAFETY: loads and stores of 16 numbers and 16 bytes in each half.
    #[allow(unsafe_code)]
    unsafe {
        let a = _mm512_loadu_ps(values.as_ptr());
        let b = _mm512_loadu_ps(values.as_ptr().add(16));
        let largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
        let inverse = _mm512_set1_ps(steps_to_one(largest));
        let a = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse));
        let b = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
        _mm_storeu_si128(codes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(a));
        _mm_storeu_si128(codes.as_mut_ptr().add(16).cast(), _mm512_cvtepi32_epi8(b));
        let first = _mm512_reduce_add_epi32(a);
        (largest / 127.0, first, first + _mm512_reduce_add_epi32(b))
    }
}

#[cfg(target_arch = "aarch64")]
#[inline]
#[target_feature(enable = "neon")]
fn quantize_block_neon(values: &[f32; BLOCK], codes: &mut [u8; BLOCK]) -> (f32, i32, i32) {
    use std::arch::aarch64::*;
    // SAFETY: loads of 4 numbers and stores of 8 bytes inside the arrays.
    #[allow(unsafe_code)]
    unsafe {
        let load = |at: usize| vld1q_f32(values.as_ptr().add(4 * at));
        let most = (0..8).fold(vdupq_n_f32(0.0), |most, i| {
            vmaxnmq_f32(most, vabsq_f32(load(i)))
        });
        let largest = vmaxnmvq_f32(most);
        let inverse = steps_to_one(largest);
        let mut sums = [0; 2];
        for eight in 0..4 {
            let whole = |at: usize| vcvtnq_s32_f32(vmulq_n_f32(load(at), inverse));
            let (low, high) = (whole(2 * eight), whole(2 * eight + 1));
            sums[eight / 2] += vaddvq_s32(vaddq_s32(low, high));
            let narrow = vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high)));
            vst1_s8(codes.as_mut_ptr().add(8 * eight).cast(), narrow);
        }
        (largest / 127.0, sums[0], sums[0] + sums[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_of_a_row_is_the_same_at_every_level() {
        let columns = 8 * BLOCK;
        let mut x: Vec<f32> = (0..columns)
            .map(|n| (n as f32 * 0.9).sin() * (n / BLOCK) as f32)
            .collect();
        // A block of ties: halves of the step between codes.
        x[..BLOCK].copy_from_slice(&std::array::from_fn::<f32, BLOCK, _>(|n| n as f32 - 15.5));
        x[5] = 127.0;
        // A block that is zero, and one with the smallest numbers.
        x[BLOCK..2 * BLOCK].fill(0.0);
        x[2 * BLOCK..3 * BLOCK].fill(-f32::MIN_POSITIVE);
        let records = |level| {
            let mut activations = Activations::with_capacity(1, columns);
            activations.quantize(level, &x, 1, columns);
            activations.bytes_mut().to_vec()
        };
        let wanted = records(Level::Portable);
        assert_eq!(
            (wanted[5], wanted[0] as i8, wanted[1] as i8),
            (127, -16, -14)
        );
        for level in Level::available() {
            assert_eq!(records(level), wanted, "{level:?}");
        }
    }
}
