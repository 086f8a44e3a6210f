//! Tiles in NEON. A quarter of a tile, 4 weight rows by 32 columns, sits in 8
//! registers and meets up to 4 activation rows; the sums of a whole tile stay
//! in 16 registers. For few rows codes are unpacked in registers; for many, a
//! tile becomes a panel once. What follows the integers' sums is the same in
//! all kernels, so a row's product does not depend on the rows beside it.

mod codes;
mod dots;

use super::{Output, each};
use crate::kernels::activations::{Activations, GROUP, RECORD};
use crate::kernels::format::Quantization::*;
use crate::kernels::level::Level;
use crate::kernels::pack::{Packed, ROWS};
use codes::{
    BOTH, HALVES, MINIMUM, ONE, PANEL_CODES, QUARTER_CODES, Weights, codes, has_halves,
    has_minimum, panel_scales, scales,
};
use dots::{Dotprod, Dots, Neon, alternate, pair_dots};
use std::arch::aarch64::*;

/// Both dot products and products of byte matrices.
struct I8mm;

/// Quarters of a tile.
const QUARTERS: usize = 4;

/// Rows of a group of activations.
#[derive(Clone, Copy)]
struct Rows {
    records: *const u8,
    /// Rows in the group, and the first of those to take.
    in_group: usize,
    first: usize,
    blocks: usize,
}

/// The instructions of a level.
trait Kernel {
    /// Whether rows are taken in pairs, from activations and panels that are
    /// laid out for it.
    const PAIRS: bool;

    /// 16 weight rows of kind `K` by `M` activation rows: one to four; in
    /// pairs: one, from weights that are no panel, two or four.
    ///
    /// # Safety
    /// The machine has the instructions; the weights hold the blocks, and the
    /// rows lie in their group's records.
    #[allow(unsafe_code)]
    unsafe fn tile<const K: u8, const M: usize>(w: Weights, x: Rows) -> [[f32; ROWS]; M];
}

impl Kernel for Neon {
    const PAIRS: bool = false;

    #[target_feature(enable = "neon")]
    #[allow(unsafe_code)]
    unsafe fn tile<const K: u8, const M: usize>(w: Weights, x: Rows) -> [[f32; ROWS]; M] {
        // SAFETY: passed on to the caller.
        unsafe { tile_of_rows::<Self, K, M>(w, x) }
    }
}

impl Kernel for Dotprod {
    const PAIRS: bool = false;

    #[target_feature(enable = "neon,dotprod")]
    #[allow(unsafe_code)]
    unsafe fn tile<const K: u8, const M: usize>(w: Weights, x: Rows) -> [[f32; ROWS]; M] {
        // SAFETY: passed on to the caller.
        unsafe { tile_of_rows::<Self, K, M>(w, x) }
    }
}

impl Kernel for I8mm {
    const PAIRS: bool = true;

    #[target_feature(enable = "neon,dotprod,i8mm")]
    #[allow(unsafe_code)]
    unsafe fn tile<const K: u8, const M: usize>(w: Weights, x: Rows) -> [[f32; ROWS]; M] {
        // SAFETY: passed on to the caller.
        unsafe {
            if M == 1 {
                tile_of_rows::<Dotprod, K, M>(w, x)
            } else {
                tile_of_pairs::<K, M>(w, x)
            }
        }
    }
}

/// What a row's scale, sum and sum of the first half are to a block.
#[derive(Clone, Copy)]
struct Extra {
    scale: f32,
    all: f32,
    first: f32,
}

impl Rows {
    /// The codes of the rows of block `b`.
    #[inline(always)]
    fn codes(self, b: usize) -> *const i8 {
        let at = b * RECORD * self.in_group + 32 * self.first;
        self.records.wrapping_add(at).cast()
    }

    /// What else is in the records about row `r` of those to take.
    ///
    /// # Safety
    /// Row and block exist.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn extra(self, b: usize, r: usize) -> Extra {
        let g = self.in_group;
        let start = self.records.wrapping_add(b * RECORD * g + 32 * g);
        let slots = start.cast::<f32>().wrapping_add(self.first + r);
        // SAFETY: passed on to the caller; records are multiples of four bytes
        // in aligned memory.
        unsafe {
            let first = slots.add(3 * g).cast::<i32>().read() as f32;
            Extra {
                scale: slots.read(),
                all: slots.add(2 * g).read(),
                first: first * (1.0 / 128.0),
            }
        }
    }
}

/// `sum` and a block's share: `dots` of the columns' halves, or of all columns
/// in the first, with the quarter's scales and minima.
#[inline]
#[target_feature(enable = "neon")]
fn scaled<const K: u8>(
    sum: float32x4_t,
    dots: [int32x4_t; 2],
    [scale, second, minimum, second_minimum]: [float32x4_t; 4],
    extra: Extra,
) -> float32x4_t {
    let mut part = vmulq_f32(vcvtq_f32_s32(dots[0]), scale);
    if has_halves(K) {
        part = vfmaq_f32(part, vcvtq_f32_s32(dots[1]), second);
    }
    let mut sum = vfmaq_n_f32(sum, part, extra.scale);
    if has_minimum(K) && has_halves(K) {
        let first = extra.first * extra.scale;
        sum = vfmaq_n_f32(sum, minimum, first);
        sum = vfmaq_n_f32(sum, second_minimum, extra.all - first);
    } else if has_minimum(K) {
        sum = vfmaq_n_f32(sum, minimum, extra.all);
    }
    sum
}

