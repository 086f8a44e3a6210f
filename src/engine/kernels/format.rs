//! The block formats of GGUF (ggml's `block_q*` structures): sizes, and what a
//! single code is. Everything here is exact and slow; it serves packing's
//! rarer parts, single rows and the tests.

/// Columns in the smallest block, and in a block of activations.
pub(crate) const BLOCK: usize = 32;

/// How the weights of a matrix are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[allow(clippy::upper_case_acronyms)]
pub(crate) enum Quantization {
    Q8_0,
    Q4_0,
    Q5_0,
    Q4_1,
    Q5_1,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

use Quantization::*;

impl Quantization {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [Q8_0, Q4_0, Q5_0, Q4_1, Q5_1, Q2K, Q3K, Q4K, Q5K, Q6K];

    /// Columns in a block of the file.
    pub(crate) const fn columns(self) -> usize {
        match self {
            Q8_0 | Q4_0 | Q5_0 | Q4_1 | Q5_1 => 32,
            Q2K | Q3K | Q4K | Q5K | Q6K => 256,
        }
    }

    /// Bytes of a block of the file.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Q8_0 => 34,
            Q4_0 => 18,
            Q5_0 => 22,
            Q4_1 => 20,
            Q5_1 => 24,
            Q2K => 84,
            Q3K => 110,
            Q4K => 144,
            Q5K => 176,
            Q6K => 210,
        }
    }

    /// Bytes of a row of the file with so many columns, a multiple of
    /// [`Self::columns`].
    pub(crate) const fn row_bytes(self, columns: usize) -> usize {
        columns / self.columns() * self.bytes()
    }

    /// The code that stands for zero.
    pub(super) const fn zero(self) -> u8 {
        match self {
            Q8_0 => 128,
            Q4_0 => 8,
            Q5_0 => 16,
            Q3K => 4,
            Q6K => 32,
            Q4_1 | Q5_1 | Q2K | Q4K | Q5K => 0,
        }
    }

    /// Scale bytes and code bytes of a unit: one file block of 16 rows.
    pub(super) const fn unit(self) -> (usize, usize) {
        match self {
            Q8_0 => (32, 512),
            Q4_0 => (32, 256),
            Q5_0 => (32, 320),
            Q4_1 => (64, 256),
            Q5_1 => (64, 320),
            Q2K => (320, 1024),
            // Its six-bit scales take a byte each.
            Q3K => (288, 1536),
            Q4K => (256, 2048),
            Q5K => (256, 2560),
            Q6K => (288, 3072),
        }
    }

    /// The unsigned codes of the 32 columns of sub-block `part` of a block.
    #[inline(always)]
    pub(super) fn codes(self, block: &[u8], part: usize, codes: &mut [u8; BLOCK]) {
        *codes = [0; BLOCK];
        match self {
            Q8_0 => (0..32).for_each(|j| codes[j] = block[2 + j] ^ 0x80),
            Q4_0 => nibbles(&block[2..18], codes),
            Q4_1 => nibbles(&block[4..20], codes),
            Q5_0 => {
                nibbles(&block[6..22], codes);
                fifth_bits(&block[2..6], codes);
            }
            Q5_1 => {
                nibbles(&block[8..24], codes);
                fifth_bits(&block[4..8], codes);
            }
            Q4K => bits(&block[16 + part / 2 * 32..], part % 2 * 4, 15, 0, codes),
            Q5K => {
                bits(&block[48 + part / 2 * 32..], part % 2 * 4, 15, 0, codes);
                bits(&block[16..], part, 1, 4, codes);
            }
            Q6K => {
                let (half, quarter) = (part / 4, part % 4);
                let low = &block[half * 64 + quarter % 2 * 32..];
                bits(low, quarter / 2 * 4, 15, 0, codes);
                bits(&block[128 + half * 32..], 2 * quarter, 3, 4, codes);
            }
            Q2K => bits(&block[16 + part / 4 * 32..], part % 4 * 2, 3, 0, codes),
            Q3K => {
                bits(&block[32 + part / 4 * 32..], part % 4 * 2, 3, 0, codes);
                bits(block, part, 1, 2, codes);
            }
        }
    }

    #[cfg(test)]
    /// Scale and minimum of 16-column group `group` of a block: a value is
    /// scale · (code - zero) - minimum.
    pub(super) fn scale(self, block: &[u8], group: usize) -> (f32, f32) {
        match self {
            Q8_0 | Q4_0 | Q5_0 => (half(block), 0.0),
            Q4_1 | Q5_1 => (half(block), -half(&block[2..])),
            Q4K | Q5K => {
                let (scale, minimum) = six_bits(&block[4..16], group / 2);
                let (scale, minimum) = (f32::from(scale), f32::from(minimum));
                (half(block) * scale, half(&block[2..]) * minimum)
            }
            Q6K => {
                let scale = f32::from(block[192 + group] as i8);
                (half(&block[208..]) * scale, 0.0)
            }
            Q2K => {
                let both = block[group];
                let (scale, minimum) = (f32::from(both & 15), f32::from(both >> 4));
                (half(&block[80..]) * scale, half(&block[82..]) * minimum)
            }
            Q3K => {
                let scale = f32::from(signed_six_bits(&block[96..108], group));
                (half(&block[108..]) * scale, 0.0)
            }
        }
    }

    #[cfg(test)]
    /// The values of a row of the file.
    pub(crate) fn dequantize(self, row: &[u8], values: &mut [f32]) {
        let blocks = row.chunks_exact(self.bytes());
        let mut codes = [0; BLOCK];
        for (block, values) in blocks.zip(values.chunks_exact_mut(self.columns())) {
            for (part, values) in values.chunks_exact_mut(BLOCK).enumerate() {
                self.codes(block, part, &mut codes);
                for (column, value) in values.iter_mut().enumerate() {
                    let (scale, minimum) = self.scale(block, part * 2 + column / 16);
                    let code = i16::from(codes[column]) - i16::from(self.zero());
                    *value = scale * f32::from(code) - minimum;
                }
            }
        }
    }
}

