//! Products of f32 matrices, one panel of 32 columns at a time. Owns the choice
//! of instructions; everything unsafe is behind the bounds that
//! [`panel_product`] checks. Must not know what is multiplied.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::cover::Tiled;

/// Columns in a panel.
pub(crate) const PANEL: usize = 32;

/// The instructions to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl Instructions {
    /// The best that this machine has.
    pub(crate) fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this machine has, the best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            found.push(Self::Neon);
        }
        found.push(Self::Portable);
        found
    }
}

/// A row-major matrix inside a slice: `stride` values from row to row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// The same, to write to.
pub(crate) struct RowsMut<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) stride: usize,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Onto<'a> {
    Zero,
    /// The same 32 values for every row.
    Bias(&'a [f32]),
    /// What the output holds.
    Output,
}

impl Onto<'_> {
    /// Where the first row's 32 values lie, and how far from row to row, if
    /// the output is at `out`.
    pub(super) fn start(&self, out: *const f32, stride: usize) -> (*const f32, usize) {
        static ZERO: [f32; PANEL] = [0.0; PANEL];
        match self {
            Onto::Zero => (ZERO.as_ptr(), 0),
            Onto::Bias(bias) => {
                assert!(bias.len() >= PANEL);
                (bias.as_ptr(), 0)
            }
            Onto::Output => (out, stride),
        }
    }
}

/// Pointers of one tile; read and written within the bounds that
/// [`panel_product`] checked for all its tiles.
#[derive(Clone, Copy)]
struct Tile {
    left: *const f32,
    left_stride: usize,
    right: *const f32,
    right_stride: usize,
    start: *const f32,
    start_stride: usize,
    out: *mut f32,
    out_stride: usize,
    depth: usize,
}

impl Tiled for Tile {
    fn below(self, rows: usize) -> Self {
        Self {
            left: self.left.wrapping_add(rows * self.left_stride),
            start: self.start.wrapping_add(rows * self.start_stride),
            out: self.out.wrapping_add(rows * self.out_stride),
            ..self
        }
    }

    fn beside(self, columns: usize) -> Self {
        Self {
            right: self.right.wrapping_add(columns),
            start: self.start.wrapping_add(columns),
            out: self.out.wrapping_add(columns),
            ..self
        }
    }
}

/// `out = onto + left · right` for `rows` rows of the left side and the first
/// 32 columns of the right side, over `depth` products each.
pub(crate) fn panel_product(
    instructions: Instructions,
    (rows, depth): (usize, usize),
    left: Rows<'_>,
    right: Rows<'_>,
    onto: Onto<'_>,
    out: RowsMut<'_>,
) {
    assert!(spans(left.values.len(), left.stride, rows, depth));
    assert!(spans(right.values.len(), right.stride, depth, PANEL));
    assert!(spans(out.values.len(), out.stride, rows, PANEL));
    let target = out.values.as_mut_ptr();
    let (start, start_stride) = onto.start(target, out.stride);
    let tile = Tile {
        left: left.values.as_ptr(),
        left_stride: left.stride,
        right: right.values.as_ptr(),
        right_stride: right.stride,
        start,
        start_stride,
        out: target,
        out_stride: out.stride,
        depth,
    };
    // SAFETY: the assertions above bound every row of every tile, and a value
    // of `Instructions` other than `Portable` exists only after detection.
    #[allow(unsafe_code)]
    unsafe {
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::avx512(tile, rows),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::avx2(tile, rows),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => neon::product(tile, rows),
            Instructions::Portable => portable::product(tile, rows),
        }
    }
}

/// Whether `rows` rows of `width` values, `stride` apart, lie within `length`.
pub(super) fn spans(length: usize, stride: usize, rows: usize, width: usize) -> bool {
    rows == 0 || (rows - 1) * stride + width <= length
}