/// One row at a time meets the weights.
///
/// # Safety
/// As for [`Kernel::tile`].
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn tile_of_rows<D: Dots, const K: u8, const M: usize>(
    w: Weights,
    x: Rows,
) -> [[f32; ROWS]; M] {
    // SAFETY: the caller vouches for blocks and rows; this target has NEON.
    unsafe {
        let mut sums = [[vdupq_n_f32(0.0); QUARTERS]; M];
        for b in 0..x.blocks {
            let (place, row_codes) = (w.block::<K>(b), x.codes(b));
            each!(QUARTERS, q, {
                let v = codes::<K>(place, q);
                let factors = scales::<K>(place, q);
                each!(M, r, {
                    let at = row_codes.add(32 * r);
                    let mut dots = D::dots(v, [vld1q_s8(at), vld1q_s8(at.add(16))]);
                    if !has_halves(K) {
                        dots[0] = vaddq_s32(dots[0], dots[1]);
                    }
                    sums[r][q] = scaled::<K>(sums[r][q], dots, factors, x.extra(b, r));
                });
            });
        }
        stored(&sums)
    }
}

/// Two rows at a time meet the weights as matrices.
///
/// # Safety
/// As for [`Kernel::tile`]; the machine has I8MM, `M` is even.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn tile_of_pairs<const K: u8, const M: usize>(w: Weights, x: Rows) -> [[f32; ROWS]; M] {
    // SAFETY: the caller vouches for blocks and rows; this target has NEON.
    unsafe {
        let mut sums = [[vdupq_n_f32(0.0); QUARTERS]; M];
        for b in 0..x.blocks {
            let (place, row_codes) = (w.block::<K>(b), x.codes(b));
            each!(QUARTERS, q, {
                let mut v = codes::<K>(place, q);
                if K < ONE {
                    v = alternate(v);
                }
                let factors = scales::<K>(place, q);
                each!(M, r, {
                    if r.is_multiple_of(2) {
                        let dots = pair_dots::<K>(v, row_codes.add(32 * r));
                        let (one, two) = (x.extra(b, r), x.extra(b, r + 1));
                        sums[r][q] = scaled::<K>(sums[r][q], dots[0], factors, one);
                        sums[r + 1][q] = scaled::<K>(sums[r + 1][q], dots[1], factors, two);
                    }
                });
            });
        }
        stored(&sums)
    }
}

/// The sums as numbers.
#[inline]
#[target_feature(enable = "neon")]
fn stored<const M: usize>(sums: &[[float32x4_t; QUARTERS]; M]) -> [[f32; ROWS]; M] {
    let mut out = [[0.0; ROWS]; M];
    each!(M, r, {
        each!(QUARTERS, q, {
            // SAFETY: four numbers of sixteen.
            #[allow(unsafe_code)]
            unsafe {
                vst1q_f32(out[r].as_mut_ptr().add(4 * q), sums[r][q]);
            }
        });
    });
    out
}