#[inline(always)]
fn nibbles(bytes: &[u8], codes: &mut [u8; BLOCK]) {
    for j in 0..16 {
        codes[j] = bytes[j] & 15;
        codes[16 + j] = bytes[j] >> 4;
    }
}

#[inline(always)]
fn fifth_bits(bytes: &[u8], codes: &mut [u8; BLOCK]) {
    let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    for (j, code) in codes.iter_mut().enumerate() {
        *code |= ((bits >> j & 1) << 4) as u8;
    }
}

/// Adds `(byte >> from & mask) << to` of 32 bytes to the codes, eight at a time:
/// shifting words by a number that is not constant is one instruction.
#[inline(always)]
fn bits(bytes: &[u8], from: usize, mask: u8, to: usize, codes: &mut [u8; BLOCK]) {
    let mask = u64::from_ne_bytes([mask; 8]);
    let eights = bytes[..BLOCK].as_chunks::<8>().0;
    for (code, eight) in codes.as_chunks_mut::<8>().0.iter_mut().zip(eights) {
        let field = (u64::from_ne_bytes(*eight) >> from & mask) << to;
        *code = (u64::from_ne_bytes(*code) | field).to_ne_bytes();
    }
}

/// The f16 at the start of `bytes`.
#[inline(always)]
pub(super) fn half(bytes: &[u8]) -> f32 {
    half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Six-bit scale and minimum number `j` of a Q4_K or Q5_K block.
pub(super) fn six_bits(packed: &[u8], j: usize) -> (u8, u8) {
    if j < 4 {
        return (packed[j] & 63, packed[j + 4] & 63);
    }
    (
        packed[j + 4] & 15 | packed[j - 4] >> 6 << 4,
        packed[j + 4] >> 4 | packed[j] >> 6 << 4,
    )
}

/// Six-bit scale number `j` of a Q3_K block, from -32 to 31.
pub(super) fn signed_six_bits(packed: &[u8], j: usize) -> i8 {
    let low = packed[j % 8] >> (j / 8 * 4) & 15;
    let high = packed[8 + j % 4] >> (j / 4 * 2) & 3;
    (low | high << 4) as i8 - 32
}
