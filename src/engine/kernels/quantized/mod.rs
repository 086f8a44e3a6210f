//! Products of quantized weights with quantized activations: y = x · Wᵀ. Owns
//! the choice of kernel; a share of a product is a range of tiles, so that
//! threads divide the rows of the weights. Must not know what is multiplied.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;

use super::activations::Activations;
use super::disjoint::Disjoint;
use super::level::Level;
use super::pack::{Packed, ROWS};

pub(super) use portable::row_values;

/// Repeats a block for r = 0..M, unrolled: a loop over vectors would leave
/// them in memory.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! each {
    ($m:ident, $r:ident, $b:block) => { each!(@ $m, $r, $b, 0 1 2 3 4 5 6 7) };
    (@ $m:ident, $r:ident, $b:block, $($i:literal)*) => {
        $( if $i < $m { let $r: usize = $i; $b } )*
    };
}

/// Calls `f::<K, M>` with the number of rows at run time as M.
#[cfg(target_arch = "x86_64")]
macro_rules! with_rows {
    ($m:expr, $f:ident::<$k:ident>($($a:expr),*)) => {
        with_rows!(@ $m, $f, $k, ($($a),*), 1 2 3 4 5 6 7 8)
    };
    (@ $m:expr, $f:ident, $k:ident, $a:tt, $($i:literal)*) => {
        match $m { $( $i => with_rows!(! $f, $k, $i, $a), )* _ => {} }
    };
    (! $f:ident, $k:ident, $i:literal, ($($a:expr),*)) => { $f::<$k, $i>($($a),*) };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use each;
#[cfg(target_arch = "x86_64")]
use with_rows;

/// A matrix to write to, shared by threads that write different columns.
#[derive(Clone, Copy)]
pub(super) struct Output {
    start: *mut f32,
    stride: usize,
    /// Columns that may be written.
    columns: usize,
    rows: usize,
}

// SAFETY: whoever writes through it vouches for writing alone (see `share`).
#[allow(unsafe_code)]
unsafe impl Send for Output {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Output {}

impl Output {
    /// Rows of `stride` values, from `column` on.
    pub(super) fn within(values: &Disjoint<'_, f32>, column: usize, stride: usize) -> Self {
        let (start, length) = values.raw();
        assert!(column <= stride && stride > 0);
        Self {
            start: start.wrapping_add(column),
            stride,
            columns: stride - column,
            rows: length / stride,
        }
    }
}

/// Computes tiles `from..to` (16 columns of the output each) of x · Wᵀ;
/// `panel` is scratch that the calling thread keeps.
///
/// # Safety
/// While this runs, nobody else touches these columns of `out`, and the slice
/// that `out` was made of is still borrowed.
#[allow(unsafe_code)]
pub(super) unsafe fn share(
    level: Level,
    w: &Packed,
    x: &Activations,
    out: Output,
    (from, to): (usize, usize),
    panel: &mut Vec<u8>,
) {
    assert!(x.columns == w.columns && x.rows <= out.rows && w.rows <= out.columns);
    assert!(from <= to && to <= w.rows.div_ceil(ROWS));
    // SAFETY: bounds were checked above, a level exists only after detection,
    // the rest is the caller's word.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Vnni512 => avx512::product(w, x, out, (from, to), panel),
            #[cfg(target_arch = "x86_64")]
            Level::Vnni256 => avx2::product::<true>(w, x, out, (from, to)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::product::<false>(w, x, out, (from, to)),
            #[cfg(target_arch = "aarch64")]
            Level::Neon | Level::Dotprod | Level::I8mm => {
                neon::product(level, w, x, out, (from, to), panel);
            }
            Level::Portable => portable::product(w, x, out, (from, to)),
        }
    }
}