/// Unpacks a tile of kind `K` to a panel of kind `P`.
///
/// # Safety
/// `w` holds `blocks` blocks; there is room for the panel's codes and scales.
#[target_feature(enable = "neon")]
#[allow(unsafe_code)]
unsafe fn unpack<const K: u8, const P: u8>(
    w: Weights,
    blocks: usize,
    pairs: bool,
    (codes_to, scales_to): (*mut u8, *mut u8),
) {
    for b in 0..blocks {
        let place = w.block::<K>(b);
        for q in 0..QUARTERS {
            // SAFETY: block `b` and its quarters lie inside all three buffers.
            unsafe {
                let mut v = codes::<K>(place, q);
                if pairs {
                    v = alternate(v);
                }
                let to = codes_to.add(b * PANEL_CODES + q * QUARTER_CODES);
                for (g, v) in v.into_iter().enumerate() {
                    vst1q_s8(to.add(16 * g).cast(), v);
                }
                let [scale, second, minimum, second_minimum] = scales::<K>(place, q);
                let to = scales_to.add(b * panel_scales(P) + 16 * q).cast::<f32>();
                let put = |slot: usize, v| vst1q_f32(to.add(ROWS * slot), v);
                put(0, scale);
                match P {
                    MINIMUM => put(1, minimum),
                    HALVES => put(1, second),
                    BOTH => {
                        put(1, second);
                        put(2, minimum);
                        put(3, second_minimum);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Tiles `from..to` of the product; `panel` is scratch of the calling thread.
///
/// # Safety
/// As for [`product`].
#[allow(unsafe_code)]
unsafe fn tiles<D: Kernel, const K: u8, const P: u8>(
    w: &Packed,
    x: &Activations,
    out: Output,
    (from, to): (usize, usize),
    panel: &mut Vec<u8>,
) {
    let blocks = w.columns / 32;
    let direct = x.rows <= GROUP;
    if !direct {
        panel.resize(blocks * (PANEL_CODES + panel_scales(P)), 0);
    }
    let panel_codes = panel.as_mut_ptr();
    let panel_scales = panel_codes.wrapping_add(blocks * PANEL_CODES);
    let unpacked = Weights {
        codes: panel_codes,
        scales: panel_scales,
    };
    for t in from..to {
        let columns = ROWS.min(w.rows - t * ROWS);
        let start = w.tile(t).as_ptr();
        let packed = Weights {
            codes: start,
            scales: start,
        };
        if !direct {
            // SAFETY: tile and panel are as large as `blocks` asks.
            unsafe { unpack::<K, P>(packed, blocks, D::PAIRS, (panel_codes, panel_scales)) };
        }
        let mut row = 0;
        while row < x.rows {
            let group = row / GROUP * GROUP;
            let rows = Rows {
                records: x.group(group).as_ptr(),
                in_group: GROUP.min(x.rows - group),
                first: row - group,
                blocks,
            };
            let left = (rows.in_group - rows.first).min(4);
            let height = if D::PAIRS && left == 3 { 2 } else { left };
            // A row without a partner meets the tile as it was packed.
            let direct = direct || D::PAIRS && height == 1;
            let put = |values: &[[f32; ROWS]]| {
                for (r, values) in values.iter().enumerate() {
                    // SAFETY: rows and columns of the output.
                    unsafe {
                        let place = out.start.add((row + r) * out.stride + t * ROWS);
                        std::ptr::copy_nonoverlapping(values.as_ptr(), place, columns);
                    }
                }
            };
            // SAFETY: tile, panel and records are as large as `blocks` asks.
            unsafe {
                match (height, direct) {
                    (4, true) => put(&D::tile::<K, 4>(packed, rows)),
                    (3, true) => put(&D::tile::<K, 3>(packed, rows)),
                    (2, true) => put(&D::tile::<K, 2>(packed, rows)),
                    (_, true) => put(&D::tile::<K, 1>(packed, rows)),
                    (4, false) => put(&D::tile::<P, 4>(unpacked, rows)),
                    (3, false) => put(&D::tile::<P, 3>(unpacked, rows)),
                    (2, false) => put(&D::tile::<P, 2>(unpacked, rows)),
                    (_, false) => put(&D::tile::<P, 1>(unpacked, rows)),
                }
            }
            row += height;
        }
    }
}

/// The tiles of a matrix, whatever its kind.
///
/// # Safety
/// As for [`product`].
#[allow(unsafe_code)]
unsafe fn tiles_of_any_kind<D: Kernel>(
    w: &Packed,
    x: &Activations,
    out: Output,
    range: (usize, usize),
    panel: &mut Vec<u8>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        match w.kind {
            Q8_0 => tiles::<D, { Q8_0 as u8 }, ONE>(w, x, out, range, panel),
            Q4_0 => tiles::<D, { Q4_0 as u8 }, ONE>(w, x, out, range, panel),
            Q5_0 => tiles::<D, { Q5_0 as u8 }, ONE>(w, x, out, range, panel),
            Q4_1 => tiles::<D, { Q4_1 as u8 }, MINIMUM>(w, x, out, range, panel),
            Q5_1 => tiles::<D, { Q5_1 as u8 }, MINIMUM>(w, x, out, range, panel),
            Q2K => tiles::<D, { Q2K as u8 }, BOTH>(w, x, out, range, panel),
            Q3K => tiles::<D, { Q3K as u8 }, HALVES>(w, x, out, range, panel),
            Q4K => tiles::<D, { Q4K as u8 }, MINIMUM>(w, x, out, range, panel),
            Q5K => tiles::<D, { Q5K as u8 }, MINIMUM>(w, x, out, range, panel),
            Q6K => tiles::<D, { Q6K as u8 }, HALVES>(w, x, out, range, panel),
        }
    }
}

/// Tiles `from..to` of a product.
///
/// # Safety
/// The machine has the level's instructions, and the activations were
/// quantized for it; `out` holds the activations' rows, and nobody else
/// touches the columns of these tiles.
#[allow(unsafe_code)]
pub(super) unsafe fn product(
    level: Level,
    w: &Packed,
    x: &Activations,
    out: Output,
    range: (usize, usize),
    panel: &mut Vec<u8>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        match level {
            Level::I8mm => tiles_of_any_kind::<I8mm>(w, x, out, range, panel),
            Level::Dotprod => tiles_of_any_kind::<Dotprod>(w, x, out, range, panel),
            _ => tiles_of_any_kind::<Neon>(w, x, out, range, panel),
        }
    }
}
